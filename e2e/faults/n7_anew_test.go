//go:build linux

package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// TestStreamMadeAnew deletes the stream and makes it again while the consumer runs. What comes
// then has sequences that the tables have already, or would have soon: the consumer stores
// nothing and says what to do. When that is done, all of before and after is there.
func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]int{"behind the tables": 1000, "past the tables": 12_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
			keepRows(t, tables.Conn)
			b := newBulk(seed, 1000)
			const before = 10_000
			b.publish(t, n.JS, 0, before)
			c, stop := n.Consume(t, consumer.Config{Linger: 50 * time.Millisecond}, tables.Conn)
			drained(t, n.JS)
			// Where the stream grows past the tables, it does so while nobody reads it.
			if more > before {
				stop()
			}
			if err := n.JS.DeleteStream(t.Context(), schemas.StreamM365.Name); err != nil {
				t.Fatal(err)
			}
			if _, err := connect.JetStream(t.Context(), n.Conn, 1, 0); err != nil {
				t.Fatal(err)
			}
			b.publish(t, n.JS, before, before+more)
			if more > before {
				c, _ = n.Consume(t, consumer.Config{Linger: 50 * time.Millisecond}, tables.Conn)
			}
			advice := fmt.Sprintf("nats stream purge %s --seq %d", schemas.StreamM365.Name, before+1)
			until(t, "the consumer refuses", func() error {
				if err := c.Healthy(); err == nil || !strings.HasPrefix(err.Error(), "operator: ") || !errors.Is(err, consumer.ErrOtherStream) || !strings.Contains(err.Error(), advice) {
					return fmt.Errorf("health: %w", errors.Join(err, errNotYet))
				}
				return nil
			})
			if floor, _, err := stand(t.Context(), n.JS); err != nil || floor != 0 {
				t.Errorf("stored up to %d of another stream, %v", floor, err)
			}
			if _, err := replayOf(n, tables).Replay(t.Context(), consumer.Range{}, nil); !errors.Is(err, consumer.ErrOtherStream) {
				t.Errorf("a replay of another stream into the tables: %v", err)
			}
			stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(before+1)); err != nil {
				t.Fatal(err)
			}
			mended := time.Now()
			// The purge takes what lies below; what lies above the tables is stored now.
			kept := max(0, more-before)
			again := newBulk(seed+1, 1000) // connectors run again: everything is published once more
			if err := producer.Publish(t.Context(), n.JS, teststack.Log(t), again.records(0, before)...); err != nil {
				t.Fatal(err)
			}
			drained(t, n.JS)
			o := b.count(t, tables.Conn, "N7 the stream deleted and made again, its sequences "+name, seed, before+kept)
			p := again.count(t, tables.Conn, o.Fault, seed, before)
			o.Acked, o.Present, o.Lost, o.DupRaw, o.DupQuery = o.Acked+p.Acked, o.Present+p.Present, o.Lost+p.Lost, o.DupRaw+p.DupRaw, o.DupQuery+p.DupQuery
			o.Recovery, o.Dead = time.Since(mended), dead(t, n.JS)
			strict(t, o)
		})
	}
}
