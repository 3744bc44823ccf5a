//go:build linux

package faults

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// TestN5 fills the server's disk, until every producer has given its run up, makes room,
// and starts the server again, which JetStream needs after it has found its disk full.
func TestN5(t *testing.T) {
	t.Parallel()
	needRoot(t, "mount")
	eachSeed(t, 0, 3, func(t *testing.T, seed uint64, rng *rand.Rand) {
		mount := t.TempDir()
		command(t, "mount", "-t", "tmpfs", "-o", "size=24M", "faults", mount)
		t.Cleanup(func() { command(t, "umount", "-l", mount) })
		l := layout{size: 1, stores: []string{filepath.Join(mount, "store")}}
		s := startStack(t, rng, l, 3)
		until(t, "every producer has given its run up", s.load.gaveUp)
		command(t, "mount", "-o", "remount,size=512M", mount)
		s.nodes[0].kill()
		s.nodes[0].start()
		recovery := s.recovered(time.Now())
		s.settle("N5 disk full (24 MB) until every producer has given up, then room and a restart", seed, recovery).Report(t)
	})
}
