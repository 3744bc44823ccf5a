package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/seatstream/seatstream/schemas"
)

// probes are the records whose way into the tables is timed in a round.
const probes = 50

// latency times single records from before they are published until a query sees them,
// one after the other, with nothing else on its way. In milliseconds.
func (o *round) latency(ctx context.Context) (ms []float64, err error) {
	c, err := start(ctx, partConsume, task{NATS: o.nats.said.URL, ClickHouse: o.engine.DSN(), Stay: true})
	if err != nil {
		return nil, err
	}
	defer c.stop()
	nc, js, err := stream(ctx, o.nats.said.URL)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	run := schemas.NewRunID(time.Now())
	for n := range probes + 1 {
		begun := time.Now()
		ack, err := js.PublishMsg(ctx, message(o.Records+n, run))
		if err != nil {
			return nil, fmt.Errorf("publish record: %w", err)
		}
		if err := until(ctx, func() (bool, error) {
			var seen uint64
			err := o.db.QueryRow(ctx, fmt.Sprintf("SELECT count() FROM m365.user_changes WHERE stream_seq = %d", ack.Sequence)).Scan(&seen)
			return seen > 0, err
		}); err != nil {
			return nil, fmt.Errorf("look for record: %w", err)
		}
		if n > 0 { // the first also waits for the consumer to start
			ms = append(ms, float64(time.Since(begun).Microseconds())/1000)
		}
	}
	return ms, nil
}
