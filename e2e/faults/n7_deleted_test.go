//go:build linux

package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// TestN7 deletes the durable consumer under load, and lets the stream hit a limit.
func TestN7(t *testing.T) {
	t.Parallel()
	t.Run("consumer deleted", func(t *testing.T) {
		t.Parallel()
		eachSeed(t, 1, 5, func(t *testing.T, seed uint64, rng *rand.Rand) {
			s := startStack(t, rng, layout{size: 1}, 3)
			s.load.flowing(500 + rng.IntN(1000))
			if err := s.js.DeleteConsumer(t.Context(), schemas.StreamM365.Name, schemas.ConsumerName); err != nil {
				t.Fatal(err)
			}
			recovery := s.recovered(time.Now())
			s.settle("N7 the durable consumer deleted under load", seed, recovery).Report(t)
		})
	})
	t.Run("limit hit", func(t *testing.T) {
		t.Parallel()
		eachSeed(t, 0, 3, func(t *testing.T, seed uint64, rng *rand.Rand) {
			s := startStack(t, rng, layout{size: 1}, 3)
			s.load.flowing(500 + rng.IntN(1000))
			s.limit(s.last() + 100)
			until(t, "every producer has given its run up", s.load.gaveUp)
			s.limit(0)
			recovery := s.recovered(time.Now())
			s.settle("N7 the stream at its limit until every producer has given up", seed, recovery).Report(t)
		})
	})
}

// limit makes the stream refuse more than so many messages; 0 lifts that.
func (s *stack) limit(most uint64) {
	s.t.Helper()
	stream, err := s.js.Stream(s.t.Context(), schemas.StreamM365.Name)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.Discard, cfg.MaxMsgs = jetstream.DiscardNew, int64(most)
	if most == 0 {
		cfg.Discard, cfg.MaxMsgs = jetstream.DiscardOld, -1
	}
	if _, err := s.js.UpdateStream(s.t.Context(), cfg); err != nil {
		s.t.Fatal(err)
	}
}

// gaveUp returns nil once every tenant's producer has ended a run with an error.
func (l *load) gaveUp() error {
	for _, n := range l.tenants {
		n.mu.Lock()
		err := n.refused
		n.mu.Unlock()
		if err == nil {
			return fmt.Errorf("the producer of tenant %s goes on", n.id)
		}
	}
	return nil
}
