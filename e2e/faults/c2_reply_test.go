//go:build linux

package faults

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
)

// strict reports an outcome in which no row may stand twice, not even before merges.
func strict(t testing.TB, o Outcome) {
	t.Helper()
	o.Report(t)
	if o.DupRaw != 0 {
		t.Errorf("%s, seed %d: DUP raw %d", o.Fault, o.Seed, o.DupRaw)
	}
}

// TestC2 loses the reply of every insert once, after it is committed.
func TestC2(t *testing.T) {
	t.Parallel()
	replies := 50
	if full() {
		replies = 1000
	}
	n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
	keepRows(t, tables.Conn)
	p := startGate(t, hostOf(t, tables.DSN()))
	p.gentle = true
	db, err := connect.ClickHouse(t.Context(), p.before(t, tables.DSN()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var cut atomic.Int64
	var steps inserts
	lose := true // the first reply of each insert; the second is passed on
	p.watch(func(up bool, chunk []byte) bool {
		if steps.step(up, chunk) != "committed" {
			return true
		}
		if lose = !lose; !lose {
			cut.Add(1)
			return false
		}
		return true
	})
	b := newBulk(seed, replies*10)
	b.publish(t, n.JS, 0, replies*20)
	_, _ = n.Consume(t, consumer.Config{Grid: 20, Linger: 50 * time.Millisecond}, db)
	drained(t, n.JS)
	if got := int(cut.Load()); got < replies {
		t.Errorf("%d replies were lost, want %d: the fault did not come about", got, replies)
	}
	o := b.count(t, tables.Conn, "C2 reply lost after commit, every insert once", seed, replies*20)
	o.Dead = dead(t, n.JS)
	t.Logf("%d replies lost", cut.Load())
	strict(t, o)
}
