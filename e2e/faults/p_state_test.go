//go:build linux

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// TestC5 has one record in 10,000 that the server refuses.
func TestC5(t *testing.T) {
	t.Parallel()
	n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
	keepRows(t, tables.Conn)
	b, bad := newBulk(seed, 10_000), seed%10_000
	run(t, tables.Conn, fmt.Sprintf("ALTER TABLE m365.user_changes ADD CONSTRAINT c CHECK user_id != '00000000-0000-4000-8000-%012x'", bad))
	b.publish(t, n.JS, 0, 10_000)
	n.Consume(t, consumer.Config{}, tables.Conn)
	drained(t, n.JS)
	var rows, distinct uint64
	if err := tables.Conn.QueryRow(t.Context(), "SELECT count(), uniqExact(user_id) FROM m365.user_changes").Scan(&rows, &distinct); err != nil {
		t.Fatal(err)
	}
	o := Outcome{Fault: "C5 one refused row in 10,000", Seed: seed, Acked: 10_000, Dead: dead(t, n.JS), DupRaw: int64(rows - distinct)}
	o.Present = int64(distinct) + o.Dead
	o.Lost, o.DupQuery = o.Acked-o.Present, double(t, tables.Conn, b.tenant)
	strict(t, o)
	if o.Dead != 1 {
		t.Errorf("%d dead letters, want the one record", o.Dead)
	}
}

// state is what the current tables hold, as a number.
func state(t *testing.T, tables *teststack.ClickHouse) string {
	t.Helper()
	var v string
	if err := tables.Conn.QueryRow(t.Context(), "SELECT toString((SELECT (count(), groupBitXor(sipHash64(*))) FROM m365.users FINAL))").Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestP4 stores the later half of the stream first: late and reordered records end in the
// state of those in order.
func TestP4(t *testing.T) {
	t.Parallel()
	n, ordered, late, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
	b := newBulk(seed, 1000)
	var bounds []time.Time
	for i := range 4 {
		b.publish(t, n.JS, i*2500, (i+1)*2500)
		stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
		if err != nil {
			t.Fatal(err)
		}
		bounds = append(bounds, stream.CachedInfo().State.LastTime)
	}
	n.Consume(t, consumer.Config{}, ordered.Conn)
	drained(t, n.JS)
	for _, i := range []int{3, 1, 2, 0, 1} {
		r := consumer.Range{Until: bounds[i]}
		if i > 0 {
			r.Since = bounds[i-1]
		}
		if _, err := replayOf(n, late).Replay(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := state(t, late), state(t, ordered); got != want {
		t.Errorf("late records end in %s, records in order in %s", got, want)
	}
	o := b.count(t, late.Conn, "P4 reordered and late records", seed, 10_000)
	o.Report(t)
}

func replayOf(n *teststack.NATS, tables *teststack.ClickHouse) *consumer.Consumer {
	return consumer.New(consumer.Config{Grid: 300}, consumer.Deps{JS: n.JS, DB: tables.Conn, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: zerolog.Nop()})
}

// TestP5 replays everything while records go on flowing.
func TestP5(t *testing.T) {
	t.Parallel()
	n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
	b := newBulk(seed, 1000)
	n.Consume(t, consumer.Config{Grid: 1000, Linger: 50 * time.Millisecond}, tables.Conn)
	const part = 5000
	for i := range 4 {
		b.publish(t, n.JS, i*part, (i+1)*part)
		replayed := make(chan error, 1)
		go func() {
			_, err := replayOf(n, tables).Replay(t.Context(), consumer.Range{}, nil)
			replayed <- err
		}()
		b.publish(t, n.JS, (4+i)*part, (5+i)*part)
		if err := <-replayed; err != nil {
			t.Fatal(err)
		}
	}
	drained(t, n.JS)
	o := b.count(t, tables.Conn, "P5 replay of everything while live, four times", seed, 8*part)
	o.Dead = dead(t, n.JS)
	o.Report(t) // the history has replayed rows twice until it merges
}

// TestP8 ends the consumer process with SIGTERM amid its work, again and again.
func TestP8(t *testing.T) {
	t.Parallel()
	n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
	keepRows(t, tables.Conn)
	b := newBulk(seed, 1000)
	const part = 20_000
	for i := range 3 {
		b.publish(t, n.JS, i*part, (i+1)*part)
		p := startConsumer(t, n.URL(), tables.DSN())
		until(t, "it is at work", func() error {
			floor, _, err := stand(context.Background(), n.JS)
			if err != nil || floor <= uint64(i*part) {
				return errNotYet
			}
			return nil
		})
		p.signal(syscall.SIGTERM)
		<-p.ended
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit %d after SIGTERM", code)
		}
	}
	n.Consume(t, consumer.Config{}, tables.Conn)
	drained(t, n.JS)
	o := b.count(t, tables.Conn, "P8 SIGTERM in flight", seed, 3*part)
	o.Dead = dead(t, n.JS)
	strict(t, o)
}
