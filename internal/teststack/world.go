package teststack

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// worldStart is the simulated day 0: a fixed Monday, so that a failure comes again.
var worldStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// StartSim starts a simulator that ends with the test, with one connector per tenant in
// the order of the tenants.
func StartSim(t testing.TB, tenants ...graphsim.TenantConfig) (*graphsim.Server, []producer.Connector) {
	t.Helper()
	return StartSimAt(t, worldStart, tenants...)
}

// StartSimAt is StartSim with a date of one's own: a program has the clock of the machine.
func StartSimAt(t testing.TB, start time.Time, tenants ...graphsim.TenantConfig) (*graphsim.Server, []producer.Connector) {
	t.Helper()
	dir := t.TempDir()
	sim, err := graphsim.New(graphsim.Config{Dir: dir, Start: start, Tenants: tenants})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("simulator: %v", err)
		}
	})
	var list []producer.Connector
	for _, info := range sim.Tenants() {
		secret := filepath.Join(dir, info.ID+".secret")
		if err := os.WriteFile(secret, []byte(info.ClientSecret), 0o600); err != nil {
			t.Fatal(err)
		}
		c := producer.Connector{
			Name: "t-" + info.ID[:8], Tenant: info.Domain, ClientID: info.ClientID, ClientSecret: producer.SecretRef("file:" + secret),
			GraphURL: sim.URL(), AuthorityURL: sim.AuthorityURL(), CAFile: sim.CAFile(),
		}
		c.Backfill = new(0) // a test of what reads days says so
		c.Default()
		list = append(list, c)
	}
	return sim, list
}

// SimClock is a clock for a producer that reads a simulator: seven in the morning of the
// simulated day, running on with real time. Reports carry simulated dates, so what is
// observed must be dated likewise.
func SimClock(sim *graphsim.Server) func() time.Time {
	began := time.Now()
	return func() time.Time { return sim.Now().Add(7*time.Hour + time.Since(began)) }
}

// Consume starts a consumer of the product's stream into db. stop cancels it and returns
// when it has ended; it may be called more than once and is called at the test's end.
func (n *NATS) Consume(t testing.TB, cfg consumer.Config, db driver.Conn) (c *consumer.Consumer, stop func()) {
	t.Helper()
	c = consumer.New(cfg, consumer.Deps{JS: n.JS, DB: db, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: Log(t)})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.Run(ctx); err != nil {
			t.Errorf("consumer: %v", err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return c, stop
}

// Until waits for a condition and fails the test where it does not come about.
func Until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// Drain waits until a consumer has stored everything that is in the stream.
func Drain(t testing.TB, c *consumer.Consumer) {
	t.Helper()
	var lag uint64
	var err error
	defer func() {
		if err != nil || lag > 0 {
			t.Logf("lag %d, %v; last insert: %v", lag, err, c.Healthy())
		}
	}()
	Until(t, "all records stored", func() bool {
		lag, err = c.Lag(t.Context())
		return err == nil && lag == 0
	})
}

// LastSeq is the sequence of the newest record in the product's stream.
func (n *NATS) LastSeq(t testing.TB) uint64 {
	t.Helper()
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.LastSeq
}
