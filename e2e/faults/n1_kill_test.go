//go:build linux

package faults

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestN1 kills servers of a cluster of three with kill -9 while records flow.
func TestN1(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name, fault string
		quick, all  int
		crash       func(s *stack, rng *rand.Rand) (ended time.Time)
	}{
		{"leader", "N1 kill -9 the stream leader, 3 replicas", 0, 8, killLeader},
		{"each", "N1 kill -9 each server in turn, 3 replicas", 0, 4, killEach},
		{"all", "N1 kill -9 all three servers at once, 3 replicas", 1, 8, killAll},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			eachSeed(t, f.quick, f.all, func(t *testing.T, seed uint64, rng *rand.Rand) {
				s := startStack(t, rng, layout{size: 3}, 3)
				s.load.flowing(rng.IntN(500)) // the moment of the fault
				recovery := s.recovered(f.crash(s, rng))
				s.settle(f.fault, seed, recovery).Report(t)
			})
		})
	}
}

// killLeader kills the leader, lets the others go on without it, and starts it again.
func killLeader(s *stack, _ *rand.Rand) time.Time {
	n := s.leader(s.js)
	n.kill()
	ended := time.Now() // the others take over: nothing has to be mended
	s.recovered(ended)
	n.start()
	s.whole(s.js)
	return ended
}

func killEach(s *stack, rng *rand.Rand) (ended time.Time) {
	for _, i := range rng.Perm(len(s.nodes)) {
		s.nodes[i].kill()
		s.load.flowing(rng.IntN(300))
		s.nodes[i].start()
		ended = time.Now()
		s.whole(s.js)
	}
	return ended
}

func killAll(s *stack, rng *rand.Rand) time.Time {
	for _, i := range rng.Perm(len(s.nodes)) {
		s.nodes[i].kill()
	}
	for _, i := range rng.Perm(len(s.nodes)) {
		s.nodes[i].start()
	}
	return time.Now()
}
