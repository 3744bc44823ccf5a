package consumer_test

import (
	"context"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
)

const leaseKey = "consumer.M365.clickhouse"

// holder is the id of the consumer that owns the stream, nothing where none does.
func holder(t *testing.T, leases jetstream.KeyValue) string {
	t.Helper()
	e, err := leases.Get(t.Context(), leaseKey)
	if err != nil {
		return ""
	}
	return string(e.Value())
}

func TestOneOwnsAndTheOtherTakesOver(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	stops := map[string]func(){}
	var c *consumer.Consumer
	for range 2 {
		before := holder(t, n.Stores.Leases)
		var stop func()
		c, stop = consume(t, n, ch.Conn, quick)
		teststack.Until(t, "an owner", func() bool { return holder(t, n.Stores.Leases) != "" })
		if now := holder(t, n.Stores.Leases); before == "" {
			stops[now] = stop
		} else if now != before {
			t.Error("the second consumer took the stream from the first")
		}
	}
	publishUsers(t, n.JS, 0, 500, "r1")
	teststack.Drain(t, c)
	first := holder(t, n.Stores.Leases)
	stops[first]()
	begun := time.Now()
	publishUsers(t, n.JS, 500, 1000, "r1")
	teststack.Drain(t, c)
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("taken over after %s", took)
	}
	if now := holder(t, n.Stores.Leases); now == first || now == "" {
		t.Errorf("owner %q, was %q", now, first)
	}
	expect(t, ch.Conn, "raw", users(1000))
}

func TestLostSessionResumesWithoutLossOrRepetition(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	const records = 6000
	publishUsers(t, n.JS, 0, records, "r1")
	stolen := make(chan struct{})
	steal := make(chan struct{}, 1)
	steal <- struct{}{}
	c, _ := consume(t, n, &faultyDB{Conn: ch.Conn, send: func(_ string, insert func() error) error {
		err := insert()
		select {
		case <-steal: // once, in the midst of it: another takes the name while this insert runs
			if _, err := n.Stores.Leases.Put(context.Background(), leaseKey, []byte("another")); err != nil {
				t.Error(err)
			}
			close(stolen)
		default:
		}
		return err
	}}, consumer.Config{Linger: 20 * time.Millisecond, Grid: 500})
	<-stolen
	if err := n.Stores.Leases.Delete(t.Context(), leaseKey); err != nil { // the other goes away
		t.Fatal(err)
	}
	teststack.Drain(t, c)
	expect(t, ch.Conn, "raw", users(records))
}

// engineAt runs an engine in a directory on a port and returns what stops it.
func engineAt(t *testing.T, dir string, port int) (e *embedded.Engine, stop func()) {
	t.Helper()
	e, err := embedded.NewEngine(embedded.EngineConfig{Dir: dir, TCPPort: port, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("engine: %v", err)
		}
		done <- nil // may be stopped again
	}
	t.Cleanup(stop)
	ready, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	if err := e.Ready(ready); err != nil {
		t.Fatal(err)
	}
	return e, stop
}

func TestClickHouseAwayForAWhile(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	teststack.StartClickHouse(t) // skips where there is no engine
	dir := t.TempDir()
	e, stop := engineAt(t, dir, 0)
	teststack.Migrate(t, e.DSN())
	db, err := connect.ClickHouse(t.Context(), e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c, _ := consume(t, n, db, consumer.Config{Linger: 20 * time.Millisecond, Grid: 500})
	publishUsers(t, n.JS, 0, 1200, "r1")
	teststack.Drain(t, c)
	stop()
	publishUsers(t, n.JS, 1200, 3000, "r1")
	teststack.Until(t, "unhealthy", func() bool { return c.Healthy() != nil })
	if lag, err := c.Lag(t.Context()); err != nil || lag != 1800 {
		t.Errorf("%d records wait, %v; none of the 1800 can be stored", lag, err)
	}
	u, err := url.Parse(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(u.Port())
	again, _ := engineAt(t, dir, port)
	if again.DSN() != e.DSN() {
		t.Fatalf("the engine came back as %s, was %s", again.DSN(), e.DSN())
	}
	teststack.Drain(t, c)
	expect(t, db, "afterwards", map[string]string{
		"SELECT count() FROM m365.user_changes FINAL": "3000", "SELECT uniqExact(stream_seq) FROM m365.user_changes": "3000",
		"SELECT count() FROM m365.users FINAL": "3000",
	})
	if dead := deadLetters(t, n.JS); len(dead) != 0 {
		t.Errorf("%d records were set aside because of an outage", len(dead))
	}
	if err := c.Healthy(); err != nil {
		t.Errorf("health: %v", err)
	}
}
