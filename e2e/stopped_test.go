package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// TestStoppedAtAnyPage kills a producer with kill -9 at a random page of a tenant's first
// run, some of them twice, and lets another producer take over. Each seed prints one line;
// SEATSTREAM_TEST_SEED repeats one, SEATSTREAM_TEST_FULL=1 runs fifty.
func TestStoppedAtAnyPage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute; go test without -short runs it")
	}
	t.Parallel()
	runs, seed := 6, rand.Uint64N(1_000_000)
	if os.Getenv("SEATSTREAM_TEST_FULL") == "1" {
		runs = 50
	}
	if s := os.Getenv("SEATSTREAM_TEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("SEATSTREAM_TEST_SEED: %v", err)
		}
		runs, seed = 1, n
	}
	n := teststack.StartNATS(t)
	ch := tables(t, n)
	c, _ := n.Consume(t, consumer.Config{}, ch.Conn)
	var mu sync.Mutex
	users := map[string]int{} // listed, by tenant
	var read []*oracle        // of the first seeds, whose tables are compared row by row
	t.Run("seeds", func(t *testing.T) {
		for i := range runs {
			t.Run(fmt.Sprint("seed ", seed+uint64(i)), func(t *testing.T) {
				t.Parallel()
				s := newStopped(t, n, seed+uint64(i), i%10 == 5)
				s.run(s.moments()...)
				mu.Lock()
				defer mu.Unlock()
				users[s.tenant] = len(s.graph.list("users", "id"))
				if len(read) < 12 {
					read = append(read, s.oracle())
				}
			})
		}
	})
	eventually(t, "all records are stored", func() bool {
		lag, err := c.Lag(t.Context())
		return err == nil && lag == 0
	})
	for tenant, want := range users {
		var rows, deleted, events uint64
		err := ch.Conn.QueryRow(t.Context(), "SELECT (SELECT count() FROM m365.users FINAL WHERE tenant_id = $1), (SELECT countIf(deleted = 1) FROM m365.user_changes WHERE tenant_id = $1), (SELECT count() FROM m365.licence_changes WHERE tenant_id = $1)", tenant).
			Scan(&rows, &deleted, &events)
		if err != nil || rows != uint64(want) || deleted+events > 0 {
			t.Errorf("tenant %s: %d users in the table of %d, %d deleted, %d licence events, %v", tenant, rows, want, deleted, events, err)
		}
	}
	for _, o := range read {
		compareListed(t, "killed and taken over", ch.Conn, o)
	}
	t.Logf("tables of %d tenants compared row by row", len(read))
	if len(users) != runs && !t.Failed() {
		t.Errorf("%d of %d tenants were looked at", len(users), runs)
	}
}

// oracle reads what there is to be in the tables, of the reports the one that was read.
func (s *stopped) oracle() *oracle {
	o := newOracle(s.T, s.sim, s.sim.Tenants()[0])
	r := o.read(s.sim)
	maps.DeleteFunc(r.reports, func(report string, _ usage) bool { return report != s.c.Reports[0] })
	return o
}

// stopped is a tenant whose producer is killed.
type stopped struct {
	*testing.T
	n      *teststack.NATS
	seed   uint64
	waits  bool // for lease and command to expire, as without a test they do
	rng    *rand.Rand
	sim    *graphsim.Server
	c      producer.Connector
	tenant string
	graph  *graph

	mu      sync.Mutex
	asked   [][]string // of each producer in its turn
	kill    func()     // at the request that is due
	target  string     // part of the address of the requests that count
	left    int        // of those until then
	stalled int        // milliseconds between the request and the kill
	at      []string
}

func newStopped(t *testing.T, n *teststack.NATS, seed uint64, waits bool) *stopped {
	users := 2300 + rand.New(rand.NewPCG(seed, 1)).IntN(2700)
	sim, list := teststack.StartSim(t, graphsim.TenantConfig{Domain: fmt.Sprintf("s%d.onmicrosoft.com", seed), Seed: seed, Users: users})
	return stoppedOn(t, n, seed, waits, sim, list[0])
}

func stoppedOn(t *testing.T, n *teststack.NATS, seed uint64, waits bool, sim *graphsim.Server, c producer.Connector) *stopped {
	s := &stopped{T: t, n: n, seed: seed, waits: waits, rng: rand.New(rand.NewPCG(seed, 0))}
	info := sim.Tenants()[0]
	s.sim, s.c, s.tenant = sim, c, info.ID
	s.c.Name, s.c.Endpoint, s.c.Reports = fmt.Sprint("s", seed), fmt.Sprint("s", seed), []string{"getOffice365ActiveUserDetail"}
	s.graph = newGraph(t, sim.URL(), sim.CAFile()).of(info.ID, info.ClientID, info.ClientSecret)
	sim.Observe(s.observe)
	return s
}

// observe notes a request to Graph and kills the producer in its middle or a moment later.
func (s *stopped) observe(r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1.0/") && !strings.HasPrefix(r.URL.Path, "/download/") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) == 0 {
		return
	}
	last := &s.asked[len(s.asked)-1]
	*last = append(*last, r.URL.RequestURI())
	if s.kill == nil || !strings.Contains(r.URL.Path, s.target) {
		return
	}
	if s.left--; s.left > 0 {
		return
	}
	kill := s.kill
	s.kill = nil
	s.at = append(s.at, fmt.Sprintf("request %d %.60s +%dms", len(*last), strings.TrimPrefix(r.URL.Path, "/v1.0"), s.stalled))
	if s.stalled == 0 {
		kill()
		return
	}
	time.AfterFunc(time.Duration(s.stalled)*time.Millisecond, kill) // the fault is a moment in time
}

// moment is a request at which a producer is killed: the nth whose path has a part.
type moment struct {
	part string
	n    int
}

// moments draws one or two, the second in a feed behind the first's. A small tenant has
// three pages of users and seven groups that carry licences.
func (s *stopped) moments() []moment {
	first := []moment{{"/subscribedSkus", 1}, {"/groups", 1}, {"/members", 1 + s.rng.IntN(5)}, {"/users", 1 + s.rng.IntN(3)}, {"/users", 1 + s.rng.IntN(3)}, {"/download/", 1}}[s.rng.IntN(6)]
	if s.rng.IntN(2) == 0 {
		return []moment{first}
	}
	switch first.part {
	case "/subscribedSkus", "/groups":
		return []moment{first, {"/members", 2 + s.rng.IntN(3)}}
	case "/members":
		return []moment{first, {"/users", 1 + s.rng.IntN(3)}}
	}
	return []moment{first}
}

// producer starts a producer that is killed at a moment, or never where there is no part.
func (s *stopped) producer(at moment) *proc {
	s.Helper()
	c := newCLI(s.T)
	c.env = append(c.env, "SEATSTREAM_PRODUCER_ENDPOINT="+s.c.Endpoint)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := c.start("producer", "--nats-url", s.n.URL())
	s.asked, s.left, s.kill = append(s.asked, nil), at.n, nil
	s.target = at.part
	if at.part != "" {
		s.kill = p.kill
	}
	// The report is small and the last: a moment later the run may be over.
	if s.stalled = 0; at.part != "/download/" && s.rng.IntN(2) == 0 {
		s.stalled = 1 + s.rng.IntN(40)
	}
	return p
}

// run kills a producer at each moment and lets one more finish.
func (s *stopped) run(at ...moment) {
	registry := &producer.Registry{JS: s.n.JS, Stores: s.n.Stores}
	if _, err := registry.Put(s.Context(), s.c); err != nil {
		s.Fatal(err)
	}
	for _, at := range at {
		p := s.producer(at)
		select {
		case <-p.done:
		case <-time.After(patience):
			s.Fatal("the producer was not killed")
		}
		if s.waits {
			continue
		}
		// What time would do.
		if err := s.n.Stores.Leases.Purge(s.Context(), s.tenant); err != nil {
			s.Fatal(err)
		}
		if _, err := registry.RunNow(s.Context(), s.c); err != nil {
			s.Fatal(err)
		}
	}
	begun := time.Now()
	last := s.producer(moment{})
	var all schemas.Run
	eventually(s.T, "the run is complete", func() bool {
		return s.evidence(schemas.FeedAll, &all) && all.Status == schemas.RunComplete
	})
	took := time.Since(begun)
	last.kill()
	twice := s.twice()
	records, deletes, events := s.records(&all)
	s.Logf("seed %d: %d users, killed at %s; run complete %s later: %d records, deletes %d, licence events %d, pages read twice %v",
		s.seed, len(s.graph.list("users", "id")), strings.Join(s.at, " and "), took.Round(10*time.Millisecond), records, deletes, events, twice)
	if deletes+events > 0 || s.Failed() {
		s.Errorf("repeat with SEATSTREAM_TEST_SEED=%d", s.seed)
	}
}

func (s *stopped) evidence(feed string, ev *schemas.Run) bool {
	stream, err := s.n.JS.Stream(s.Context(), schemas.StreamM365.Name)
	if err != nil {
		s.Fatal(err)
	}
	*ev = schemas.Run{}
	msg, err := stream.GetLastMsgForSubject(s.Context(), schemas.Subject{Tenant: s.tenant, Kind: schemas.KindRun, Entity: feed}.String())
	return err == nil && json.Unmarshal(msg.Data, ev) == nil
}

// twice counts, for each feed, the pages that a producer asked for and one before it had
// asked for: at most the one in hand when that was killed.
func (s *stopped) twice() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := map[string]int{}
	before := map[string]bool{}
	for i, urls := range s.asked {
		again := map[string]int{}
		own := map[string]bool{}
		for _, u := range urls {
			feed := feedOf(u)
			if feed == "" {
				continue
			}
			if own[u] {
				s.Errorf("producer %d asked for a page of %s twice", i+1, feed)
			}
			if own[u] = true; before[u] {
				again[feed]++
			}
		}
		for u := range own {
			before[u] = true
		}
		for feed, n := range again {
			if most[feed] = max(most[feed], n); n > 1 {
				s.Errorf("producer %d read %d pages of %s that one before it had read", i+1, n, feed)
			}
		}
	}
	return most
}

func feedOf(url string) string {
	path, _, _ := strings.Cut(url, "?")
	switch {
	case strings.HasSuffix(path, "/members"):
		return "members"
	case path == "/v1.0/users", path == "/v1.0/groups":
		return path[len("/v1.0/"):]
	}
	return "" // one page, and SKUs are read twice in every run
}

// records compares the stream with what the simulator lists, and the evidence with both.
func (s *stopped) records(all *schemas.Run) (records, deletes, events int) {
	have := map[string]map[string]bool{}
	err := consumer.Each(s.Context(), s.n.JS, schemas.StreamM365.Name, consumer.Range{Filters: []string{schemas.Filter(s.tenant, "", "")}},
		func(msg jetstream.Msg, _ *jetstream.MsgMetadata) error {
			records++
			subject, err := schemas.ParseSubject(msg.Subject())
			if err != nil {
				return err
			}
			if msg.Headers().Get(schemas.HeaderOp) == string(schemas.Delete) {
				deletes++
			}
			if subject.Kind == schemas.KindLicence {
				events++
			}
			kind := string(subject.Kind)
			if have[kind] == nil {
				have[kind] = map[string]bool{}
			}
			if have[kind][subject.Entity] && subject.Kind != schemas.KindRun {
				s.Errorf("%s %s was published twice", kind, subject.Entity)
			}
			have[kind][subject.Entity] = true
			return nil
		})
	if err != nil {
		s.Fatal(err)
	}
	want := map[string]map[string]bool{"user": {}, "group": {}, "member": {}}
	for _, u := range s.graph.list("users", "id") {
		want["user"][u["id"].(string)] = true
	}
	for _, g := range s.graph.list("groups", "id,assignedLicenses") {
		id := g["id"].(string)
		want["group"][id] = true
		if licences, _ := g["assignedLicenses"].([]any); len(licences) == 0 {
			continue
		}
		for _, m := range s.graph.list("groups/"+id+"/members", "id") {
			want["member"][id+"_"+m["id"].(string)] = true
		}
	}
	for kind, ids := range want {
		for id := range ids {
			if !have[kind][id] {
				s.Errorf("%s %s is listed and not in the stream", kind, id)
			}
		}
		if len(have[kind]) != len(ids) {
			s.Errorf("%d %ss in the stream, %d listed", len(have[kind]), kind, len(ids))
		}
		var ev schemas.Run
		n := int64(len(ids))
		if !s.evidence(kind+"s", &ev) || ev.Status != schemas.RunComplete || ev.RunID != all.RunID || !ev.Baseline || ev.Entities != n || ev.Published != n || ev.Unchanged != 0 {
			s.Errorf("evidence of %ss, %d listed: %+v", kind, n, ev)
		}
	}
	if notes := strings.Join(all.Notes, "; "); strings.Count(notes, "attempt ") != len(s.asked)-1 {
		s.Errorf("%d producers, and the evidence says %q", len(s.asked), notes)
	}
	return records, deletes, events
}
