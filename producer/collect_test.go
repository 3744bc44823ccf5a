package producer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// listing is what Graph has in a test: pages, and how the listing ends.
type listing struct {
	pages [][]schemas.Entity
	end   error
}

func (l listing) read(page func(...schemas.Entity) error) error {
	for _, p := range l.pages {
		if err := page(p...); err != nil {
			return err
		}
	}
	return l.end
}

func list(entities ...schemas.Entity) listing { return listing{pages: [][]schemas.Entity{entities}} }

// directory runs the feed of users (or another) again and again and looks at what each
// run published.
type directory struct {
	t    *testing.T
	n    *teststack.NATS
	r    *producer.Runner
	feed producer.Feed
	seen int
}

func startDirectory(t *testing.T, feed producer.Feed) *directory {
	t.Helper()
	n := teststack.StartNATS(t)
	r := newRunner(t, n)
	r.Log = zerolog.Nop() // feeds that break off are warned of
	return &directory{t: t, n: n, r: r, feed: feed}
}

// run collects a listing and returns the evidence and the new messages.
func (d *directory) run(l listing) (*schemas.Run, []*jetstream.RawStreamMsg) {
	d.t.Helper()
	d.feed.Read = l.read
	evs, err := producer.RunFeed(d.t.Context(), d.r, tenant, d.feed)
	if err != nil {
		d.t.Fatalf("run: %+v", err)
	}
	all := stored(d.t, d.n.JS)
	fresh := all[d.seen:]
	d.seen = len(all)
	return evs[0], fresh
}

// expect runs a listing and compares the records of the feed's kind, the licence events
// and the counts of the evidence.
func (d *directory) expect(what string, l listing, records, events []string, counts string) {
	d.t.Helper()
	ev, msgs := d.run(l)
	equal(d.t, what+": records", heads(msgs, d.feed.Kind), records)
	equal(d.t, what+": events", changes(d.t, msgs), events)
	got := fmt.Sprintf("%s entities %d published %d unchanged %d deleted %d events %d", ev.Status, ev.Entities, ev.Published, ev.Unchanged, ev.Deleted, ev.Events)
	if got != counts {
		d.t.Errorf("%s:\n got %s\nwant %s", what, got, counts)
	}
}

// changes renders licence events as "change user SKU".
func changes(t *testing.T, msgs []*jetstream.RawStreamMsg) []string {
	t.Helper()
	var out []string
	for _, m := range msgs {
		s, err := schemas.ParseSubject(m.Subject)
		if err != nil || s.Kind != schemas.KindLicence {
			continue
		}
		var l schemas.Licence
		if err := schemas.Decode(m.Data, &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l.Change+" "+short(s.Entity))
	}
	return out
}

var userFeed = producer.Feed{Name: "users", Kind: schemas.KindUser, NeverEmpty: true}

func TestOnlyDifferencesArePublished(t *testing.T) {
	t.Parallel()
	d := startDirectory(t, userFeed)
	a, b := "Sales", "Marketing"
	d.expect("baseline", list(user(1, a), user(2, a)), []string{"upsert 1", "upsert 2"}, nil,
		"complete entities 2 published 2 unchanged 0 deleted 0 events 0")
	d.expect("nothing new", list(user(2, a), user(1, a)), nil, nil, "complete entities 2 published 0 unchanged 2 deleted 0 events 0")
	d.expect("changed and new", list(user(1, b), user(2, a), user(3, a)), []string{"upsert 1", "upsert 3"}, nil,
		"complete entities 3 published 2 unchanged 1 deleted 0 events 0")
	// Within the duplicate window: an id made of the content would be swallowed here.
	d.expect("flipped back", list(user(1, a), user(2, a), user(3, a)), []string{"upsert 1"}, nil,
		"complete entities 3 published 1 unchanged 2 deleted 0 events 0")
	d.expect("gone", list(user(2, a), user(3, a)), []string{"delete 1"}, nil,
		"complete entities 2 published 0 unchanged 2 deleted 1 events 0")
	d.expect("gone and known to be", list(user(2, a), user(3, a)), nil, nil,
		"complete entities 2 published 0 unchanged 2 deleted 0 events 0")
	d.expect("created again as it was", list(user(1, a), user(2, a), user(3, a)), []string{"upsert 1"}, nil,
		"complete entities 3 published 1 unchanged 2 deleted 0 events 0")
}

func TestOnlyACompleteListingDeletes(t *testing.T) {
	t.Parallel()
	d := startDirectory(t, userFeed)
	d.run(list(user(1, "a"), user(2, "a"), user(3, "a")))
	cut := list(user(1, "b"))
	cut.end = errors.New("connection reset")
	d.expect("broken off", cut, []string{"upsert 1"}, nil, "incomplete entities 1 published 1 unchanged 0 deleted 0 events 0")
	d.expect("failed at once", listing{end: errors.New("refused")}, nil, nil, "failed entities 0 published 0 unchanged 0 deleted 0 events 0")
	d.expect("empty", list(), nil, nil, "incomplete entities 0 published 0 unchanged 0 deleted 0 events 0")
	d.expect("whole again", list(user(1, "b"), user(2, "a")), []string{"delete 3"}, nil,
		"complete entities 2 published 0 unchanged 2 deleted 1 events 0")

	groups := startDirectory(t, producer.Feed{Name: "groups", Kind: schemas.KindGroup})
	groups.run(list(&schemas.Group{ID: guid(1)}))
	groups.expect("a tenant may have no groups", list(), []string{"delete 1"}, nil,
		"complete entities 0 published 0 unchanged 0 deleted 1 events 0")
}

func TestBrokenOffBaselineStaysBaseline(t *testing.T) {
	t.Parallel()
	d := startDirectory(t, userFeed)
	cut := list(user(1, "a", skuE3))
	cut.end = errors.New("connection reset")
	for i := range 2 {
		if ev, _ := d.run(cut); !ev.Baseline {
			t.Fatalf("run %d is no baseline: the feed was never listed whole", i+1)
		}
	}
	// User 2 is new to the stream, but nothing was known of the tenant before.
	d.expect("the first whole listing", list(user(1, "a", skuE3), user(2, "a", skuE5)), []string{"upsert 2"}, nil,
		"complete entities 2 published 1 unchanged 1 deleted 0 events 0")
	if ev, _ := d.run(list(user(1, "a", skuE3), user(2, "a", skuE5))); ev.Baseline {
		t.Error("a baseline after a whole listing")
	}
}

func TestLicenceEvents(t *testing.T) {
	t.Parallel()
	d := startDirectory(t, userFeed)
	d.expect("baseline", list(user(1, "a", skuE3), user(2, "a")), []string{"upsert 1", "upsert 2"}, nil,
		"complete entities 2 published 2 unchanged 0 deleted 0 events 0")
	d.expect("a change without licences", list(user(1, "b", skuE3), user(2, "a")), []string{"upsert 1"}, nil,
		"complete entities 2 published 1 unchanged 1 deleted 0 events 0")
	d.expect("swapped, assigned, new", list(user(1, "b", skuE5), user(2, "a", skuE3), user(3, "a", skuE3, skuE5)),
		[]string{"upsert 1", "upsert 2", "upsert 3"},
		[]string{"removed 1 E3", "assigned 1 E5", "assigned 2 E3", "assigned 3 E3", "assigned 3 E5"},
		"complete entities 3 published 3 unchanged 0 deleted 0 events 5")
	failing := user(1, "b", skuE5)
	failing.LicenseAssignmentStates[0].State, failing.LicenseAssignmentStates[0].Error = "Error", "CountViolation"
	disabled := user(2, "a", skuE3)
	disabled.AssignedLicenses[0].DisabledPlans = []string{guid(99)}
	d.expect("in error, plans switched off", list(failing, disabled, user(3, "a", skuE3, skuE5)), []string{"upsert 1", "upsert 2"},
		[]string{"errored 1 E5", "state_changed 2 E3"}, "complete entities 3 published 2 unchanged 1 deleted 0 events 2")
	d.expect("deleted with its licences", list(failing, disabled), []string{"delete 3"}, []string{"removed 3 E3", "removed 3 E5"},
		"complete entities 2 published 0 unchanged 2 deleted 1 events 2")
	d.expect("back again", list(failing, disabled, user(3, "a", skuE3)), []string{"upsert 3"}, []string{"assigned 3 E3"},
		"complete entities 3 published 1 unchanged 2 deleted 0 events 1")
}

func TestEventsShareTheirUsersBatch(t *testing.T) {
	t.Parallel()
	d := startDirectory(t, userFeed)
	var before, after []schemas.Entity
	for i := range 600 { // with an event each, more than one batch
		before, after = append(before, user(i, "a")), append(after, user(i, "a", skuE3))
	}
	d.run(list(before...))
	_, msgs := d.run(list(after...))
	batchOf := map[string]string{}
	for _, m := range msgs {
		s, _ := schemas.ParseSubject(m.Subject)
		id := m.Header.Get("Nats-Batch-Id")
		switch s.Kind {
		case schemas.KindUser:
			batchOf[s.Entity] = id
		case schemas.KindLicence:
			u, _, _ := strings.Cut(s.Entity, "_")
			if batchOf[u] != id {
				t.Fatalf("event of %s in batch %s, the user in %s: a crash between the two loses the event for ever", u, id, batchOf[u])
			}
		}
	}
}

func TestEntityMetTwice(t *testing.T) {
	t.Parallel()
	for name, pages := range map[string]func(a, b schemas.Entity) listing{
		"on two pages": func(a, b schemas.Entity) listing { return listing{pages: [][]schemas.Entity{{a}, {b}}} },
		"on one page":  func(a, b schemas.Entity) listing { return list(a, b) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDirectory(t, userFeed)
			d.run(list(user(1, "a")))
			d.expect("the same twice", pages(user(1, "a"), user(1, "a")), nil, nil,
				"complete entities 1 published 0 unchanged 1 deleted 0 events 0")
			// The second event must be told against the first record of this run.
			d.expect("changed meanwhile", pages(user(1, "b", skuE3), user(1, "c", skuE3, skuE5)), []string{"upsert 1", "upsert 1"},
				[]string{"assigned 1 E3", "assigned 1 E5"}, "complete entities 1 published 2 unchanged 0 deleted 0 events 2")
			d.expect("new and changed meanwhile", pages(user(2, "a", skuE3), user(2, "b", skuE3)), []string{"upsert 2", "upsert 2", "delete 1"},
				[]string{"assigned 2 E3", "removed 1 E3", "removed 1 E5"}, "complete entities 1 published 2 unchanged 0 deleted 1 events 3")
		})
	}
}

func TestTooLargeUserDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	d := startDirectory(t, userFeed)
	d.run(list(user(1, "a")))
	big := user(2, "a", skuE3)
	big.Unknown = jsontext.Value(`{"note":"` + strings.Repeat("x", int(d.n.Conn.MaxPayload())) + `"}`)
	ev, msgs := d.run(list(user(1, "b"), big, user(3, "a")))
	equal(t, "records", heads(msgs, schemas.KindUser), []string{"upsert 1", "upsert 3"})
	equal(t, "events", changes(t, msgs), nil)
	if ev.Rejected != 1 || len(ev.Notes) != 1 || ev.Published != 2 {
		t.Errorf("evidence: rejected %d, published %d, notes %q", ev.Rejected, ev.Published, ev.Notes)
	}
	ev, _ = d.run(list(user(1, "b"), &schemas.User{ID: "not.a*token"}, user(3, "a")))
	if ev.Rejected != 1 || ev.Unchanged != 2 {
		t.Errorf("an id that cannot stand in a subject: rejected %d, unchanged %d", ev.Rejected, ev.Unchanged)
	}
}
