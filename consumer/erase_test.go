package consumer_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// The person who is to be forgotten, and one who must not be.
const (
	annaName = "Anna Unverwechselbar"
	annaOld  = "anna@contoso.com"
	annaNew  = "Anna.Neu@contoso.com"
	annaMail = "a.unverwechselbar@fabrikam.example"
)

var anna, joanna, site = guid(0xa11a), guid(0x10a11a), "00112233445566778899aabbccddeeff"

func reportMsg(fn, key, run, upn, texts string) *nats.Msg {
	r := schemas.Record{
		Subject: schemas.Subject{Tenant: tenant, Kind: schemas.KindReport, Report: fn, Entity: key}, Op: schemas.Upsert, Run: run,
		Time: time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC), Body: fmt.Appendf(nil, `{"report":%q,"reportRefreshDate":"2026-03-12","key":%q,"userPrincipalName":%q,"concealed":false,"texts":%s}`, fn, key, upn, texts),
	}
	return &nats.Msg{Subject: r.Subject.String(), Header: r.Headers(), Data: r.Body}
}

// traces publishes everything in which a person can stand, and what must stay.
func traces(t *testing.T, n *teststack.NATS, digestKey []byte) {
	t.Helper()
	user := func(id, run, upn, name, mail, more string) *nats.Msg {
		return message(schemas.KindUser, id, run, schemas.Upsert,
			fmt.Sprintf(`{"id":%q,"userPrincipalName":%q,"displayName":%q,"mail":%q,"x":%q}`, id, upn, name, mail, more))
	}
	spec, err := schemas.ReportNamed("getOffice365ActiveUserDetail")
	if err != nil {
		t.Fatal(err)
	}
	row, ok := spec.RowKey(digestKey, annaOld)
	if !ok {
		t.Fatal("no row key")
	}
	group, sku := guid(7), guid(8)
	publish(t, n.JS,
		user(anna, "r1", annaOld, annaName, annaMail, ""), user(joanna, "r1", "joanna@contoso.com", "Joanna", "joanna@contoso.com", ""),
		message(schemas.KindMember, group+"_"+anna, "r1", schemas.Upsert, fmt.Sprintf(`{"groupId":%q,"memberId":%q}`, group, anna)),
		message(schemas.KindMember, group+"_"+joanna, "r1", schemas.Upsert, fmt.Sprintf(`{"groupId":%q,"memberId":%q}`, group, joanna)),
		reportMsg(spec.Function, row, "r1", strings.ToUpper(annaOld), `{"Display Name":"`+annaName+`"}`),
		reportMsg("getSharePointSiteUsageDetail", site, "r1", "", `{"Owner Principal Name":"`+annaOld+`"}`),
		reportMsg("getSharePointSiteUsageDetail", site, "r2", "", `{"Owner Principal Name":"joanna@contoso.com"}`),
		reportMsg("getOneDriveUsageAccountDetail", strings.Repeat("1", 32), "r1", "", `{"Owner Display Name":"`+annaName+`"}`),
		reportMsg("getOneDriveUsageAccountDetail", strings.Repeat("2", 32), "r1", "", `{"Site URL":"https://contoso-my.sharepoint.com/personal/anna_contoso_com"}`),
		reportMsg("getOneDriveUsageAccountDetail", strings.Repeat("3", 32), "r1", "joanna@contoso.com", `{"Display Name":"`+annaName+`"}`),
		user(guid(9), "r1", "x@contoso.com", "X", "", fmt.Sprint("not json", annaOld, "x")), // part of a longer word
	)
	// Fill blocks of the store, so that the first one is closed and compressed.
	noise := make([]byte, 400_000)
	for i := range 30 {
		for j := range noise {
			noise[j] = "0123456789abcdef"[rand.IntN(16)]
		}
		publish(t, n.JS, user(guid(100+i), "r1", "", "", "", string(noise)))
	}
	bad := user(anna, "r9", annaOld, annaName, annaMail, "")
	bad.Data = append(bad.Data, "}}"...)
	publish(t, n.JS, bad,
		user(anna, "r2", annaNew, annaName, annaMail, ""),
		message(schemas.KindLicence, anna+"_"+sku, "r2", schemas.Upsert, fmt.Sprintf(`{"userId":%q,"skuId":%q,"change":"assigned","before":{"held":false},"after":{"held":true}}`, anna, sku)),
		message(schemas.KindUser, anna, "r3", schemas.Delete, fmt.Sprintf(`{"id":%q}`, anna)))
}

func TestEraseLeavesNoTrace(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	key := []byte("0123456789abcdef0123456789abcdef")
	if _, err := n.Stores.Cursors.Put(t.Context(), schemas.DigestKeyName(tenant), key); err != nil {
		t.Fatal(err)
	}
	traces(t, n, key)
	c, stop := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	brought(t, n, ch.Conn)
	dirs := []string{n.Server().JetStreamConfig().StoreDir, ask(t, ch.Conn, "SELECT path FROM system.disks WHERE name = 'default'")}
	needles := []string{annaName, annaOld, annaNew, annaMail, anna, strings.ToUpper(annaOld)}
	for _, needle := range needles {
		if needle != annaNew && len(found(t, dirs, needle)) == 0 {
			t.Errorf("%s is nowhere on disk: the test would find nothing", needle)
		}
	}

	e, err := c.PlanErase(t.Context(), tenant, strings.ToUpper(annaNew))
	if err != nil {
		t.Fatal(err)
	}
	want := map[schemas.Kind]int{schemas.KindUser: 4, schemas.KindMember: 1, schemas.KindReport: 4, schemas.KindLicence: 1}
	if fmt.Sprint(e.Records) != fmt.Sprint(want) || e.Letters != 1 || !e.Known || e.Listed || e.Empty() {
		t.Errorf("plan: %v, %d letters, known %t, listed %t; want %v", e.Records, e.Letters, e.Known, e.Listed, want)
	}
	if err := c.Erase(t.Context(), e, func(string) {}); err != nil {
		t.Fatal(err)
	}
	teststack.Drain(t, c) // the evidence
	// What names another person by the same display name stays, and that is all.
	for _, needle := range needles[1:] {
		for _, file := range found(t, dirs, needle) {
			// The server's index of subjects, which hold ids, is written every two minutes and
			// when the server stops: see below.
			if needle != anna || filepath.Base(file) != "index.db" {
				t.Errorf("%s is still in %s", needle, file)
			}
		}
	}
	again, err := c.PlanErase(t.Context(), tenant, anna)
	if err != nil || !again.Empty() {
		t.Errorf("found again: %+v, %v", again, err)
	}
	expect(t, ch.Conn, "what must stay", map[string]string{
		"SELECT count() FROM m365.users FINAL WHERE user_principal_name = 'joanna@contoso.com'":              "1",
		"SELECT count() FROM m365.users FINAL WHERE user_principal_name = 'x@contoso.com'":                   "1",
		"SELECT count() FROM m365.members FINAL":                                                             "1",
		"SELECT count() FROM m365.report_changes FINAL":                                                      "2",
		"SELECT count() FROM m365.run_changes WHERE feed = 'erase' AND deletes = 10 AND status = 'complete'": "1",
		"SELECT groupArray((reason, who)) FROM (SELECT * FROM m365.exclusions FINAL ORDER BY reason)":        "[('everybody\\'s','joe'),('made by her','')]",
		"SELECT groupArray(reason) FROM m365.recommendations FINAL":                                          "['another seat']",
		"SELECT groupArray(imported_by) FROM m365.prices FINAL":                                              "['']",
		"SELECT countIf(engine_full LIKE '%old_parts_lifetime%') FROM system.tables":                         "0",
	})
	if v := verify(t, n, ch.Conn, consumer.VerifyOptions{}); !v.Clean() {
		t.Errorf("verify: %v, %+v", faults(v), v.Evidence)
	}
	stop()
	n.Stop()
	for _, needle := range needles[1:] {
		for _, file := range found(t, dirs[:1], needle) {
			t.Errorf("%s is still in %s of the stopped server", needle, file)
		}
	}
}

// brought stores what people bring along about a person, or the person about others, and what
// an unfinished run has left.
func brought(t *testing.T, n *teststack.NATS, db driver.Conn) {
	t.Helper()
	const zeros, at = schemas.AllTenants, "'2026-03-14 06:00:00'"
	exclusion := func(of, user, reason, who string) string {
		return fmt.Sprintf("INSERT INTO m365.exclusions VALUES (generateUUIDv4(), '%s', '%s', '%s', 'vip', '%s', '%s', %s, NULL, 0)", of, user, guid(8), reason, who, at)
	}
	seat := func(user, reason string) string {
		return fmt.Sprintf("INSERT INTO m365.recommendations VALUES (generateUUIDv4(), '%s', '%s', '%s', 'reclaim', %s, 'joe', '%s', NULL, '', 0)", tenant, user, guid(8), at, reason)
	}
	exec(t, db, exclusion(tenant, anna, "about her", "joe"), exclusion(zeros, anna, "everywhere", "joe"), exclusion(tenant, zeros, "for "+annaOld, "joe"),
		exclusion(tenant, joanna, "made by her", annaNew), exclusion(zeros, zeros, "everybody''s", "joe"),
		seat(anna, "her seat"), seat(joanna, "another seat"),
		fmt.Sprintf("INSERT INTO m365.prices VALUES ('%s', '%s', 1, 'EUR', 'annual', '2026-01-01', NULL, %s, '%s', 0)", tenant, guid(8), at, annaOld))
	for _, key := range []string{tenant, tenant + ".users.1"} {
		if _, err := n.Stores.Checkpoints.Put(t.Context(), key, []byte(`{"next":"https://graph.example/users?$skiptoken=`+annaOld+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
}

// found lists the files that hold a text, compressed or not.
func found(t *testing.T, dirs []string, text string) (files []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil //nolint:nilerr // a part that was removed meanwhile
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return nil //nolint:nilerr // likewise
			}
			if plain := uncompressed(b); plain != nil {
				b = plain
			}
			for _, longer := range []string{"joanna@contoso.com", "jsonanna@contoso.comx"} { // names somebody or something else
				b = bytes.ReplaceAll(b, []byte(longer), nil)
			}
			if bytes.Contains(b, []byte(text)) {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(files)
	return files
}

// uncompressed is a block of a stream's store that the server has compressed: "cmp", the
// algorithm, the original size, and a stream of s2.
func uncompressed(b []byte) []byte {
	if !bytes.HasPrefix(b, []byte("cmp")) {
		return nil
	}
	for skip := 4; skip < 14; skip++ { // the size is a varint
		var out bytes.Buffer
		if _, err := out.ReadFrom(s2.NewReader(bytes.NewReader(b[min(skip, len(b)):]))); out.Len() > 0 && (err == nil || out.Len() > 1000) {
			return out.Bytes()
		}
	}
	return nil
}
