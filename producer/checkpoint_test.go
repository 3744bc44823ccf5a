package producer_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// tenantRuns is a simulated tenant of four pages of users, and its runs.
type tenantRuns struct {
	*testing.T
	n      *teststack.NATS
	sim    *graphsim.Server
	c      producer.Connector
	tenant string
	clock  func() time.Time

	mu    sync.Mutex
	asked []string
	stop  func() bool // with every request to /users: whether the run is stopped there
	end   context.CancelFunc
}

func startRuns(t *testing.T) *tenantRuns {
	t.Helper()
	s := &tenantRuns{T: t, n: teststack.StartNATS(t)}
	sim, list := teststack.StartSim(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 1, Users: 3300})
	s.sim, s.c, s.tenant = sim, list[0], sim.Tenants()[0].ID
	s.clock = teststack.SimClock(sim)
	s.c.Reports = []string{activeUsers}
	sim.Observe(func(r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.URL.Path)
		if r.URL.Path == "/v1.0/users" && s.stop != nil && s.stop() {
			s.end()
		}
	})
	return s
}

// run runs the connector until it is stopped at the nth page of users; 0 for never.
func (s *tenantRuns) run(page int, change func(*producer.Runner)) (*schemas.Run, error) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	s.mu.Lock()
	s.asked, s.end = nil, cancel
	n := 0
	s.stop = func() bool { n++; return n == page }
	s.mu.Unlock()
	r := newRunner(s.T, s.n)
	r.Log = r.Log.Level(zerolog.PanicLevel) // feeds that break off are warned of
	r.Now = s.clock
	if change != nil {
		change(r)
	}
	return r.Run(ctx, s.c)
}

// whole runs the connector, which must complete.
func (s *tenantRuns) whole(change func(*producer.Runner)) *schemas.Run {
	s.Helper()
	ev, err := s.run(0, change)
	if err != nil || ev.Status != schemas.RunComplete {
		s.Fatalf("run: %+v, %v", ev, err)
	}
	return ev
}

// stopAt stops a run at a page of users.
func (s *tenantRuns) stopAt(page int) {
	s.Helper()
	if ev, err := s.run(page, nil); err == nil {
		s.Fatalf("the run was not stopped: %+v", ev)
	}
}

// requests counts those of the last run whose path ends so.
func (s *tenantRuns) requests(suffix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, path := range s.asked {
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	return n
}

// users is the last evidence of the users.
func (s *tenantRuns) users() *schemas.Run {
	s.Helper()
	return evidenceOf(s.T, s.n, s.tenant, "users")
}

// evidenceOf is the last evidence of a feed.
func evidenceOf(t *testing.T, n *teststack.NATS, tenant, feed string) *schemas.Run {
	t.Helper()
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.GetLastMsgForSubject(t.Context(), schemas.Subject{Tenant: tenant, Kind: schemas.KindRun, Entity: feed}.String())
	if err != nil {
		t.Fatalf("evidence of %s: %v", feed, err)
	}
	ev := &schemas.Run{}
	if err := schemas.Decode(msg.Data, ev); err != nil {
		t.Fatal(err)
	}
	return ev
}

// last renders the last record of every entity of some kinds, and of every event, without
// what differs from run to run. Report rows have keys of their server.
func (s *tenantRuns) last(from uint64) map[string]string {
	s.Helper()
	out := map[string]string{}
	for i, m := range stored(s.T, s.n.JS) {
		subject, err := schemas.ParseSubject(m.Subject)
		if err != nil {
			s.Fatal(err)
		}
		if uint64(i) >= from && subject.Kind != schemas.KindRun && subject.Kind != schemas.KindReport {
			out[m.Subject] = m.Header.Get(schemas.HeaderOp) + string(m.Data)
		}
	}
	return out
}

func remembered(t *testing.T, s *producer.Stores) (n int) {
	t.Helper()
	keys, err := s.Checkpoints.ListKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range keys.Keys() {
		n++
	}
	return n
}

func TestStoppedRunGoesOnFromItsPage(t *testing.T) {
	t.Parallel()
	s := startRuns(t)
	s.stopAt(2)
	s.stopAt(2) // page 2 is read, page 3 is in hand
	ev := s.whole(nil)
	u := s.users()
	if got := s.requests("/users"); got != 2 { // pages 3 and 4
		t.Errorf("%d pages of users read by the third attempt, want 2", got)
	}
	if s.requests("/groups") != 0 || s.requests("/members") != 0 {
		t.Errorf("feeds that were finished are read again: %v", s.asked)
	}
	if u.RunID != ev.RunID || u.Pages != 4 || !u.Baseline || u.Entities != u.Published || u.Unchanged+u.Deleted+u.Events != 0 {
		t.Errorf("evidence of the users: %+v", u)
	}
	notes := strings.Join(ev.Notes, "; ")
	if !strings.Contains(notes, "attempt 2 of this run, at users: goes on from page 2") || !strings.Contains(notes, "attempt 3 of this run, at users: goes on from page 3") {
		t.Errorf("notes %q", notes)
	}
	if n := remembered(t, s.n.Stores); n != 0 {
		t.Errorf("%d checkpoints of a run that is finished", n)
	}
	if again := s.whole(nil); again.RunID == ev.RunID || again.Published != 0 || again.Deleted != 0 {
		t.Errorf("the next run: %+v", again)
	}
}

// A run of changes that is stopped publishes what one that is not stopped publishes.
func TestStoppedRunFindsTheSameChanges(t *testing.T) {
	t.Parallel()
	var want map[string]string
	var counts *schemas.Run
	for _, pages := range [][]int{nil, {1}, {3}, {2, 1, 2}} {
		s := startRuns(t)
		s.whole(nil)
		before := s.n.LastSeq(t)
		s.sim.Advance(9)
		for _, page := range pages {
			s.stopAt(page)
		}
		s.whole(nil)
		got, u := s.last(before), s.users()
		if want == nil {
			if want, counts = got, u; u.Events == 0 || u.Deleted == 0 || u.Published == 0 {
				t.Fatalf("nothing has changed: %+v", u)
			}
			continue
		}
		for subject, record := range want {
			if got[subject] != record {
				t.Errorf("stopped at %v: %s\n got %.200s\nwant %.200s", pages, subject, got[subject], record)
			}
		}
		if len(got) != len(want) {
			t.Errorf("stopped at %v: %d entities changed, want %d", pages, len(got), len(want))
		}
		if u.Entities != counts.Entities || u.Published != counts.Published || u.Unchanged != counts.Unchanged || u.Deleted != counts.Deleted || u.Events != counts.Events {
			t.Errorf("stopped at %v: evidence %+v\nwant %+v", pages, u, counts)
		}
	}
}

// What is read twice may have changed in between, within the duplicate window: the second
// record needs an id of its own.
func TestPageThatChangesBetweenTwoReadings(t *testing.T) {
	t.Parallel()
	s := startRuns(t)
	s.whole(nil)
	s.sim.Advance(120)
	began := s.sim.Now()
	s.clock = func() time.Time { return began } // the days that pass make no run old
	s.stopAt(3)
	// As if the run had been stopped between the ack and the checkpoint of page 2.
	if err := s.n.Stores.Checkpoints.Purge(s.Context(), s.tenant+".users.2"); err != nil {
		t.Fatal(err)
	}
	s.sim.Advance(120)
	ev := s.whole(nil)
	if got := s.requests("/users"); got != 3 || !strings.Contains(strings.Join(ev.Notes, "; "), "attempt 2 of this run, at users: goes on from page 2") {
		t.Errorf("%d pages of users read, notes %q", got, ev.Notes)
	}
	first, second := map[string]bool{}, 0
	for _, m := range stored(t, s.n.JS) {
		id := m.Header.Get(schemas.HeaderID)
		if subject, _ := schemas.ParseSubject(m.Subject); subject.Kind != schemas.KindUser || m.Header.Get(schemas.HeaderOp) != string(schemas.Upsert) {
			continue
		}
		if first[strings.TrimSuffix(id, "+1000")] {
			second++
		}
		first[id] = true
	}
	if second == 0 {
		t.Error("no user was published by both attempts: the test shows nothing")
	}
	if again := s.whole(nil); again.RunID == ev.RunID || s.users().Entities != s.users().Published+s.users().Unchanged {
		t.Errorf("the next run: %+v", again)
	}
}

func TestExpiredLinkListsAgain(t *testing.T) {
	t.Parallel()
	s := startRuns(t)
	s.stopAt(3)
	s.sim.On("GET /users").Times(1).Do(graphsim.ExpirePageToken())
	s.whole(nil)
	u := s.users()
	if got := s.requests("/users"); got != 5 { // refused, and four pages
		t.Errorf("%d requests for users, want 5", got)
	}
	if u.Entities != u.Published || u.Deleted+u.Events+u.Unchanged != 0 || !strings.Contains(strings.Join(u.Notes, "; "), "listed again from the beginning") {
		t.Errorf("evidence %+v", u)
	}
	if ev := s.whole(nil); ev.Published+ev.Deleted != 0 {
		t.Errorf("the next run: %+v", ev)
	}
}

func TestWindowCutsAndTheNextRunGoesOn(t *testing.T) {
	t.Parallel()
	s := startRuns(t)
	short := func(r *producer.Runner) { r.Window = time.Nanosecond }
	var after time.Duration
	cuts := 0
	for {
		ev, err := s.run(0, func(r *producer.Runner) {
			short(r)
			r.Unfinished = func(d time.Duration) { after = d }
		})
		if err != nil {
			t.Fatal(err)
		}
		if ev.Status == schemas.RunComplete {
			break
		}
		if cuts++; cuts > 60 || after == 0 || !strings.Contains(strings.Join(ev.Notes, "; "), "not finished: the next run goes on at ") {
			t.Fatalf("cut %d, on after %s: %+v", cuts, after, ev)
		}
		if n := s.requests("/users"); n > 1 {
			t.Errorf("%d pages of users in a window of one", n)
		}
		if u := ev.Error; u != nil {
			t.Errorf("the whole run failed: %+v", u)
		}
	}
	u := s.users()
	if cuts < 10 || u.Pages != 4 || u.Entities != u.Published || !u.Baseline {
		t.Errorf("%d cuts, %+v", cuts, u)
	}
	if ev := s.whole(nil); ev.Published+ev.Deleted+ev.Events != 0 {
		t.Errorf("the next run: %+v", ev)
	}
}

func TestWindowSaysWhereItCut(t *testing.T) {
	t.Parallel()
	s := startRuns(t)
	s.c.Backfill = new(3)
	s.stopAt(1)
	all, err := s.run(0, func(r *producer.Runner) { r.Window = time.Nanosecond })
	if err != nil {
		t.Fatal(err)
	}
	for _, feed := range []string{"skus_after", "deleted_users", activeUsers, "sign_ins", schemas.FeedReportSettings, activeUsers + "-daily"} {
		ev := evidenceOf(t, s.n, s.tenant, feed)
		if ev.RunID != all.RunID || ev.Status != schemas.RunIncomplete || ev.Error == nil || ev.Error.Code != producer.CodeNotBegun || ev.Pages+ev.Entities != 0 ||
			!strings.Contains(ev.Error.Message, "not begun: the run's window of ") || !strings.Contains(ev.Error.Remedy, "goes on at ") {
			t.Errorf("evidence of %s, which was not begun: %+v, %+v", feed, ev, ev.Error)
		}
	}
	u := s.users()
	if u.Status != schemas.RunIncomplete || u.Error == nil || u.Error.Code != producer.CodeWindow || u.Error.Remedy == "" || u.Deleted != 0 {
		t.Errorf("evidence %+v, %+v", u, u.Error)
	}
}

func TestThrottledListingIsContinued(t *testing.T) {
	t.Parallel()
	s := startRuns(t)
	rule := s.sim.On("GET /users").After(2).Do(graphsim.Throttle("86400"))
	ev, err := s.run(0, nil)
	if err != nil || ev.Status != schemas.RunIncomplete || s.users().Status != schemas.RunIncomplete {
		t.Fatalf("%+v, %v", ev, err)
	}
	rule.Remove()
	next := s.whole(nil)
	if next.RunID != ev.RunID || s.requests("/users") != 2 || s.requests("/subscribedSkus") != 1 {
		t.Errorf("run %s after %s, asked %v: want two pages of users and the SKUs behind them", next.RunID, ev.RunID, s.asked)
	}
	if u := s.users(); u.Pages != 4 || u.Entities != u.Published {
		t.Errorf("evidence %+v", u)
	}
}

func TestUnfinishedRunThatIsNotContinued(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*producer.Runner, *producer.Connector)
		note   string
	}{
		"too old": {func(r *producer.Runner, _ *producer.Connector) { r.Rest(-time.Second) }, "too old"},
		"changed": {func(_ *producer.Runner, c *producer.Connector) { c.Reports = nil }, "the connector has changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startRuns(t)
			s.stopAt(3)
			ev := s.whole(func(r *producer.Runner) { tc.change(r, &s.c) })
			if s.requests("/users") != 4 || !strings.Contains(strings.Join(ev.Notes, "; "), tc.note) {
				t.Errorf("%d pages of users, notes %q", s.requests("/users"), ev.Notes)
			}
			if u := s.users(); u.Entities != u.Published+u.Unchanged || u.Unchanged == 0 || u.Deleted+u.Events != 0 {
				t.Errorf("evidence %+v", u)
			}
		})
	}
}

// A page that is missing in what is remembered ends it: entities of pages behind a gap
// would be taken for gone.
func TestGapInTheCheckpoints(t *testing.T) {
	t.Parallel()
	s := startRuns(t)
	s.stopAt(4)
	if err := s.n.Stores.Checkpoints.Purge(s.Context(), s.tenant+".users.1"); err != nil {
		t.Fatal(err)
	}
	s.whole(nil)
	if u := s.users(); s.requests("/users") != 4 || u.Entities != u.Published || u.Deleted != 0 {
		t.Errorf("%d pages, evidence %+v", s.requests("/users"), u)
	}
}
