package producer_test

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// limit makes the product's stream refuse what comes on top of what it has.
func limit(t *testing.T, n *teststack.NATS, more int64) {
	t.Helper()
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.Discard, cfg.MaxBytes = jetstream.DiscardNew, int64(stream.CachedInfo().State.Bytes)+more
	if _, err := n.JS.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func TestFullStreamEndsTheRunAndNoCursorMoves(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	r := newRunner(t, n)
	r.Log = zerolog.Nop()
	r.GiveUp(200 * time.Millisecond)
	feed := producer.Feed{Name: "users", Kind: schemas.KindUser, Read: func(page func(...schemas.Entity) error) error {
		return page(user(1, "Sales"), user(2, "Sales"))
	}}
	first, err := producer.RunFeed(t.Context(), r, tenant, feed)
	if err != nil {
		t.Fatal(err)
	}
	limit(t, n, 100)
	before := n.LastSeq(t)
	feed.Read = func(page func(...schemas.Entity) error) error {
		return page(user(1, "Marketing"), user(3, "Marketing"))
	}
	if _, err := producer.RunFeed(t.Context(), r, tenant, feed); err == nil {
		t.Fatal("a run whose records the stream refuses succeeded")
	}
	if got := n.LastSeq(t); got != before {
		t.Errorf("%d records stored of a run that failed", got-before)
	}
	cursor, err := producer.Cursor(t.Context(), n.Stores, tenant, "users")
	if err != nil || cursor != first[0].RunID {
		t.Errorf("cursor at run %q, %v; want %q: nothing of the second run is stored", cursor, err, first[0].RunID)
	}
}

func TestCursorStaysWhereTheStreamBreaksMidRun(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	r := newRunner(t, n)
	r.Log = zerolog.Nop()
	r.GiveUp(200 * time.Millisecond)
	pages := 0
	_, err := producer.RunFeed(t.Context(), r, tenant, producer.Feed{Name: "users", Kind: schemas.KindUser,
		Read: func(page func(...schemas.Entity) error) error {
			for ; pages < 6; pages++ {
				if pages == 3 {
					limit(t, n, 1)
				}
				var entities []schemas.Entity
				for i := range 600 {
					entities = append(entities, user(pages*600+i, "Sales"))
				}
				if err := page(entities...); err != nil {
					return err
				}
			}
			return nil
		}})
	if err == nil {
		t.Fatal("the run succeeded")
	}
	if cursor, err := producer.Cursor(t.Context(), n.Stores, tenant, "users"); err != nil || cursor != "" {
		t.Errorf("the cursor moved to %q, %v", cursor, err)
	}
	for _, h := range heads(stored(t, n.JS), schemas.KindRun) {
		t.Errorf("evidence of a feed that is not stored: %s", h)
	}
}

// away is a server that can be stopped and started again with its streams, on one port.
type away struct {
	t   *testing.T
	cfg embedded.NATSConfig
	*embedded.NATS
}

func startAway(t *testing.T) (*away, jetstream.JetStream) {
	t.Helper()
	a := &away{t: t, cfg: embedded.NATSConfig{Dir: t.TempDir(), Log: zerolog.Nop()}}
	a.start()
	t.Cleanup(func() { a.Stop() })
	u, err := url.Parse(a.URL())
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.Port, _ = strconv.Atoi(u.Port())
	// Through the network: a connection through memory cannot find a server that follows.
	nc, err := nats.Connect(a.URL(), append(connect.Options("test"), nats.ReconnectWait(20*time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := connect.JetStream(t.Context(), nc, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a, js
}

func (a *away) start() {
	a.t.Helper()
	var err error
	if a.NATS, err = embedded.StartNATS(a.cfg); err != nil {
		a.t.Fatal(err)
	}
}

func TestServerAwayAndBack(t *testing.T) {
	t.Parallel()
	srv, js := startAway(t)
	p := producer.NewPublisher(t.Context(), js, zerolog.Nop(), time.Minute)
	if err := p.Add(userRecord(0, "run-1")); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	srv.Stop()
	for i := 1; i < 1500; i++ { // two batches, one of them in the client's buffers
		if err := p.Add(userRecord(i, "run-1")); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- p.Close() }()
	srv.start()
	select {
	case err := <-closed:
		if err != nil {
			t.Fatal(err)
		}
	case <-t.Context().Done():
		t.Fatal("the publisher does not come back")
	}
	msgs := stored(t, js)
	ids := map[string]bool{}
	for _, m := range msgs {
		ids[m.Header.Get(schemas.HeaderID)] = true
	}
	if len(msgs) != 1500 || len(ids) != 1500 {
		t.Errorf("%d messages, %d ids; want 1500 of each", len(msgs), len(ids))
	}
}

func TestAbortAndCancelLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	p := producer.NewPublisher(ctx, n.JS, teststack.Log(t), time.Minute)
	if err := p.Add(userRecord(1, "run-1")); err != nil {
		t.Fatal(err)
	}
	p.Abort() // what was added and not sent is dropped
	if got := n.LastSeq(t); got != 0 {
		t.Errorf("%d messages after abort", got)
	}
	lost := errors.New("lost the lease")
	p = producer.NewPublisher(ctx, n.JS, teststack.Log(t), time.Minute)
	if err := p.Add(userRecord(1, "run-1")); err != nil {
		t.Fatal(err)
	}
	cancel(lost)
	if err := p.Close(); !errors.Is(err, lost) {
		t.Errorf("closed with %v, want the reason of the end: %v", err, lost)
	}
	if got := n.LastSeq(t); got != 0 {
		t.Errorf("%d messages by a publisher whose run was over", got)
	}
}
