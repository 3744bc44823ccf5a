package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// TestConsumerRestarted ends the consumer in the middle of its work and starts another,
// twice a day: no record is lost, and none is twice in the history tables even before
// they are merged.
func TestConsumerRestarted(t *testing.T) {
	t.Parallel()
	d := startDays(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 31, Users: 800})
	ch := tables(t, d.nats)
	o := d.oracles[0]
	for _, batch := range []uint64{150, 3} { // of a first collection and of a day's changes
		cfg := consumer.Config{Grid: batch, Linger: 5 * time.Millisecond}
		d.collect()
		for _, part := range []uint64{3, 2} {
			c, stop := d.nats.Consume(t, cfg, ch.Conn)
			lag := func() uint64 {
				n, err := c.Lag(t.Context())
				if err != nil {
					return d.nats.LastSeq(t) // its durable consumer is not there yet
				}
				return n
			}
			rest := lag() * (part - 1) / part
			teststack.Until(t, "part of the records stored", func() bool { return lag() <= rest })
			stop()
			t.Logf("%s: stopped with %d to go", d.day(), lag())
		}
		c, stop := d.nats.Consume(t, cfg, ch.Conn)
		teststack.Drain(t, c)
		stop()
		rawCounts(t, d.day(), d.nats, ch.Conn)
		compare(t, d.day(), ch.Conn, o)
		d.sim.Advance(1)
	}
}

// TestConsumerAfterALostReader takes over from a reader whose request still stands at the
// server: what the server hands to that one never reaches the consumer. It must not
// acknowledge past it, nor wait for it for ever.
func TestConsumerAfterALostReader(t *testing.T) {
	t.Parallel()
	d := startDays(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 32, Users: 60})
	ch := tables(t, d.nats)
	for _, more := range []int{20, 100_000} { // some of what comes again is taken, or all
		d.collect()
		c, stop := d.nats.Consume(t, consumer.Config{Linger: 5 * time.Millisecond}, ch.Conn)
		teststack.Drain(t, c)
		stop()
		d.sim.Advance(2)
		d.collect()
		waiting, err := c.Lag(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		durable, err := d.nats.JS.Consumer(t.Context(), schemas.StreamM365.Name, schemas.ConsumerName)
		if err != nil {
			t.Fatal(err)
		}
		lost, err := durable.Fetch(int(waiting)+more, jetstream.FetchMaxWait(3*time.Second), jetstream.FetchHeartbeat(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		teststack.Until(t, "all handed to the lost reader", func() bool {
			info, err := durable.Info(t.Context())
			return err == nil && info.NumAckPending == int(waiting)
		})
		c, stop = d.nats.Consume(t, consumer.Config{Linger: 5 * time.Millisecond}, ch.Conn)
		teststack.Drain(t, c)
		stop()
		for range lost.Messages() { // its request has ended by now
		}
		when := fmt.Sprintf("%s, %d of %d more taken", d.day(), more, waiting)
		rawCounts(t, when, d.nats, ch.Conn)
		compare(t, when, ch.Conn, d.oracles[0])
	}
}
