package e2e

import (
	"testing"
	"time"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
)

// TestConsumerRestarted ends the consumer in the middle of its work and starts another,
// twice a day: no record is lost, and none is twice in the history tables even before
// they are merged.
func TestConsumerRestarted(t *testing.T) {
	t.Parallel()
	d := startDays(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 31, Users: 800})
	ch := teststack.StartClickHouse(t)
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
