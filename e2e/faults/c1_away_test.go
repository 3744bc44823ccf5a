//go:build linux

package faults

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
)

// TestC1 takes ClickHouse away: for a while, and for longer than it remembers tokens. In the
// second case the reply to the last insert is lost before, and the server forgets its token
// meanwhile, so the batch comes again and only the tables' keys keep it from counting twice.
func TestC1(t *testing.T) {
	t.Parallel()
	records, away := 50_000, 3*time.Second
	if full() {
		records, away = 500_000, 80*time.Second
	}
	for name, forget := range map[string]bool{"C1 ClickHouse away": false, "C1 ClickHouse away past the token window": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
			keepRows(t, tables.Conn)
			p := startGate(t, hostOf(t, tables.DSN()))
			db, err := connect.ClickHouse(t.Context(), p.before(t, tables.DSN()))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			b := newBulk(seed, 5000)
			b.publish(t, n.JS, 0, records/5)
			gone := make(chan struct{})
			var steps inserts
			p.watch(func(up bool, chunk []byte) bool {
				if steps.step(up, chunk) != "committed" {
					return true
				}
				select {
				case <-gone:
					return true
				default:
					close(gone)
				}
				go p.leave(true)
				return false // committed, and nobody hears of it
			})
			c, _ := n.Consume(t, consumer.Config{Linger: 50 * time.Millisecond}, db)
			<-gone
			left := time.Now()
			b.publish(t, n.JS, records/5, records)
			until(t, "unhealthy", func() error {
				if c.Healthy() == nil {
					return errNotYet
				}
				return nil
			})
			if forget {
				other := newBulk(seed+1, 10)
				run(t, tables.Conn, "ALTER TABLE m365.user_changes MODIFY SETTING non_replicated_deduplication_window = 1")
				for range 2 { // two inserts of somebody else push the token out
					run(t, tables.Conn, "INSERT INTO m365.user_changes (tenant_id, user_id, stream_seq, run_id) VALUES ('"+other.tenant.id+"', generateUUIDv4(), 1, 'x')")
				}
			}
			if rest := away - time.Since(left); rest > 0 {
				<-time.After(rest) // the length of the absence is the fault
			}
			p.leave(false)
			back := time.Now()
			drained(t, n.JS)
			o := b.count(t, tables.Conn, name, seed, records)
			o.Recovery, o.Dead = time.Since(back), dead(t, n.JS)
			t.Logf("drained at %.0f records/s after %s away", float64(records)/o.Recovery.Seconds(), back.Sub(left).Round(time.Second))
			if !forget {
				strict(t, o)
			} else if o.Report(t); o.DupRaw == 0 {
				t.Error("no row stands twice before merges: the token was not forgotten, and the fault did not come about")
			}
			if o.Dead != 0 {
				t.Errorf("%d healthy records were set aside", o.Dead)
			}
		})
	}
}
