//go:build linux

package faults

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seatstream/seatstream/internal/teststack"
)

// killAt are the moments at which a consumer is killed or stopped, by what its proxies see.
// after says whether the bytes that mark the step still pass.
var killAt = []struct {
	name  string
	after bool
}{{"asked", false}, {"sent", false}, {"committed", false}, {"committed", true}, {"acking", false}, {"acking", true}}

// between starts a consumer process behind proxies that tell of its steps.
func between(t testing.TB, n *teststack.NATS, tables *teststack.ClickHouse, see func(p *process, step string) bool) *process {
	t.Helper()
	nats, clickhouse := startGate(t, hostOf(t, n.URL())), startGate(t, hostOf(t, tables.DSN()))
	p := startConsumer(t, nats.before(t, n.URL()), clickhouse.before(t, tables.DSN()))
	var steps inserts
	var mu sync.Mutex // connections have their bytes at once
	clickhouse.watch(func(up bool, chunk []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		return see(p, steps.step(up, chunk))
	})
	nats.watch(func(up bool, chunk []byte) bool {
		if up && contains(chunk, "PUB $JS.ACK.M365.clickhouse.") {
			mu.Lock()
			defer mu.Unlock()
			return see(p, "acking")
		}
		return true
	})
	return p
}

// TestC4 kills a consumer process with kill -9 at each step of a batch, under load.
func TestC4(t *testing.T) {
	t.Parallel()
	for _, at := range killAt {
		name := at.name
		if at.after {
			name += " and passed on"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachSeed(t, 1, 10, func(t *testing.T, seed uint64, rng *rand.Rand) {
				n, tables := teststack.StartNATS(t), teststack.StartClickHouse(t)
				keepRows(t, tables.Conn)
				b := newBulk(seed, 1000)
				const records = 60_000
				b.publish(t, n.JS, 0, records/2)
				left := rng.IntN(2) // batches before the fault
				killed := make(chan struct{})
				p := between(t, n, tables, func(p *process, step string) bool {
					if step != at.name {
						return true
					}
					if left--; left != -1 {
						return true
					}
					if at.after {
						go func() { p.kill(); close(killed) }()
						return true
					}
					p.kill()
					close(killed)
					return false
				})
				select {
				case <-killed:
				case <-time.After(patience):
					t.Fatal("the step does not come")
				}
				ended := time.Now()
				b.publish(t, n.JS, records/2, records) // the batches would grow now
				_ = p
				startConsumer(t, n.URL(), tables.DSN())
				drained(t, n.JS)
				o := b.count(t, tables.Conn, "C4 kill -9 the consumer at the step: "+name, seed, records)
				o.Recovery, o.Dead = time.Since(ended), dead(t, n.JS)
				strict(t, o)
			})
		})
	}
}

// TestStoppedOwner stops the owner of the stream at a step, past its lease, until another has
// taken over and stored more, and lets it go on: with a reply that waits for it, the first
// thing it would do is acknowledge.
func TestStoppedOwner(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"sent", "committed", "acking"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			eachSeed(t, 1, 5, func(t *testing.T, seed uint64, _ *rand.Rand) {
				n, tables := teststack.StartNATS(t), teststack.StartClickHouse(t)
				keepRows(t, tables.Conn)
				b := newBulk(seed, 1000)
				b.publish(t, n.JS, 0, 50_000)
				stopped := make(chan struct{})
				once := false
				first := between(t, n, tables, func(p *process, at string) bool {
					if at == step && !once {
						once = true
						p.signal(syscall.SIGSTOP)
						close(stopped)
					}
					return true
				})
				select {
				case <-stopped:
				case <-time.After(patience):
					t.Fatal("the step does not come")
				}
				began := time.Now()
				second := startConsumer(t, n.URL(), tables.DSN())
				until(t, "another takes over", func() error {
					if second.owned() == 0 {
						return context.DeadlineExceeded
					}
					return nil
				})
				took := time.Since(began)
				b.publish(t, n.JS, 50_000, 60_000)
				drained(t, n.JS)
				first.signal(syscall.SIGCONT)
				b.publish(t, n.JS, 60_000, 90_000)
				// By its lease, or by what it was waiting for when it was stopped.
				until(t, "the first finds that it is not the owner", func() error {
					if log := first.log.String(); !strings.Contains(log, "lost lease") && !strings.Contains(log, "consumer begins again") {
						return context.DeadlineExceeded
					}
					return nil
				})
				drained(t, n.JS)
				if !first.alive() {
					t.Error("the stopped owner ended: it has to stand by")
				}
				o := b.count(t, tables.Conn, "N3 SIGSTOP the consumer past its lease at the step: "+step, seed, 90_000)
				o.Recovery, o.Dead = took, dead(t, n.JS)
				strict(t, o)
			})
		})
	}
}
