// Package access tries to read and to write as somebody who may read one tenant.
package access

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m) }

const (
	own     = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	other   = "aaaaaaaa-4a59-4687-9786-a5b4c3d2e1f0"
	patient = 30 * time.Second
)

// startAccounts starts a server on what "seatstream access nats" prints.
func startAccounts(t *testing.T, readers ...schemas.Reader) *server.Server {
	t.Helper()
	accounts, err := schemas.NATSAccounts(readers)
	if err != nil {
		t.Fatal(err)
	}
	config := "SEATSTREAM_PASSWORD: product\n"
	for _, r := range readers {
		config += "READER_" + strings.ToUpper(r.Name) + "_PASSWORD: " + r.Name + "-password\n"
	}
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(config+accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatalf("%v in\n%s", err, accounts)
	}
	opts.StoreDir, opts.JetStream, opts.Host, opts.Port, opts.NoLog, opts.NoSigs = t.TempDir(), true, "127.0.0.1", -1, true, true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patient) {
		t.Fatal("not ready")
	}
	return s
}

func dial(t *testing.T, s *server.Server, user, password string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, password), nats.NoEcho(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// product makes the streams and buckets, and puts ten users of each tenant into the stream.
func product(t *testing.T, s *server.Server) jetstream.JetStream {
	t.Helper()
	js, err := connect.JetStream(t.Context(), dial(t, s, "seatstream", "product"), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := producer.OpenStores(t.Context(), js, 1); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		for _, tenant := range []string{own, other} {
			publish(t, js, tenant, i)
		}
	}
	if _, err := js.CreateConsumer(t.Context(), schemas.StreamM365.Name, jetstream.ConsumerConfig{Durable: schemas.ConsumerName, AckPolicy: jetstream.AckAllPolicy}); err != nil {
		t.Fatal(err)
	}
	return js
}

func publish(t *testing.T, js jetstream.JetStream, tenant string, i int) {
	t.Helper()
	if _, err := js.Publish(t.Context(), fmt.Sprintf("m365.%s.user.%d", tenant, i), []byte(tenant)); err != nil {
		t.Fatal(err)
	}
}

// TestReaderGetsItsTenants: all of them, in order, live ones too, and no others.
func TestReaderGetsItsTenants(t *testing.T) {
	t.Parallel()
	acme := schemas.Reader{Name: "acme", Tenants: []string{own}}
	s := startAccounts(t, acme)
	js := product(t, s)
	if err := connect.Reader(t.Context(), js, acme, "all"); err != nil {
		t.Fatal(err)
	}
	reader, err := jetstream.NewWithAPIPrefix(dial(t, s, "acme", "acme-password"), schemas.ReaderAPI)
	if err != nil {
		t.Fatal(err)
	}
	cons, err := reader.Consumer(t.Context(), schemas.StreamM365.Name, acme.Durable())
	if err != nil {
		t.Fatal(err)
	}
	next := func() string {
		msg, err := cons.Next(jetstream.FetchMaxWait(patient))
		if err != nil {
			t.Fatal(err)
		}
		if err := msg.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
		return msg.Subject()
	}
	for i := range 10 {
		if got, want := next(), fmt.Sprintf("m365.%s.user.%d", own, i); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	publish(t, js, other, 10)
	publish(t, js, own, 11)
	if got := next(); got != "m365."+own+".user.11" {
		t.Errorf("got %s", got)
	}
	// A tenant more comes through the same consumer.
	acme.Tenants = append(acme.Tenants, other)
	if err := connect.Reader(t.Context(), js, acme, "new"); err != nil {
		t.Fatal(err)
	}
	publish(t, js, other, 12)
	for got := ""; got != "m365."+other+".user.12"; {
		got = next()
	}
}

// apis are the subjects of the JetStream API, with * for a stream and # for a consumer.
var apis = []string{
	"INFO", "ACCOUNT.PURGE.SEATSTREAM", "STREAM.NAMES", "STREAM.LIST", "STREAM.CREATE.MINE", "STREAM.CREATE.*", "STREAM.UPDATE.*", "STREAM.INFO.*", "STREAM.DELETE.*",
	"STREAM.PURGE.*", "STREAM.MSG.DELETE.*", "STREAM.MSG.GET.*", "STREAM.SNAPSHOT.*", "STREAM.RESTORE.*", "STREAM.PEER.REMOVE.*", "STREAM.LEADER.STEPDOWN.*",
	"CONSUMER.CREATE.*", "CONSUMER.CREATE.*.mine", "CONSUMER.CREATE.*.mine.m365.>", "CONSUMER.CREATE.*.#", "CONSUMER.CREATE.*.#.m365." + own + ".>", "CONSUMER.DURABLE.CREATE.*.mine",
	"CONSUMER.DURABLE.CREATE.*.#", "CONSUMER.NAMES.*", "CONSUMER.LIST.*", "CONSUMER.DELETE.*.#", "CONSUMER.PAUSE.*.#", "CONSUMER.RESET.*.#", "CONSUMER.UNPIN.*.#",
	"CONSUMER.LEADER.STEPDOWN.*.#", "DIRECT.GET.*", "DIRECT.GET.*.m365." + other + ".user.1", "DIRECT.GET.*.m365." + own + ".user.1", "META.LEADER.STEPDOWN", "SERVER.REMOVE",
}

// TestDenyMatrix: a reader asks everything of JetStream that there is to ask, about every
// stream and consumer, listens to everything and publishes everywhere, and gets nothing and
// changes nothing.
func TestDenyMatrix(t *testing.T) {
	t.Parallel()
	acme, audit := schemas.Reader{Name: "acme", Tenants: []string{own}}, schemas.Reader{Name: "audit", Tenants: []string{other}}
	s := startAccounts(t, acme, audit)
	js := product(t, s)
	for _, r := range []schemas.Reader{acme, audit} {
		if err := connect.Reader(t.Context(), js, r, "all"); err != nil {
			t.Fatal(err)
		}
	}
	nc := dial(t, s, "acme", "acme-password")
	var heard atomic.Int64
	if _, err := nc.Subscribe(">", func(m *nats.Msg) {
		if string(m.Data) == other { // as its records are
			heard.Add(1)
		}
	}); err != nil {
		t.Fatal(err)
	}
	before := state(t, js)
	body := []byte(`{"stream_name":"M365","name":"mine","config":{"name":"mine","durable_name":"mine","deliver_subject":"m365.` + other + `.user.x","ack_policy":"none"},"seq":1,"batch":5}`)
	asked := 0
	var waiting errgroup.Group
	waiting.SetLimit(32)
	ask := func(subject string, body []byte) {
		asked++
		waiting.Go(func() error { refused(t, nc, subject, body); return nil })
	}
	for _, api := range apis {
		for _, stream := range []string{"M365", "M365_DLQ", "SEATSTREAM_COMMANDS", "KV_SEATSTREAM_CONNECTORS", "KV_SEATSTREAM_CURSORS"} {
			for _, consumer := range []string{"clickhouse", acme.Durable(), audit.Durable()} {
				for _, prefix := range []string{"$JS.API.", schemas.ReaderAPI + "."} {
					subject := prefix + strings.NewReplacer("*", stream, "#", consumer).Replace(api)
					if strings.HasSuffix(subject, ">") { // nobody publishes to a wildcard
						subject = strings.TrimSuffix(subject, ">") + "x"
					}
					ask(subject, body)
				}
				if !strings.Contains(api, "#") {
					break
				}
			}
			if !strings.Contains(api, "*") {
				break
			}
		}
	}
	for _, foreign := range []string{"clickhouse", audit.Durable()} {
		for _, api := range []string{"CONSUMER.INFO.M365.", "CONSUMER.MSG.NEXT.M365."} {
			ask("$JS.API."+api+foreign, []byte("1"))
			ask(schemas.ReaderAPI+"."+api+foreign, []byte("1"))
		}
		_ = nc.Publish("$JS.ACK.M365."+foreign+".1.1.1.1.1", []byte("+ACK")) // the state below says whether it counted
	}
	for _, subject := range []string{"m365." + own + ".user.x", "m365." + other + ".user.x", "dlq.m365.x", "seatstream.command.default.run.contoso", "$KV.SEATSTREAM_CONNECTORS.x"} {
		_ = nc.Publish(subject, []byte("forged")) // as above
		// What a consumer delivers goes where the request says: into somebody's subjects.
		_ = nc.PublishRequest(schemas.ReaderAPI+".CONSUMER.MSG.NEXT.M365."+acme.Durable(), subject, []byte("1"))
		asked += 2
	}
	_ = waiting.Wait() // refused tells the test
	if err := nc.FlushTimeout(patient); err != nil {
		t.Fatal(err)
	}
	publish(t, js, other, 99)
	before.m365++
	if after := state(t, js); after != before {
		t.Errorf("the reader changed something: %+v before, %+v after", before, after)
	}
	if n := heard.Load(); n > 0 {
		t.Errorf("%d messages of another tenant heard", n)
	}
	t.Logf("%d requests and messages, 0 answers", asked)
}

// refused fails the test where a request is answered with anything but a refusal.
func refused(t *testing.T, nc *nats.Conn, subject string, body []byte) {
	t.Helper()
	msg, err := nc.Request(subject, body, 100*time.Millisecond)
	if err == nil && !strings.Contains(string(msg.Data), `"error"`) {
		t.Errorf("%s is answered: %.200s", subject, msg.Data)
	}
	if err != nil && !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, nats.ErrTimeout) {
		t.Errorf("%s: %v", subject, err)
	}
}

// counts is what a reader must not change.
type counts struct {
	m365, dlq, commands, connectors uint64
	streams, consumers              int
	floor                           uint64 // what the consumer of the tables has acknowledged
}

func state(t *testing.T, js jetstream.JetStream) (c counts) {
	t.Helper()
	for name, n := range map[string]*uint64{"M365": &c.m365, "M365_DLQ": &c.dlq, "SEATSTREAM_COMMANDS": &c.commands, "KV_SEATSTREAM_CONNECTORS": &c.connectors} {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		*n = stream.CachedInfo().State.LastSeq
		c.consumers += stream.CachedInfo().State.Consumers
	}
	names := js.StreamNames(t.Context())
	for range names.Name() {
		c.streams++
	}
	cons, err := js.Consumer(t.Context(), "M365", schemas.ConsumerName)
	if err != nil {
		t.Fatal(err)
	}
	c.floor = cons.CachedInfo().AckFloor.Stream
	return c
}
