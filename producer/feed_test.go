package producer_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

const (
	activeUsers = "getOffice365ActiveUserDetail"
	rowKey      = "9f86d081884c7d659a2feaa0c55ad015"
)

func reportRow(refresh, sent string) *schemas.Report {
	return &schemas.Report{
		Function: activeUsers, RefreshDate: refresh, Period: "180", Key: rowKey, UserPrincipalName: "u@contoso.com",
		Counts: schemas.Columns{{Name: "Send Count", Value: jsontext.Value(sent)}},
	}
}

func TestReportRowIsItsContentNotItsDate(t *testing.T) {
	t.Parallel()
	d := startDirectory(t, producer.Feed{Name: activeUsers, Kind: schemas.KindReport, Report: activeUsers, NeverEmpty: true})
	d.expect("first", list(reportRow("2026-03-10", "1")), []string{"upsert " + rowKey}, nil,
		"complete entities 1 published 1 unchanged 0 deleted 0 events 0")
	d.expect("only the refresh date moved", list(reportRow("2026-03-11", "1")), nil, nil,
		"complete entities 1 published 0 unchanged 1 deleted 0 events 0")
	_, msgs := d.run(list(reportRow("2026-03-12", "2")))
	var row schemas.Report
	if len(msgs) != 2 || schemas.Decode(msgs[0].Data, &row) != nil || row.RefreshDate != "2026-03-12" {
		t.Errorf("%d messages; row %+v: the date must be that of the report that brought the content", len(msgs), row)
	}
}

// moving is a feed of one SKU that is read twice in a run.
func moving(again int, name string, units ...int64) producer.Feed {
	return producer.Feed{Name: name, Kind: schemas.KindSKU, Again: again, Read: func(page func(...schemas.Entity) error) error {
		var entities []schemas.Entity
		for _, u := range units {
			entities = append(entities, &schemas.SKU{SKUID: skuE3, ConsumedUnits: u})
		}
		// A SKU that stays: a listing of SKUs that is empty would not be believed.
		return page(append(entities, &schemas.SKU{SKUID: skuE5})...)
	}}
}

func TestKindReadTwiceInARun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, second producer.Feed
		want          []string
	}{
		"unchanged":                {moving(0, "skus", 1), moving(1, "skus_after", 1), []string{"upsert " + skuE3, "upsert " + skuE5}},
		"moved":                    {moving(0, "skus", 1), moving(1, "skus_after", 2), []string{"upsert " + skuE3, "upsert " + skuE5, "upsert " + skuE3}},
		"gone in between":          {moving(0, "skus", 1), moving(1, "skus_after"), []string{"upsert " + skuE3, "upsert " + skuE5, "delete " + skuE3}},
		"there in the second only": {moving(0, "skus"), moving(1, "skus_after", 1), []string{"upsert " + skuE5, "upsert " + skuE3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := teststack.StartNATS(t)
			evs, err := producer.RunFeed(t.Context(), newRunner(t, n), tenant, tc.first, tc.second)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "records", heads(stored(t, n.JS), schemas.KindSKU), tc.want)
			for _, ev := range evs {
				if cursor, err := producer.Cursor(t.Context(), n.Stores, tenant, ev.Feed); err != nil || cursor != ev.RunID {
					t.Errorf("cursor of %s at %q, %v", ev.Feed, cursor, err)
				}
			}
		})
	}
}

func TestEvidenceStandsBehindItsRecords(t *testing.T) {
	t.Parallel()
	d := startDirectory(t, userFeed)
	var many []schemas.Entity
	for i := range 2100 {
		many = append(many, user(i, "a"))
	}
	ev, msgs := d.run(list(many...))
	last := msgs[len(msgs)-1]
	s, err := schemas.ParseSubject(last.Subject)
	if err != nil || s.Kind != schemas.KindRun || s.Entity != "users" {
		t.Fatalf("the last record is %s: evidence must come behind what it is about", last.Subject)
	}
	var got schemas.Run
	if err := schemas.Decode(last.Data, &got); err != nil || got.RunID != ev.RunID || got.Entities != 2100 || !got.Baseline {
		t.Errorf("evidence %+v, %v", got, err)
	}
}

func TestLoadState(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	p := producer.NewPublisher(t.Context(), n.JS, teststack.Log(t), 0)
	hash := func(n byte) string { return schemas.FormatHash([16]byte{15: n}) }
	record := func(kind schemas.Kind, report string, n int, op schemas.Op, run string, h byte) schemas.Record {
		r := userRecord(n, run)
		r.Subject.Kind, r.Subject.Report, r.Op = kind, report, op
		if h > 0 {
			r.Hash = hash(h)
		}
		return r
	}
	other := record(schemas.KindUser, "", 9, schemas.Upsert, "r1", 9)
	other.Subject.Tenant = tenantB
	for _, r := range []schemas.Record{
		record(schemas.KindUser, "", 1, schemas.Upsert, "r1", 1),
		record(schemas.KindUser, "", 1, schemas.Upsert, "r2", 2), // the last one counts
		record(schemas.KindUser, "", 2, schemas.Upsert, "r1", 3),
		record(schemas.KindUser, "", 2, schemas.Delete, "r2", 0), // gone
		record(schemas.KindUser, "", 3, schemas.Upsert, "r1", 4),
		record(schemas.KindUser, "", 3, schemas.Delete, "r2", 0),
		record(schemas.KindUser, "", 3, schemas.Upsert, "r3", 5), // created again
		record(schemas.KindUser, "", 4, schemas.Upsert, "r1", 0), // no hash: counts as changed
		record(schemas.KindGroup, "", 5, schemas.Upsert, "r1", 6),
		record(schemas.KindReport, activeUsers, 6, schemas.Upsert, "r1", 7),
		record(schemas.KindReport, "getOther", 7, schemas.Upsert, "r1", 8),
		other,
	} {
		if err := p.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]map[string]string{
		schemas.Filter(tenant, schemas.KindUser, ""):            {guid(1): hash(2), guid(3): hash(5), guid(4): hash(0)},
		schemas.Filter(tenant, schemas.KindReport, activeUsers): {guid(6): hash(7)},
		schemas.Filter(tenantB, schemas.KindUser, ""):           {guid(9): hash(9)},
		schemas.Filter(tenantB, schemas.KindSKU, ""):            {},
	} {
		got, err := producer.LoadState(t.Context(), n.JS, filter)
		if err != nil {
			t.Fatal(err)
		}
		for id, h := range want {
			if got[id] != h {
				t.Errorf("%s: %s has hash %q, want %q", filter, short(id), got[id], h)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d entities, want %d", filter, len(got), len(want))
		}
	}
}

func TestLastMessageDeletedWhileReading(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	p := producer.NewPublisher(t.Context(), n.JS, teststack.Log(t), time.Minute)
	const users = 5001 // one more than is on its way at a time
	for i := range users {
		if err := p.Add(userRecord(i, "run-1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	err = producer.EachLast(t.Context(), n.JS, schemas.Filter(tenant, schemas.KindUser, ""), func(jetstream.Msg) error {
		if got++; got > 1 {
			return nil
		}
		return stream.DeleteMsg(t.Context(), users)
	})
	if err != nil || got < users-1 {
		t.Errorf("%d messages, %v", got, err)
	}
}
