package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// fleet is how many tenants there are; the first two of them are the sick ones.
const fleet, sick = 100, 2

// TestSickTenantsDelayNoOther lets one tenant of a hundred be throttled without end and one
// answer everything after thirty seconds: the other 98 finish within 1.2 times the time
// that they take alone. Two places at work for two sick tenants: who holds a place while
// waiting would stop all others. Both times come from one process on one machine, in turns,
// and a round that another load has spoilt is measured again.
func TestSickTenantsDelayNoOther(t *testing.T) {
	const most, rounds = 1.2, 4
	var cfgs []graphsim.TenantConfig
	for i := range fleet {
		cfgs = append(cfgs, graphsim.TenantConfig{Domain: fmt.Sprintf("t%d.onmicrosoft.com", i), Seed: uint64(i + 1), Users: 40})
	}
	sim, connectors := teststack.StartSim(t, cfgs...)
	sim.On("*").Tenant(cfgs[0].Domain).Do(graphsim.Throttle("30"))
	sim.On("*").Tenant(cfgs[1].Domain).Do(graphsim.Stall(30 * time.Second))
	healthy := map[string]bool{}
	for _, info := range sim.Tenants()[sick:] {
		healthy[info.ID] = true
	}
	collect(t, connectors[sick:], healthy) // the first reading of a tenant makes it up
	best := 0.0
	for round := range rounds {
		alone := collect(t, connectors[sick:], healthy)
		all := collect(t, connectors, healthy)
		ratio := all.Seconds() / alone.Seconds()
		t.Logf("round %d: %d tenants alone %.2f s, beside a throttled and a slow one %.2f s: %.2f times", round+1, fleet-sick, alone.Seconds(), all.Seconds(), ratio)
		if best == 0 || ratio < best {
			best = ratio
		}
		if best <= most {
			return
		}
	}
	t.Errorf("the others take %.2f times as long, want %.1f at most", best, most)
}

// collect runs connectors from nothing on a server of their own, the first ones first, and
// returns how long a worker takes until all healthy tenants are collected.
func collect(t *testing.T, connectors []producer.Connector, healthy map[string]bool) time.Duration {
	t.Helper()
	n := teststack.StartNATS(t)
	defer n.Stop()
	defer n.Conn.Close()
	r := &producer.Registry{JS: n.JS, Stores: n.Stores}
	for _, c := range connectors {
		c.Reports = []string{"getOffice365ActiveUserDetail"}
		if _, err := r.Put(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	w := &producer.Worker{Endpoint: producer.DefaultEndpoint, Parallel: sick, Registry: r, Log: zerolog.Nop()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- w.Run(ctx) }()
	done := func() int { return finished(t, n.JS, healthy) }
	eventually(t, "all healthy tenants collected", func() bool { return done() == len(healthy) })
	took := time.Since(began)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return took
}

// finished counts the tenants whose run has left its closing evidence.
func finished(t *testing.T, js jetstream.JetStream, tenants map[string]bool) (n int) {
	t.Helper()
	stream, err := js.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("m365.*."+string(schemas.KindRun)+"."+schemas.FeedAll))
	if err != nil {
		t.Fatal(err)
	}
	for subject := range info.State.Subjects {
		if s, err := schemas.ParseSubject(subject); err == nil && tenants[s.Tenant] {
			n++
		}
	}
	return n
}
