//go:build linux

package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// sick is one thing that Graph does to one tenant while a run reads it.
type sick struct {
	match  string
	after  int
	times  int // 0 for as long as the run lasts
	fault  graphsim.Fault
	change func(*graphsim.Switches)
}

const users, download = "GET /users", "GET /download"

func switched(change func(*graphsim.Switches)) sick { return sick{change: change} }

// graphFaults are the faults of Graph. Each has a tenant of its own.
var graphFaults = map[string][]sick{
	"G1 429 with no, huge, negative, fractional and dated Retry-After, 503, everything throttled": {
		{match: users, times: 2, fault: graphsim.Throttle("")}, {match: users, times: 1, fault: graphsim.Throttle("86400")},
		{match: users, times: 2, fault: graphsim.Throttle("-5")}, {match: users, times: 2, fault: graphsim.Throttle("1.5")},
		{match: users, times: 1, fault: graphsim.Throttle(time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))},
		{match: users, times: 2, fault: graphsim.Status(503, "")}, {match: "*", fault: graphsim.Throttle("300")},
	},
	"G2 truncated pages and reports, resets, HTML and nothing with 200, a byte order mark, a listing that is empty, pages in a loop": {
		{match: users, fault: graphsim.Truncate(1000)}, {match: users, times: 1, fault: graphsim.Reset()},
		{match: users, fault: graphsim.HTML200()}, {match: users, fault: graphsim.Empty200()}, {match: users, fault: graphsim.LoopNextLink()},
		{match: users, fault: graphsim.Status(200, "\ufeff"+`{"value":[]}`)}, {match: "GET /groups", fault: graphsim.Status(200, `{"value":[{"id"`)},
		{match: download, fault: graphsim.Truncate(1000)}, {match: download, fault: graphsim.HTML200()}, {match: download, fault: graphsim.Empty200()},
	},
	"G3 page token expired, 410 and syncStateNotFound amid a listing": {
		{match: users, after: 1, times: 1, fault: graphsim.ExpirePageToken()}, {match: users, after: 1, fault: graphsim.Status(410, "")},
		{match: users, after: 1, fault: graphsim.Status(410, `{"error":{"code":"syncStateNotFound","message":"The sync state generation is not found."}}`)},
	},
	"G4 secret expired, secret wrong, consent withdrawn, permissions reduced between runs": {
		switched(func(s *graphsim.Switches) { s.Secret = "expired" }), switched(func(s *graphsim.Switches) { s.Secret = "wrong" }),
		switched(func(s *graphsim.Switches) { s.AppKnown = false }), switched(func(s *graphsim.Switches) { s.Roles = []string{"Reports.Read.All"} }),
		switched(func(s *graphsim.Switches) { s.Roles = []string{"User.Read.All"} }), switched(func(s *graphsim.Switches) { s.Roles = nil }),
	},
	"G6 the address of a report expired, once and for good, and amid the download": {
		{match: "GET /reports/" + activity, times: 1, fault: graphsim.ExpireDownload()}, {match: download, fault: graphsim.ExpireDownload()},
		{match: download, times: 1, fault: graphsim.Truncate(2000)},
	},
}

// fleet is some tenants between the simulator and the tables.
type fleet struct {
	t          *testing.T
	sim        *graphsim.Server
	connectors []producer.Connector
	n          *teststack.NATS
	tables     *teststack.ClickHouse
	consumer   *consumer.Consumer
	phase      int
}

func startFleet(t *testing.T, seed uint64, tenants, people int) *fleet {
	t.Helper()
	return fleetOn(t, teststack.StartNATS(t), seed, tenants, people)
}

func fleetOn(t *testing.T, n *teststack.NATS, seed uint64, tenants, people int) *fleet {
	t.Helper()
	var cfgs []graphsim.TenantConfig
	for i := range tenants {
		cfgs = append(cfgs, graphsim.TenantConfig{Domain: fmt.Sprintf("t%d.onmicrosoft.com", i), Seed: seed + uint64(i) + 1, Users: people})
	}
	f := &fleet{t: t, n: n, tables: teststack.StartClickHouse(t)}
	f.sim, f.connectors = teststack.StartSim(t, cfgs...)
	for i := range f.connectors {
		f.connectors[i].Reports = []string{activity}
	}
	f.consumer, _ = f.n.Consume(t, consumer.Config{}, f.tables.Conn)
	return f
}

// run runs every connector once, as a producer of its own does, on a later day than before:
// a report is not read twice a day. It returns the evidence of each, nil for one that could
// not begin.
func (f *fleet) run() []*schemas.Run {
	f.t.Helper()
	clock, later := teststack.SimClock(f.sim), time.Duration(f.phase)*21*time.Hour
	f.phase++
	all := make([]*schemas.Run, len(f.connectors))
	var group sync.WaitGroup
	for i, c := range f.connectors {
		group.Go(func() {
			r := &producer.Runner{JS: f.n.JS, Stores: f.n.Stores, Log: zerolog.Nop(), Now: func() time.Time { return clock().Add(later) }}
			all[i], _ = r.Run(f.t.Context(), c) // a run that is refused is what the fault is about
		})
	}
	group.Wait()
	return all
}

// healthy runs every connector, which must come to its end.
func (f *fleet) healthy() {
	f.t.Helper()
	for i, all := range f.run() {
		if all == nil || all.Status != schemas.RunComplete {
			f.t.Errorf("tenant %d, without a fault: %+v", i, all)
		}
	}
}

// TestGraph lets Graph fail in every way amid the first run of a tenant, and again when the
// tenant is known; each time a run without the fault follows. What the simulator lists is in
// the tables then, once, and nothing was deleted meanwhile.
func TestGraph(t *testing.T) {
	t.Parallel()
	for fault, list := range graphFaults {
		t.Run(fault[:2], func(t *testing.T) {
			t.Parallel()
			eachSeed(t, 1, 3, func(t *testing.T, seed uint64, _ *rand.Rand) {
				f := startFleet(t, seed, len(list), 1100) // two pages of users
				for range 2 {
					f.sicken(list)
					f.healthy()
				}
				ended := time.Now()
				drained(t, f.n.JS)
				o := Outcome{Fault: fault, Seed: seed, Recovery: time.Since(ended), Dead: dead(t, f.n.JS)}
				for _, info := range f.sim.Tenants() {
					compareTenant(t, f.tables, info.ID, askGraph(t, f.sim, info).truth(t), &o)
				}
				strict(t, o)
			})
		})
	}
}

// sicken runs every connector with its fault.
func (f *fleet) sicken(list []sick) {
	f.t.Helper()
	rules := make([]*graphsim.Rule, len(list))
	before := make([]graphsim.Switches, len(list))
	for i, s := range list {
		domain := f.connectors[i].Tenant
		if s.change == nil {
			rules[i] = f.sim.On(s.match).Tenant(domain).After(s.after).Times(s.times).Do(s.fault)
			continue
		}
		f.change(domain, func(sw *graphsim.Switches) { before[i] = *sw; s.change(sw) })
	}
	all := f.run()
	for i, s := range list {
		if s.change != nil {
			if all[i] != nil && all[i].Status == schemas.RunComplete {
				f.t.Errorf("fault %d did not come about: %+v", i, all[i])
			}
			f.change(f.connectors[i].Tenant, func(sw *graphsim.Switches) { *sw = before[i] })
			continue
		}
		if rules[i].Fired() == 0 {
			f.t.Errorf("fault %d, %+v, did not come about", i, s)
		}
		rules[i].Remove()
	}
}

func (f *fleet) change(domain string, change func(*graphsim.Switches)) {
	f.t.Helper()
	if err := f.sim.Switch(domain, change); err != nil {
		f.t.Fatal(err)
	}
}
