//go:build linux

package faults

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/seatstream/seatstream/internal/lease"
)

// TestN3 stops the leader with SIGSTOP, so long that the others elect another and the
// leases of those who depend on it run out, and lets it go on.
func TestN3(t *testing.T) {
	t.Parallel()
	eachSeed(t, 0, 6, func(t *testing.T, seed uint64, rng *rand.Rand) {
		s := startStack(t, rng, layout{size: 3}, 3)
		s.load.flowing(rng.IntN(500))
		n := s.leader(s.js)
		n.signal(syscall.SIGSTOP)
		stopped := time.NewTimer(2*lease.TTL + time.Duration(rng.Int64N(int64(4*time.Second))))
		<-stopped.C // the fault is a stretch of time
		n.signal(syscall.SIGCONT)
		recovery := s.recovered(time.Now())
		s.whole(s.js)
		s.settle("N3 SIGSTOP the stream leader for 40 to 44 s, 3 replicas", seed, recovery).Report(t)
	})
}
