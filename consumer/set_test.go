package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
)

// owners are the holders of the streams by their names.
func owners(t *testing.T, leases jetstream.KeyValue, streams []string) map[string]string {
	t.Helper()
	by := map[string]string{}
	for _, s := range streams {
		if e, err := leases.Get(t.Context(), "consumer."+s+".clickhouse"); err == nil {
			by[s] = string(e.Value())
		}
	}
	return by
}

// TestStreamsAreShared: two sets have half of the streams each, and one that is alone has all.
func TestStreamsAreShared(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	streams := []string{"M365"}
	for i := range 3 { // a tenant of its own in each
		name := fmt.Sprintf("M365_%d", i)
		streams = append(streams, name)
		if _, err := n.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{fmt.Sprintf("part%d.>", i)}}); err != nil {
			t.Fatal(err)
		}
	}
	start := func() (end func()) {
		s := consumer.NewSet(quick, streams, consumer.Deps{JS: n.JS, DB: ch.Conn, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: zerolog.Nop()})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		end = func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			done <- nil
		}
		t.Cleanup(end)
		return end
	}
	start()
	var before map[string]string
	teststack.Until(t, "one owns all", func() bool { before = owners(t, n.Stores.Leases, streams); return len(before) == 4 })
	end := start()
	teststack.Until(t, "two own two each", func() bool {
		now, kept := owners(t, n.Stores.Leases, streams), 0
		for s, id := range now {
			if before[s] == id {
				kept++
			}
		}
		return len(now) == 4 && kept == 2
	})
	end()
	publishUsers(t, n.JS, 0, 500, "r1")
	teststack.Until(t, "the one that is left owns all and stores", func() bool {
		return len(owners(t, n.Stores.Leases, streams)) == 4 && ask(t, ch.Conn, "SELECT count() FROM m365.user_changes") == "500"
	})
	keys, err := n.Stores.Leases.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if members := slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, "consumers.") }); len(members) != 1 {
		t.Errorf("members %v: one is left", members)
	}
}

func TestBacklogInRecordsAndTime(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	publishUsers(t, n.JS, 0, 300, "r1")
	first := stamp(t, n.JS, 1)
	away, stop := consume(t, n, &faultyDB{Conn: ch.Conn, send: func(string, func() error) error { return errLost }}, quick)
	teststack.Until(t, "unhealthy", func() bool { return away.Healthy() != nil })
	b, err := away.Backlog(t.Context())
	if err != nil || b.Records != 300 || b.Age <= 0 || b.Age > time.Since(first) {
		t.Errorf("nothing stored: %+v, %v", b, err)
	}
	stop()
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	if b, err := c.Backlog(t.Context()); err != nil || b != (consumer.Backlog{}) {
		t.Errorf("all stored: %+v, %v", b, err)
	}
}

// TestVerifyOfSeveralStreams: streams that have a tenant each count their sequences for
// themselves. One that has come less far than the tables is no other stream than theirs, and
// verify compares each with the rows of its tenant.
func TestVerifyOfSeveralStreams(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	const other = "11111111-4a59-4687-9786-a5b4c3d2e1f0"
	stream, err := n.JS.Stream(t.Context(), "M365")
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.Subjects = []string{"m365." + tenant + ".>"}
	if _, err := n.JS.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	cfg.Name, cfg.Subjects = "M365_B", []string{"m365." + other + ".>"}
	if _, err := n.JS.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	publishUsers(t, n.JS, 0, 500, "r1")
	first, _ := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, first)
	second := quick
	second.Stream = "M365_B"
	c, _ := consume(t, n, ch.Conn, second)
	for i := range 20 {
		m := userMsg(i, "r1")
		m.Subject = strings.Replace(m.Subject, tenant, other, 1)
		m.Header.Set("Nats-Msg-Id", strings.Replace(m.Header.Get("Nats-Msg-Id"), tenant, other, 1))
		m.Header.Set("ce-id", m.Header.Get("Nats-Msg-Id"))
		publish(t, n.JS, m)
	}
	teststack.Drain(t, c)
	for _, c := range []*consumer.Consumer{first, c} {
		if v, err := c.Verify(t.Context(), consumer.VerifyOptions{}); err != nil || !v.Clean() || len(v.Findings) != 2 {
			t.Errorf("stream %s: %v, %v", c.Stream(), faults(v), err)
		}
	}
	exec(t, ch.Conn, "ALTER TABLE m365.user_changes DELETE WHERE tenant_id = '"+other+"' AND stream_seq = 7 SETTINGS mutations_sync = 1")
	if v, err := first.Verify(t.Context(), consumer.VerifyOptions{}); err != nil || !v.Clean() {
		t.Errorf("another stream's loss: %v, %v", faults(v), err)
	}
	v, err := c.Verify(t.Context(), consumer.VerifyOptions{Repair: true})
	if err != nil || !v.Clean() || !slices.Contains(faults(v), "user_changes 1/0/0") {
		t.Errorf("its own loss: %v, %v", faults(v), err)
	}
	expect(t, ch.Conn, "repaired", map[string]string{"SELECT count() FROM m365.user_changes FINAL": "520"})
	if _, err := c.Fresh(t.Context(), consumer.FreshOptions{Discard: true}); err == nil {
		t.Error("the tables of two streams were made anew from one")
	}
	if ok, err := c.Takes(t.Context(), tenant); ok || err != nil {
		t.Errorf("takes a tenant of another stream: %v, %v", ok, err)
	}
}
