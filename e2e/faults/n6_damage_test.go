//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seatstream/seatstream/schemas"
)

// TestN6 damages the store of one server of three while it is down, starts it, makes it the
// leader, and asks it for every record.
func TestN6(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name, fault string
		damage      func(rng *rand.Rand, b []byte) []byte
	}{
		{"flipped", "N6 bits flipped in the stream's file on one of three servers, which then leads", flipBits},
		{"cut", "N6 the stream's file cut on one of three servers, which then leads", cutFile},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			eachSeed(t, 0, 4, func(t *testing.T, seed uint64, rng *rand.Rand) {
				s := startStack(t, rng, layout{size: 3}, 3)
				s.load.flowing(1000 + rng.IntN(1000))
				n := s.nodes[rng.IntN(3)]
				n.damage(rng, f.damage)
				recovery := s.recovered(time.Now())
				s.refill()
				s.lead(n)
				o := s.settle(f.fault, seed, recovery)
				// The tables had it before; the server that was damaged must have it again.
				there := inStream(t, s.js)
				missing := int64(0)
				for _, n := range s.load.tenants {
					for id := range n.acked {
						if there[id] == 0 {
							missing++
						}
					}
				}
				if missing > 0 {
					t.Logf("the server that was damaged leads a stream without %d records", missing)
				}
				o.Lost += missing
				o.Report(t)
			})
		})
	}
}

// lead makes a server the leader of the stream.
func (s *stack) lead(n *node) {
	s.t.Helper()
	until(s.t, n.name+" leads", func() error {
		if s.leader(s.js) == n {
			return nil
		}
		body, err := json.Marshal(map[string]any{"placement": map[string]string{"preferred": n.name}})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		defer cancel()
		reply, err := s.nc.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+schemas.StreamM365.Name, body)
		if err != nil {
			return err
		}
		return fmt.Errorf("asked: %s", reply.Data)
	})
}
