//go:build linux

package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
)

// TestC6 lets the engine lose what it had acknowledged: parts of the history and of the state
// are dropped, and rows are altered. verify finds each, its repair brings them back, and the
// tables hold to the byte what they held before.
func TestC6(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 5, func(t *testing.T, seed uint64, rng *rand.Rand) {
		n, tables := teststack.StartNATS(t), teststack.StartClickHouse(t)
		keepRows(t, tables.Conn)
		// So that there are parts to lose; stopping merges would stop the repair too.
		run(t, tables.Conn, "ALTER TABLE m365.users MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1")
		b, other := newBulk(seed, 2000), newBulk(seed+1, 500)
		const records = 20_000
		b.publish(t, n.JS, 0, records)
		other.publish(t, n.JS, 0, 500)
		n.Consume(t, consumer.Config{Grid: 2000}, tables.Conn)
		drained(t, n.JS)
		before := content(t, tables)
		part := func(table string) string {
			var names []string
			if err := tables.Conn.QueryRow(t.Context(), "SELECT groupArray(name) FROM system.parts WHERE database = 'm365' AND table = '"+table+"' AND active").Scan(&names); err != nil || len(names) < 2 {
				t.Fatal(names, err)
			}
			return names[rng.IntN(len(names))]
		}
		from := 1 + rng.IntN(records)
		run(t, tables.Conn,
			"ALTER TABLE m365.user_changes DROP PART '"+part("user_changes")+"'", "ALTER TABLE m365.users DROP PART '"+part("users")+"'",
			fmt.Sprintf("ALTER TABLE m365.user_changes DELETE WHERE stream_seq BETWEEN %d AND %d SETTINGS mutations_sync = 2", from, from+99),
			fmt.Sprintf("ALTER TABLE m365.user_changes UPDATE display_name = 'forged' WHERE stream_seq BETWEEN %d AND %d SETTINGS mutations_sync = 2", from+100, from+150))
		lost := records + 500 - rowsOf(t, tables)
		begun := time.Now()
		if v, err := replayOf(n, tables).Verify(t.Context(), consumer.VerifyOptions{}); err != nil || v.Clean() {
			t.Fatalf("verify does not see that %d rows are lost: %v", lost, err)
		}
		v, err := replayOf(n, tables).Verify(t.Context(), consumer.VerifyOptions{Repair: true})
		if err != nil || !v.Clean() {
			t.Fatalf("the repair leaves something, %v", err)
		}
		o := b.count(t, tables.Conn, "C6 parts and rows that the engine had acknowledged lost or altered, found and restored by verify --repair", seed, records)
		o.Recovery, o.Dead = time.Since(begun), dead(t, n.JS)
		if lost == 0 {
			t.Error("no row was lost: the fault did not come about")
		}
		if after := content(t, tables); after != before {
			t.Errorf("after the repair the tables hold %s, before the loss %s", after, before)
		}
		if v, err = replayOf(n, tables).Verify(t.Context(), consumer.VerifyOptions{}); err != nil || !v.Clean() {
			t.Errorf("after the repair verify is not clean, %v", err)
		}
		t.Logf("%d rows lost, 51 altered", lost)
		strict(t, o)
	})
}

// content is what history and state hold, as a number.
func content(t testing.TB, tables *teststack.ClickHouse) (v string) {
	t.Helper()
	err := tables.Conn.QueryRow(t.Context(), `SELECT toString(((SELECT (count(), groupBitXor(sipHash64(formatRow('RowBinary', *)))) FROM m365.user_changes FINAL),
		(SELECT (count(), groupBitXor(sipHash64(formatRow('RowBinary', *)))) FROM m365.users FINAL)))`).Scan(&v)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func rowsOf(t testing.TB, tables *teststack.ClickHouse) int {
	t.Helper()
	var rows uint64
	if err := tables.Conn.QueryRow(t.Context(), "SELECT count() FROM m365.user_changes").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return int(rows)
}
