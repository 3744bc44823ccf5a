//go:build linux

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
)

// TestMarathon kills one part after the other, at random, while a load of many records goes
// through: the consumer process, the engine, the NATS server, the producer process. In the
// end every record is in the history once.
func TestMarathon(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute; go test without -short runs it")
	}
	t.Parallel()
	kills, records := 6, 30_000
	if full() {
		kills, records = 200, 2_000_000
	}
	eachSeed(t, 1, 1, func(t *testing.T, seed uint64, rng *rand.Rand) {
		c := startCluster(t, layout{size: 1})
		js, tables := c.open().JS, teststack.StartClickHouse(t)
		keepRows(t, tables.Conn)
		consumers := []*process{startConsumer(t, c.url(), tables.DSN()), startConsumer(t, c.url(), tables.DSN())}
		l := &loader{t: t, url: c.url(), seed: seed, bulk: newBulk(seed, max(1000, records/100))}
		begun, killed := time.Now(), map[string]int{}
		for i := range kills {
			part := []string{"consumer", "engine", "nats", "producer"}[rng.IntN(4)]
			after := time.Duration(rng.Int64N(int64(1500 * time.Millisecond)))
			killed[part]++
			struck := make(chan struct{})
			l.publish(records*(i+1)/kills, func(producer *os.Process) {
				go func() {
					defer close(struck)
					<-time.After(after) // the fault is a moment in time, not a condition
					strike(t, part, rng.IntN(2), producer, tables, c, consumers)
				}()
			})
			<-struck
		}
		loaded := time.Now()
		drained(t, js)
		ended := time.Now()
		o := l.bulk.count(t, tables.Conn, fmt.Sprintf("M %d kills of consumer, engine, NATS and producer in one load of %d records", kills, records), seed, records)
		o.Recovery, o.Dead = ended.Sub(loaded), dead(t, js)
		if published := streamed(t, c); published != records {
			t.Errorf("%d records in the stream, %d were published", published, records)
		}
		verified(t, c, tables)
		t.Logf("killed %v; loaded in %s, stored %s later", killed, loaded.Sub(begun).Round(time.Second), o.Recovery.Round(time.Second))
		strict(t, o)
	})
}

// verified asks verify whether stream and tables agree.
func verified(t *testing.T, c *cluster, tables *teststack.ClickHouse) {
	t.Helper()
	n := c.open()
	cons := consumer.New(consumer.Config{}, consumer.Deps{JS: n.JS, DB: tables.Conn, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: zerolog.Nop()})
	v, err := cons.Verify(t.Context(), consumer.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !v.Clean() || v.Waiting != 0 || len(v.Findings) == 0 {
		t.Errorf("verify: clean %v, %d waiting, %d findings", v.Clean(), v.Waiting, len(v.Findings))
	}
	for _, f := range v.Findings {
		if f.Differs() {
			t.Errorf("verify: %+v", *f)
		}
	}
}

// strike kills a part and starts it again.
func strike(t *testing.T, part string, which int, producer *os.Process, tables *teststack.ClickHouse, c *cluster, consumers []*process) {
	switch part {
	case "consumer":
		consumers[which].kill()
		consumers[which].start()
	case "engine":
		if pid := tables.PID(); pid != 0 { // 0 while it starts again
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	case "nats":
		c.nodes[0].kill()
		c.nodes[0].start()
	case "producer":
		_ = producer.Kill() // done already is fine
	}
	for _, p := range consumers { // one that could not reach anything when it started has ended
		if !p.alive() {
			p.start()
		}
	}
}

// streamed is how many records the stream holds.
func streamed(t *testing.T, c *cluster) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := c.open().JS.Stream(ctx, "M365")
	if err != nil {
		t.Fatal(err)
	}
	return int(stream.CachedInfo().State.Msgs)
}
