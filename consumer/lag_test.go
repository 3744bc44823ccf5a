package consumer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// TestLagIsNeverToldTooSmall: whoever waits until all is stored looks at the lag, and may
// look while the durable consumer is being made.
func TestLagIsNeverToldTooSmall(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	const records = 3000
	publishUsers(t, n.JS, 0, records, "r1")
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	c := replayer(t, n, nil) // never run: its durable consumer is made by hand, many times
	ctx, stop := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	for range 3 {
		looking.Go(func() {
			for ctx.Err() == nil {
				if lag, err := c.Lag(ctx); err == nil && lag < records {
					t.Errorf("lag %d of %d records, none of which is stored", lag, records)
				}
			}
		})
	}
	for range 400 {
		if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
			Durable: schemas.ConsumerName, AckPolicy: jetstream.AckAllPolicy, AckWait: time.Hour, MaxDeliver: -1, MaxAckPending: -1,
		}); err != nil {
			t.Fatal(err)
		}
		if err := stream.DeleteConsumer(t.Context(), schemas.ConsumerName); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	looking.Wait()
	// What is acknowledged is no lag, and an empty stream has none.
	cons, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: schemas.ConsumerName, AckPolicy: jetstream.AckAllPolicy, MaxAckPending: -1})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := cons.Fetch(records)
	if err != nil {
		t.Fatal(err)
	}
	var last jetstream.Msg
	for msg := range batch.Messages() {
		last = msg
	}
	if err := last.DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lag, err := c.Lag(t.Context()); lag != 0 || err != nil {
		t.Errorf("all acknowledged: lag %d, %v", lag, err)
	}
}
