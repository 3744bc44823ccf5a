//go:build linux

package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
)

// TestP5Fresh makes the tables anew, twice, while records flow and somebody asks: nobody sees
// less than there was before, what was altered by hand is right again, and every record is
// there in the end.
func TestP5Fresh(t *testing.T) {
	t.Parallel()
	n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
	b := newBulk(seed, 1000)
	c, _ := n.Consume(t, consumer.Config{Linger: 50 * time.Millisecond}, tables.Conn)
	const first, part = 20_000, 500
	b.publish(t, n.JS, 0, first)
	drained(t, n.JS)
	run(t, tables.Conn, "ALTER TABLE m365.user_changes UPDATE display_name = 'forged' WHERE stream_seq < 5000 SETTINGS mutations_sync = 2",
		"ALTER TABLE m365.users DELETE WHERE stream_seq % 3 = 0 SETTINGS mutations_sync = 2")
	var group sync.WaitGroup
	ended := make(chan struct{})
	group.Go(func() { watchFloor(t, tables, first, ended) })
	published := first
	for range 2 {
		rebuilt := make(chan error, 1)
		go func() {
			_, err := c.Fresh(t.Context(), consumer.FreshOptions{})
			rebuilt <- err
		}()
		for done := false; !done; {
			b.publish(t, n.JS, published, published+part)
			published += part
			select {
			case err := <-rebuilt:
				if done = true; err != nil {
					t.Error(err)
				}
			case <-time.After(100 * time.Millisecond): // some thousand records a second
			}
		}
	}
	drained(t, n.JS)
	close(ended)
	group.Wait()
	o := b.count(t, tables.Conn, "P5 the tables made anew (replay --fresh) while live, twice, after rows were altered and deleted", seed, published)
	o.Dead = dead(t, n.JS)
	if v, err := replayOf(n, tables).Verify(t.Context(), consumer.VerifyOptions{}); err != nil || !v.Clean() {
		t.Errorf("verify is not clean, %v", err)
	}
	o.Report(t) // the history has replayed rows twice until it merges
}

// watchFloor asks again and again how many records of the first there are.
func watchFloor(t *testing.T, tables *teststack.ClickHouse, first int, ended chan struct{}) {
	for looks := 0; ; looks++ {
		select {
		case <-ended:
			if looks == 0 {
				t.Error("nobody looked")
			}
			return
		case <-time.After(100 * time.Millisecond):
		}
		var seen uint64
		err := tables.Conn.QueryRow(t.Context(), fmt.Sprintf("SELECT uniqExact(stream_seq) FROM m365.user_changes WHERE stream_seq <= %d", first)).Scan(&seen)
		if err == nil && seen < uint64(first) {
			err = fmt.Errorf("%d of %d records that were there before", seen, first)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

// TestFreshKeepsWhatTheStreamHasNot refuses to exchange tables that know more than the stream.
func TestFreshKeepsWhatTheStreamHasNot(t *testing.T) {
	t.Parallel()
	n, tables := teststack.StartNATS(t), teststack.StartClickHouse(t)
	b := newBulk(7, 100)
	c, _ := n.Consume(t, consumer.Config{Linger: 50 * time.Millisecond}, tables.Conn)
	b.publish(t, n.JS, 0, 500)
	drained(t, n.JS)
	stream, err := n.JS.Stream(t.Context(), "M365")
	if err == nil {
		err = stream.DeleteMsg(t.Context(), 17)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fresh(t.Context(), consumer.FreshOptions{}); !errors.Is(err, consumer.ErrOutlived) {
		t.Errorf("tables that know more than the stream: %v", err)
	}
	if rows := rowsOf(t, tables); rows != 500 {
		t.Errorf("%d rows after a refusal", rows)
	}
	if _, err := c.Fresh(t.Context(), consumer.FreshOptions{Discard: true}); err != nil {
		t.Error(err)
	}
	if rows := rowsOf(t, tables); rows != 499 {
		t.Errorf("%d rows of a stream of 499", rows)
	}
}
