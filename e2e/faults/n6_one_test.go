//go:build linux

package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/schemas"
)

// TestN6One damages the store of the only server: what it lost is nowhere else in the stream.
// The tables keep it, verify says that the stream is short of what Graph listed, and the next
// run of the connectors publishes what is missing.
func TestN6One(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(*rand.Rand, []byte) []byte{
		"N6 bits flipped in the stream's file on the only server": flipBits,
		"N6 the stream's file cut on the only server":             cutFile,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachSeed(t, 1, 4, func(t *testing.T, seed uint64, rng *rand.Rand) {
				c := startCluster(t, layout{size: 1})
				f := fleetOn(t, c.open(), seed, 2, 1100)
				f.healthy()
				drained(t, f.n.JS)
				last := f.n.LastSeq(t)
				c.nodes[0].damage(rng, damage)
				mended := time.Now()
				now := f.left(c)
				t.Logf("the stream goes up to %d of %d", now, last)
				f.mend(now, last)
				f.healthy()
				drained(t, f.n.JS)
				o := Outcome{Fault: name, Seed: seed, Recovery: time.Since(mended), Dead: dead(t, f.n.JS)}
				for _, info := range f.sim.Tenants() {
					compareTenant(t, f.tables, info.ID, askGraph(t, f.sim, info).truth(t), &o)
				}
				strict(t, o)
				v, err := f.verify()
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range v.Evidence {
					if e.Differs {
						t.Errorf("after the run: %+v", e)
					}
				}
			})
		})
	}
}

// left is how far the stream goes after the damage. Where the server can read none of it any
// more, the stream is not there, and the next process that starts makes it anew; where remains
// are in the way, the operator has to remove them.
func (f *fleet) left(c *cluster) (now uint64) {
	f.t.Helper()
	tries := 0
	until(f.t, "the stream answers", func() error {
		stream, err := f.n.JS.Stream(f.t.Context(), schemas.StreamM365.Name)
		if err == nil {
			now = stream.CachedInfo().State.LastSeq
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
		if _, err = connect.JetStream(f.t.Context(), f.n.Conn, 1, 0); err != nil {
			if tries++; tries == 20 {
				f.t.Logf("the stream cannot be made anew beside what is left of it: %v", err)
				c.nodes[0].kill()
				if err := os.RemoveAll(c.nodes[0].streamFolder()); err != nil {
					f.t.Fatal(err)
				}
				c.nodes[0].start()
			}
		}
		return errors.Join(err, errNotYet)
	})
	return now
}

// streamFolder is where a server keeps the product's stream.
func (n *node) streamFolder() string {
	return filepath.Join(n.store, "jetstream", "$G", "streams", schemas.StreamM365.Name)
}

// mend does what an operator is told to, where the server has lost the end of the stream: the
// consumer stores nothing before. Else verify has seen that something is missing.
func (f *fleet) mend(now, last uint64) {
	f.t.Helper()
	if now >= last {
		if v, err := f.verify(); err != nil || v.Clean() {
			f.t.Errorf("verify does not see the damage, %v", err)
		}
		return
	}
	until(f.t, "the consumer refuses", func() error {
		if err := f.consumer.Healthy(); !errors.Is(err, consumer.ErrOtherStream) {
			return fmt.Errorf("health: %w", errors.Join(err, errNotYet))
		}
		return nil
	})
	stream, err := f.n.JS.Stream(f.t.Context(), schemas.StreamM365.Name)
	if err == nil {
		err = stream.Purge(f.t.Context(), jetstream.WithPurgeSequence(last+1))
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) verify() (*consumer.Verification, error) {
	return replayOf(f.n, f.tables).Verify(f.t.Context(), consumer.VerifyOptions{})
}

func flipBits(rng *rand.Rand, b []byte) []byte {
	for range 8 {
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	}
	return b
}

func cutFile(rng *rand.Rand, b []byte) []byte { return b[:len(b)/4+rng.IntN(len(b)/2)] }

// damage kills the server, damages a file of the stream, and starts the server again.
func (n *node) damage(rng *rand.Rand, how func(*rand.Rand, []byte) []byte) {
	n.t.Helper()
	n.kill()
	folder := filepath.Join(n.streamFolder(), "msgs")
	files, err := filepath.Glob(filepath.Join(folder, "*.blk"))
	if err != nil || len(files) == 0 {
		n.t.Fatal(files, err)
	}
	file := files[rng.IntN(len(files))]
	b, err := os.ReadFile(file)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(file, how(rng, b), 0o600); err != nil {
		n.t.Fatal(err)
	}
	// Without the index the server reads the file itself, as after a crash.
	if err := os.Remove(filepath.Join(folder, "index.db")); err != nil && !os.IsNotExist(err) {
		n.t.Fatal(err)
	}
	n.start()
}
