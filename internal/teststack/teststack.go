// Package teststack starts the real parts for tests: nats-server, the ClickHouse engine
// and the Graph simulator, each in a directory of its own and on free ports.
package teststack

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/producer"
)

// Main runs the tests of a package. The engine is a child process of the test binary:
// where the binary is started as that child, it becomes the engine. after is called when
// the tests have run.
func Main(m *testing.M, after ...func()) {
	if len(os.Args) > 1 && os.Args[1] == "engine-child" {
		os.Exit(embedded.EngineMain(os.Args[2:]))
	}
	goleak.VerifyTestMain(&tests{m, after})
}

type tests struct {
	*testing.M
	after []func()
}

func (t *tests) Run() int {
	defer func() {
		for _, f := range t.after {
			f()
		}
	}()
	return t.M.Run()
}

// Log returns a logger that writes to the test's output, warnings and up.
func Log(t testing.TB) zerolog.Logger {
	return zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
}

// NATS is a running nats-server with the product's streams and buckets.
type NATS struct {
	*embedded.NATS
	Conn   *nats.Conn
	JS     jetstream.JetStream
	Stores *producer.Stores
}

// StartNATS starts a server that ends with the test.
func StartNATS(t testing.TB) *NATS {
	t.Helper()
	srv, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Stop)
	nc, err := srv.Connect(connect.Options("test")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := connect.JetStream(t.Context(), nc, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	stores, err := producer.OpenStores(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &NATS{NATS: srv, Conn: nc, JS: js, Stores: stores}
}

// ClickHouse is a running engine with the product's tables and views.
type ClickHouse struct {
	*embedded.Engine
	Conn driver.Conn
}

// StartClickHouse starts an engine that ends with the test, with further users. Where no engine can be found
// the test is skipped, and fails in CI.
func StartClickHouse(t testing.TB, users ...embedded.User) *ClickHouse {
	t.Helper()
	engine, err := embedded.NewEngine(embedded.EngineConfig{Dir: t.TempDir(), Users: users, Log: zerolog.Nop()})
	if errors.Is(err, embedded.ErrNoEngine) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	ready, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if err := engine.Ready(ready); err != nil {
		t.Fatal(err)
	}
	Migrate(t, engine.DSN())
	conn, err := connect.ClickHouse(t.Context(), engine.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &ClickHouse{Engine: engine, Conn: conn}
}

// Migrate brings tables and views up to date.
func Migrate(t testing.TB, dsn string) {
	t.Helper()
	server, product, err := connect.Databases(dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	defer product.Close()
	if err := consumer.Migrate(t.Context(), server, product); err != nil {
		t.Fatal(err)
	}
}
