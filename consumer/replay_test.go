package consumer_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// content is what the tables hold: the number of rows and a hash over all of their columns.
func content(t *testing.T, db driver.Conn) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, kind := range schemas.Kinds {
		tables := []string{string(kind) + "_changes"}
		if s := stateOf[kind]; s != "" {
			tables = append(tables, s)
		}
		for _, table := range tables {
			m[table] = ask(t, db, "SELECT (count(), groupBitXor(sipHash64(formatRow('RowBinary', *)))) FROM m365."+table+" FINAL")
		}
	}
	return m
}

func same(t *testing.T, when string, got, want map[string]string) {
	t.Helper()
	for table, w := range want {
		if got[table] != w {
			t.Errorf("%s: %s holds %s, want %s", when, table, got[table], w)
		}
	}
}

func replayer(t *testing.T, n *teststack.NATS, db driver.Conn) *consumer.Consumer {
	return consumer.New(consumer.Config{Grid: 300}, consumer.Deps{
		JS: n.JS, DB: db, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: zerolog.Nop(),
	})
}

func TestReplayMakesEqualTables(t *testing.T) {
	t.Parallel()
	n, live, empty := teststack.StartNATS(t), teststack.StartClickHouse(t), teststack.StartClickHouse(t)
	for _, kind := range schemas.Kinds {
		publish(t, n.JS, golden(t, kind, schemas.Upsert))
	}
	publishUsers(t, n.JS, 0, 1000, "r1")
	publishUsers(t, n.JS, 0, 500, "r2")
	publish(t, n.JS, poisons()[0].msg, golden(t, schemas.KindUser, schemas.Delete), runMsg("users", "r2"))
	c, _ := consume(t, n, live.Conn, quick)
	teststack.Drain(t, c)
	want := content(t, live.Conn)

	total := 0
	rows, err := replayer(t, n, empty.Conn).Replay(t.Context(), consumer.Range{}, func(rows int) { total += rows })
	if stored := len(schemas.Kinds) + 1000 + 500 + 2; err != nil || rows != int64(stored) || total != stored {
		t.Errorf("replayed %d rows, %d by progress, %v; want %d", rows, total, err, stored)
	}
	same(t, "an empty database", content(t, empty.Conn), want)
	for range 2 {
		if _, err := replayer(t, n, live.Conn).Replay(t.Context(), consumer.Range{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "replayed twice beside the live rows", content(t, live.Conn), want)
	if dead := deadLetters(t, n.JS); len(dead) != 1 {
		t.Errorf("%d dead letters: a replay sets nothing aside again", len(dead))
	}

	// Rows that the engine lost come back. The batches are those of the replays before: with
	// their tokens, the server would take them for stored.
	exec(t, live.Conn, "ALTER TABLE m365.user_changes DELETE WHERE run_id = 'r1' SETTINGS mutations_sync = 1",
		"ALTER TABLE m365.users DELETE WHERE run_id = 'r1' SETTINGS mutations_sync = 1")
	if _, err := replayer(t, n, live.Conn).Replay(t.Context(), consumer.Range{}, nil); err != nil {
		t.Fatal(err)
	}
	same(t, "after a loss", content(t, live.Conn), want)
}

func TestEachReadsItsRange(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	publish(t, n.JS, userMsg(1, "r1"), runMsg("users", "r1"), userMsg(2, "r1"))
	// Times are those of the stream: what is published next is later than what is there.
	between := stamp(t, n.JS, 3).Add(time.Nanosecond)
	publish(t, n.JS, userMsg(3, "r2"), runMsg("users", "r2"))
	for name, tc := range map[string]struct {
		r    consumer.Range
		want []uint64
	}{
		"all":           {consumer.Range{}, []uint64{1, 2, 3, 4, 5}},
		"one kind":      {consumer.Range{Filters: []string{schemas.Filter(tenant, schemas.KindUser, "")}}, []uint64{1, 3, 4}},
		"since":         {consumer.Range{Since: between}, []uint64{4, 5}},
		"until":         {consumer.Range{Until: between}, []uint64{1, 2, 3}},
		"no such kind":  {consumer.Range{Filters: []string{schemas.Filter(tenant, schemas.KindSKU, "")}}, nil},
		"in the future": {consumer.Range{Since: time.Now().Add(time.Hour)}, nil},
		"two filters":   {consumer.Range{Filters: []string{schemas.Filter(tenant, schemas.KindRun, ""), schemas.Filter(tenant, schemas.KindUser, "")}, Since: between}, []uint64{4, 5}},
	} {
		var got []uint64
		err := consumer.Each(t.Context(), n.JS, schemas.StreamM365.Name, tc.r, func(_ jetstream.Msg, meta *jetstream.MsgMetadata) error {
			got = append(got, meta.Sequence.Stream)
			return nil
		})
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, tc.want)
		}
	}
}

// TestEachEndsBesideAPublisher: what comes while it reads is no longer of the range, or a
// replay beside a busy producer would never end.
func TestEachEndsBesideAPublisher(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	publishUsers(t, n.JS, 0, 20_000, "r1")
	ctx, stop := context.WithCancel(t.Context())
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		for i := 0; ctx.Err() == nil; i++ {
			if _, err := n.JS.PublishMsg(ctx, userMsg(i, "r2")); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	}()
	var begun, last uint64 // the stream's last record when reading had begun, and the last that was read
	err := consumer.Each(t.Context(), n.JS, schemas.StreamM365.Name, consumer.Range{}, func(_ jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if begun == 0 {
			begun = n.LastSeq(t)
		}
		last = meta.Sequence.Stream
		return nil
	})
	stop()
	<-busy
	if err != nil || last < 20_000 || last > begun {
		t.Errorf("read up to %d, %v; the range ended at %d or before", last, err, begun)
	}
}

// A message that is deleted before it is delivered never comes, and is not awaited.
func TestEachEndsWhereTheLastMessageIsDeleted(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	const users = 30_000 // more than is on its way at a time
	publishUsers(t, n.JS, 0, users, "run-1")
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	end, got := stream.CachedInfo().State.LastSeq, 0
	err = consumer.Each(t.Context(), n.JS, schemas.StreamM365.Name, consumer.Range{}, func(jetstream.Msg, *jetstream.MsgMetadata) error {
		if got++; got > 1 {
			return nil
		}
		return stream.DeleteMsg(t.Context(), end)
	})
	if err != nil || got < int(end)-1 {
		t.Errorf("%d messages of %d, %v", got, end, err)
	}
}

func stamp(t *testing.T, js jetstream.JetStream, seq uint64) time.Time {
	t.Helper()
	stream, err := js.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	return m.Time
}
