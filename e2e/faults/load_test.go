//go:build linux

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

const skuE3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"

// load publishes runs of made-up tenants through the producer's own publisher, one tenant
// beside the other, until it is stopped. Every record has an id of its own.
type load struct {
	t       testing.TB
	js      jetstream.JetStream
	log     zerolog.Logger
	largest int           // records of the largest batch
	pace    time.Duration // between batches of one tenant
	tenants []*tenant

	stop   context.CancelFunc
	ending chan struct{} // closed when no further batch is to begin
	group  sync.WaitGroup
}

// tenant is what was published for one directory.
type tenant struct {
	id  string
	rng *rand.Rand
	mu  sync.Mutex
	// acked are the ids of acknowledged records; users the entities of any published
	// record, runs the evidence, of which no answer may show anything twice.
	acked   map[string]bool
	users   map[string]bool
	refused error // the last batch that was given up
}

// startLoad begins to publish; it ends with the test at the latest.
func startLoad(t testing.TB, js jetstream.JetStream, rng *rand.Rand, tenants int) *load {
	t.Helper()
	l := &load{t: t, js: js, log: teststack.Log(t), largest: 300, pace: 100 * time.Millisecond, ending: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	for range tenants {
		seed := rng.Uint64()
		n := &tenant{
			id: fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(seed), seed>>16), rng: rand.New(rand.NewPCG(seed, 1)),
			acked: map[string]bool{}, users: map[string]bool{},
		}
		l.tenants = append(l.tenants, n)
		l.group.Go(func() { l.run(ctx, n) })
	}
	t.Cleanup(func() { cancel(); l.group.Wait() })
	return l
}

// run publishes one run of the tenant after the other. Each lists the same people, with
// another department, and some more.
func (l *load) run(ctx context.Context, n *tenant) {
	people := 50 + n.rng.IntN(400)
	for number := 1; ; number++ {
		run := fmt.Sprintf("20260314T060000Z-%08x", number)
		records := n.records(run, people)
		for len(records) > 0 {
			select {
			case <-l.ending:
				return
			case <-ctx.Done():
				return
			case <-time.After(l.pace):
			}
			batch := records[:min(len(records), 1+n.rng.IntN(l.largest))]
			if !l.publish(ctx, n, batch) {
				break // a run whose records are refused is over
			}
			records = records[len(batch):]
		}
		people += n.rng.IntN(20)
	}
}

func (l *load) publish(ctx context.Context, n *tenant, batch []schemas.Record) bool {
	err := producer.Publish(ctx, l.js, l.log, batch...)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range batch {
		if r.Subject.Kind == schemas.KindUser {
			n.users[r.Subject.Entity] = true
		}
		if err == nil {
			n.acked[r.ID()] = true
		}
	}
	if err != nil && ctx.Err() == nil {
		n.refused = err
	}
	return err == nil
}

// records are those of one run of a tenant: what a run of a real one publishes.
func (n *tenant) records(run string, people int) []schemas.Record {
	enc := schemas.NewEncoder()
	var records []schemas.Record
	add := func(kind schemas.Kind, e schemas.Entity) {
		e.Normalize()
		body, err := enc.Encode(e)
		if err != nil {
			panic(err)
		}
		records = append(records, schemas.Record{
			Subject: schemas.Subject{Tenant: n.id, Kind: kind, Entity: e.Entity()}, Op: schemas.Upsert, Run: run,
			Time: time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC), Hash: schemas.FormatHash(schemas.StateHash(body)), Body: append([]byte(nil), body...),
		})
	}
	add(schemas.KindOrganization, &schemas.Organization{ID: n.id, VerifiedDomains: []schemas.VerifiedDomain{{Name: n.id[:8] + ".example", IsDefault: true}}})
	add(schemas.KindSKU, &schemas.SKU{SKUID: skuE3, SKUPartNumber: "SPE_E3", AppliesTo: "User", CapabilityStatus: "Enabled", ConsumedUnits: int64(people)})
	for i := range people {
		add(schemas.KindUser, &schemas.User{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012x", i), UserPrincipalName: fmt.Sprintf("u%d@%s.example", i, n.id[:8]), Department: run,
			DisplayName: fmt.Sprintf("Person %d with a name of usual length", i), AssignedLicenses: []schemas.AssignedLicense{{SKUID: skuE3}},
			LicenseAssignmentStates: []schemas.AssignmentState{{SKUID: skuE3, State: "Active"}},
		})
	}
	ev := &schemas.Run{
		RunID: run, Connector: "load", Feed: "users", Status: schemas.RunComplete, Pages: 1, Entities: int64(people), Published: int64(people),
		StartedAt: "2026-03-14T06:00:00.000Z", FinishedAt: "2026-03-14T06:00:01.000Z",
	}
	body, err := enc.Encode(ev)
	if err != nil {
		panic(err)
	}
	return append(records, schemas.Record{
		Subject: schemas.Subject{Tenant: n.id, Kind: schemas.KindRun, Entity: ev.Feed}, Op: schemas.Upsert, Run: run,
		Time: time.Date(2026, 3, 14, 6, 0, 1, 0, time.UTC), Body: append([]byte(nil), body...),
	})
}

// count is how many records of the tenant are acknowledged.
func (n *tenant) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.acked)
}

// flowing waits until every tenant has more records acknowledged than now.
func (l *load) flowing(more int) {
	l.t.Helper()
	for _, n := range l.tenants {
		before := n.count()
		until(l.t, "records are acknowledged", func() error {
			if n.count() <= before+more {
				n.mu.Lock()
				defer n.mu.Unlock()
				return fmt.Errorf("%d of tenant %s so far; last given up: %w", len(n.acked), n.id, n.refused)
			}
			return nil
		})
	}
}

// finish lets the batches under way come to their end and begins no more.
func (l *load) finish() {
	close(l.ending)
	l.group.Wait()
}
