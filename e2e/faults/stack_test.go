//go:build linux

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// stack is a whole system under load: servers, tables, a consumer between them and
// tenants that publish. Producer and consumer have a connection each.
type stack struct {
	*cluster
	nc     *nats.Conn // of the load
	js     jetstream.JetStream
	tables *teststack.ClickHouse
	cons   *consumer.Consumer
	load   *load

	endConsumer func()
}

// startStack starts everything and returns when records flow from end to end.
func startStack(t *testing.T, rng *rand.Rand, l layout, tenants int) *stack {
	t.Helper()
	s := &stack{cluster: startCluster(t, l)}
	n := s.open()
	s.nc, s.js = n.Conn, n.JS
	s.withTables(s.open())
	s.load = startLoad(t, s.js, rng, tenants)
	s.load.flowing(0)
	return s
}

// withTables starts tables and a consumer that fills them.
func (s *stack) withTables(n *teststack.NATS) {
	s.t.Helper()
	s.tables = teststack.StartClickHouse(s.t)
	s.cons, s.endConsumer = n.Consume(s.t, consumer.Config{Grid: 2000, Linger: 50 * time.Millisecond}, s.tables.Conn)
}

// open opens a connection of its own, with the product's streams and buckets.
func (c *cluster) open() *teststack.NATS {
	c.t.Helper()
	n := &teststack.NATS{Conn: c.connect()}
	until(c.t, "streams and buckets are there", func() (err error) {
		ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
		defer cancel()
		if n.JS, err = connect.JetStream(ctx, n.Conn, len(c.nodes), 0); err != nil {
			return err
		}
		n.Stores, err = producer.OpenStores(ctx, n.JS, len(c.nodes))
		return err
	})
	return n
}

// recovered waits until records are acknowledged and stored again and says how long that
// took since the fault ended.
func (s *stack) recovered(ended time.Time) time.Duration {
	s.t.Helper()
	s.load.flowing(0)
	last := s.last()
	until(s.t, "what is acknowledged is stored", func() error { return s.storedUpTo(last) })
	return time.Since(ended)
}

// last is the sequence of the newest record in the stream.
func (s *stack) last() uint64 {
	s.t.Helper()
	var seq uint64
	until(s.t, "the stream answers", func() error {
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		defer cancel()
		stream, err := s.js.Stream(ctx, schemas.StreamM365.Name)
		if err == nil {
			seq = stream.CachedInfo().State.LastSeq
		}
		return err
	})
	return seq
}

func (s *stack) storedUpTo(seq uint64) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	cons, err := s.js.Consumer(ctx, schemas.StreamM365.Name, schemas.ConsumerName)
	if err != nil {
		return err
	}
	if floor := cons.CachedInfo().AckFloor.Stream; floor < seq {
		return fmt.Errorf("stored up to %d of %d; last insert: %w", floor, seq, s.cons.Healthy())
	}
	return nil
}

// settle ends the load, waits until everything is stored, and counts.
func (s *stack) settle(fault string, seed uint64, recovery time.Duration) Outcome {
	s.t.Helper()
	s.load.finish()
	for _, n := range s.load.tenants {
		if n.refused != nil {
			s.t.Logf("tenant %s, a batch was given up: %v", n.id, n.refused)
		}
	}
	last := s.last()
	until(s.t, "everything is stored", func() error { return s.storedUpTo(last) })
	o := Outcome{Fault: fault, Seed: seed, Recovery: recovery}
	count(s.t, s.tables.Conn, s.load.tenants, &o)
	until(s.t, "the dead letters can be counted", func() error {
		dead, err := s.js.Stream(s.t.Context(), schemas.StreamDLQ.Name)
		if err == nil {
			o.Dead = int64(dead.CachedInfo().State.Msgs)
		}
		return err
	})
	return o
}
