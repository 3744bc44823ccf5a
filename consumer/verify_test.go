package consumer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// verify compares and fails where it cannot.
func verify(t *testing.T, n *teststack.NATS, db driver.Conn, opt consumer.VerifyOptions) *consumer.Verification {
	t.Helper()
	v, err := replayer(t, n, db).Verify(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// faults renders what differs: table day missing/different/extra.
func faults(v *consumer.Verification) (list []string) {
	for _, f := range v.Findings {
		if f.Differs() {
			list = append(list, fmt.Sprintf("%s %d/%d/%d", f.Table, f.Missing, f.Different, f.Extra))
		}
	}
	slices.Sort(list)
	return list
}

func orphans(v *consumer.Verification) (n uint64) {
	for _, f := range v.Findings {
		n += f.Orphaned
	}
	return n
}

// rawContent is what all tables hold, row by row, replaced rows included.
func rawContent(t *testing.T, db driver.Conn) map[string]string {
	t.Helper()
	m := map[string]string{}
	for table := range content(t, db) {
		m[table] = ask(t, db, "SELECT (count(), groupBitXor(sipHash64(formatRow('RowBinary', *)))) FROM m365."+table)
	}
	return m
}

func TestVerifyFindsAndRepairsWhatDiffersAndNothingElse(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	for _, kind := range schemas.Kinds {
		publish(t, n.JS, golden(t, kind, schemas.Upsert))
	}
	publishUsers(t, n.JS, 0, 1000, "r1")
	publishUsers(t, n.JS, 0, 500, "r2")
	publish(t, n.JS, poisons()[0].msg, golden(t, schemas.KindUser, schemas.Delete))
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	want := content(t, ch.Conn)
	v := verify(t, n, ch.Conn, consumer.VerifyOptions{})
	if got := faults(v); got != nil || v.To != n.LastSeq(t) || v.Waiting != 0 {
		t.Fatalf("healthy tables: %v up to %d, %d waiting", got, v.To, v.Waiting)
	}
	dead := uint64(0)
	for _, f := range v.Findings {
		dead += f.DeadLettered
	}
	if dead != 1 {
		t.Errorf("%d records accounted for as dead letters", dead)
	}
	untouched := rawContent(t, ch.Conn)
	for _, table := range []string{"user_changes", "users", "group_changes", "groups", "report_changes", "reports"} {
		delete(untouched, table)
	}

	exec(t, ch.Conn,
		"ALTER TABLE m365.user_changes DELETE WHERE stream_seq BETWEEN 100 AND 349 SETTINGS mutations_sync = 1",
		"ALTER TABLE m365.user_changes UPDATE department = 'forged' WHERE stream_seq IN (400, 401) SETTINGS mutations_sync = 1",
		// Null and false, and two forms of nested lists, must not pass for one another.
		"ALTER TABLE m365.group_changes UPDATE mail_enabled = NULL WHERE 1 SETTINGS mutations_sync = 1",
		"ALTER TABLE m365.report_changes UPDATE counts = map('Send Count', 42) WHERE 1 SETTINGS mutations_sync = 1",
		"ALTER TABLE m365.users DELETE WHERE stream_seq BETWEEN 1200 AND 1209 SETTINGS mutations_sync = 1",
		"ALTER TABLE m365.users UPDATE department = 'forged' WHERE stream_seq = 1300 SETTINGS mutations_sync = 1",
		"INSERT INTO m365.user_changes (tenant_id, user_id, stream_seq, department) SELECT tenant_id, generateUUIDv4(), 700, 'invented' FROM m365.organizations FINAL",
	)
	v = verify(t, n, ch.Conn, consumer.VerifyOptions{})
	if got := faults(v); v.Clean() || !slices.Equal(got, []string{
		"group_changes 0/1/0", "groups 0/1/0", "report_changes 0/1/0", "reports 0/1/0",
		"user_changes 250/3/0", "users 10/1/0", // the invented row has the sequence of another
	}) {
		t.Errorf("found %q", got)
	}
	v = verify(t, n, ch.Conn, consumer.VerifyOptions{Repair: true})
	if !v.Clean() {
		t.Errorf("a repair left %v", faults(v))
	}
	same(t, "repaired", content(t, ch.Conn), want)
	same(t, "tables in which nothing differed", rawContent(t, ch.Conn), untouched)
	if v := verify(t, n, ch.Conn, consumer.VerifyOptions{}); !v.Clean() || faults(v) != nil {
		t.Errorf("after the repair: %v", faults(v))
	}
}

func TestVerifyKeepsWhatTheStreamHasOutlived(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	publishUsers(t, n.JS, 0, 50, "r1")
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	cfg := stream.CachedInfo().Config
	cfg.MaxMsgsPerSubject = 1
	if _, err := n.JS.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	publishUsers(t, n.JS, 10, 60, "r2")
	teststack.Drain(t, c)
	v := verify(t, n, ch.Conn, consumer.VerifyOptions{})
	if !v.Clean() {
		t.Errorf("rows that the stream has outlived are %v", faults(v))
	}
	// A row that no record made is found all the same.
	exec(t, ch.Conn, "INSERT INTO m365.user_changes (tenant_id, user_id, stream_seq, observed_at) SELECT any(tenant_id), generateUUIDv4(), 30, any(observed_at) FROM m365.users")
	if v = verify(t, n, ch.Conn, consumer.VerifyOptions{Repair: true}); v.Clean() || orphans(v) != 1 {
		t.Errorf("an invented row: %d orphans", orphans(v))
	}
	expect(t, ch.Conn, "the stream may have lost it", map[string]string{"SELECT count() FROM m365.user_changes FINAL": "101"})
	if v = verify(t, n, ch.Conn, consumer.VerifyOptions{Repair: true, DeleteOrphans: true}); !slices.Contains(faults(v), "user_changes 0/0/1") {
		t.Errorf("an invented row: %v", faults(v))
	}
	if v = verify(t, n, ch.Conn, consumer.VerifyOptions{}); !v.Clean() || faults(v) != nil {
		t.Errorf("after the repair: %v", faults(v))
	}
	expect(t, ch.Conn, "history", map[string]string{"SELECT count() FROM m365.user_changes FINAL": "100"})
}

func TestVerifyComparesTheStreamWithItsEvidence(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	publish(t, n.JS, userMsg(1, "r1"), runMsg("users", "r1")) // lists one
	if v := verify(t, n, ch.Conn, consumer.VerifyOptions{Kinds: []schemas.Kind{schemas.KindUser}}); v.Evidence[0].Differs {
		t.Errorf("evidence %+v", v.Evidence)
	}
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	v := verify(t, n, ch.Conn, consumer.VerifyOptions{})
	if len(v.Evidence) != 1 || !v.Evidence[0].Differs || v.Evidence[0].Listed != 1 || v.Evidence[0].Live != 0 || v.Clean() {
		t.Errorf("a lost record: %+v", v.Evidence)
	}
}

func TestVerifySeesTablesOfAnotherStream(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	exec(t, ch.Conn, "INSERT INTO m365.user_changes (tenant_id, user_id, stream_seq) SELECT generateUUIDv4(), generateUUIDv4(), 5")
	if v := verify(t, n, ch.Conn, consumer.VerifyOptions{Repair: true}); v.Clean() {
		t.Error("rows of a stream that is gone pass for clean")
	}
}

func TestVerifyComparesSignIns(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	publish(t, n.JS, message(schemas.KindSignIn, guid(1), "r1", schemas.Upsert, fmt.Sprintf(`{"id":%q,"lastSignInDateTime":"2026-03-01T00:00:00Z"}`, guid(1))), runMsg("sign_ins", "r1"))
	if v := verify(t, n, ch.Conn, consumer.VerifyOptions{}); len(v.Evidence) != 1 || v.Evidence[0].Differs || v.Evidence[0].Live != 1 {
		t.Errorf("evidence %+v", v.Evidence)
	}
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, n, ch.Conn, consumer.VerifyOptions{}); len(v.Evidence) != 1 || !v.Evidence[0].Differs {
		t.Errorf("a sign-in that the stream has lost: %+v", v.Evidence)
	}
}
