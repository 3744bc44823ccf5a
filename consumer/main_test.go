package consumer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m) }

const tenant = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"

// quick stores what it has at once, so that tests need not wait.
var quick = consumer.Config{Linger: 20 * time.Millisecond}

func guid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

// message is a record as it is published.
func message(kind schemas.Kind, entity, run string, op schemas.Op, body string) *nats.Msg {
	r := schemas.Record{
		Subject: schemas.Subject{Tenant: tenant, Kind: kind, Entity: entity}, Op: op, Run: run,
		Time: time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC), Body: []byte(body),
	}
	return &nats.Msg{Subject: r.Subject.String(), Header: r.Headers(), Data: r.Body}
}

func userMsg(n int, run string) *nats.Msg {
	return message(schemas.KindUser, guid(n), run, schemas.Upsert, fmt.Sprintf(`{"id":%q,"department":%q}`, guid(n), run))
}

func runMsg(feed, run string) *nats.Msg {
	return message(schemas.KindRun, feed, run, schemas.Upsert, fmt.Sprintf(
		`{"runId":%q,"connector":"c","feed":%q,"status":"complete","pages":1,"entities":1,"published":1,"unchanged":0,"deleted":0,`+
			`"startedAt":"2026-03-14T06:00:00.000Z","finishedAt":"2026-03-14T06:00:01.000Z"}`, run, feed))
}

// publish stores messages one by one.
func publish(t *testing.T, js jetstream.JetStream, msgs ...*nats.Msg) {
	t.Helper()
	for _, m := range msgs {
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatalf("publish %s: %v", m.Subject, err)
		}
	}
}

// publishUsers stores users from..to-1 of a run in atomic batches, as a producer does.
func publishUsers(t *testing.T, js jetstream.JetStream, from, to int, run string) {
	t.Helper()
	for from < to {
		var batch []*nats.Msg
		for ; from < to && len(batch) < 1000; from++ {
			batch = append(batch, userMsg(from, run))
		}
		if _, err := jetstreamext.PublishMsgBatch(t.Context(), js, batch); err != nil {
			t.Fatal(err)
		}
	}
}

// ask returns the only value of a query as text.
func ask(t *testing.T, db driver.Conn, sql string) string {
	t.Helper()
	var v string
	if err := db.QueryRow(t.Context(), "SELECT toString(("+sql+"))").Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// expect compares the answers of queries.
func expect(t *testing.T, db driver.Conn, when string, want map[string]string) {
	t.Helper()
	for sql, w := range want {
		if got := ask(t, db, sql); got != w {
			t.Errorf("%s: %s\n got %s\nwant %s", when, sql, got, w)
		}
	}
}

// exec runs statements.
func exec(t *testing.T, db driver.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := db.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// keepParts keeps the server from merging parts: a row that is inserted twice then stays
// visible without FINAL.
func keepParts(t *testing.T, db driver.Conn) {
	t.Helper()
	exec(t, db, "SYSTEM STOP MERGES m365.user_changes", "SYSTEM STOP MERGES m365.users", "SYSTEM STOP MERGES m365.run_changes")
}

// users are the queries that show a table to hold n users, once each, raw and current.
func users(n int) map[string]string {
	s := fmt.Sprint(n)
	return map[string]string{
		"SELECT count() FROM m365.user_changes":                          s,
		"SELECT uniqExact(tenant_id, stream_seq) FROM m365.user_changes": s,
		"SELECT count() FROM m365.users FINAL":                           s,
	}
}

// golden reads a golden record of the contract.
func golden(t *testing.T, kind schemas.Kind, op schemas.Op) *nats.Msg {
	t.Helper()
	read := func(suffix string) []byte {
		b, err := os.ReadFile("../schemas/golden/" + string(kind) + ".v1" + suffix)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(strings.TrimSpace(string(b)))
	}
	m := &nats.Msg{Header: nats.Header{}}
	if err := json.Unmarshal(read(".headers.json"), &m.Header); err != nil {
		t.Fatal(err)
	}
	m.Data = read(".json")
	parts := strings.Split(m.Header.Get(schemas.HeaderID), "/")
	m.Subject = schemas.Root + "." + strings.Join(parts[:len(parts)-1], ".")
	if op == schemas.Delete {
		m.Data = read(".delete.json")
		m.Header.Set(schemas.HeaderOp, string(op))
		for _, h := range []string{schemas.HeaderID, schemas.HeaderMsgID} {
			m.Header.Set(h, strings.Join(parts[:len(parts)-1], "/")+"/20260315T060000Z-00000000")
		}
	}
	return m
}

// consume starts a consumer whose warnings are expected. stop cancels it and returns when
// it has ended.
func consume(t *testing.T, n *teststack.NATS, db driver.Conn, cfg consumer.Config) (c *consumer.Consumer, stop func()) {
	t.Helper()
	return consumeLogged(t, n, db, cfg, zerolog.Nop())
}

func consumeLogged(t *testing.T, n *teststack.NATS, db driver.Conn, cfg consumer.Config, log zerolog.Logger) (c *consumer.Consumer, stop func()) {
	t.Helper()
	c = consumer.New(cfg, consumer.Deps{JS: n.JS, DB: db, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.Run(ctx); err != nil {
			t.Errorf("consumer: %v", err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return c, stop
}
