package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// TestMain lends the test binary to three other processes: the engine's child,
// a parent that a test kills, and a stand-in for the clickhouse binary.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == ChildCommand:
		os.Exit(EngineMain(os.Args[2:]))
	case len(os.Args) > 1 && os.Args[1] == "parent-helper":
		os.Exit(parentHelper(os.Args[2]))
	case filepath.Base(os.Args[0]) == "clickhouse":
		os.Exit(fakeClickHouse(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

const patience = 60 * time.Second

// needEngine skips where no engine is installed, except in CI, where a test
// that does not run must not look like one that passed.
func needEngine(t *testing.T) {
	t.Helper()
	if _, err := findProgram(""); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// running is an engine with its Run under way.
type running struct {
	*Engine
	stop func() error // ends Run and returns what it returned
}

func startEngine(t *testing.T, cfg EngineConfig) *running {
	t.Helper()
	needEngine(t)
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.Log = zerolog.New(zerolog.NewTestWriter(t))
	engine, err := NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Engine: engine, stop: runInBackground(t, engine)}
	waitReady(t, engine)
	return r
}

// runInBackground returns the way to end Run and to learn what it returned. It
// is called at the end of the test at the latest.
func runInBackground(t *testing.T, engine *Engine) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- engine.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-result
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("run engine: %v", err)
		}
	})
	return stop
}

func waitReady(t *testing.T, engine *Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := engine.Ready(ctx); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dsn string) clickhouse.Conn {
	t.Helper()
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func execute(t *testing.T, conn clickhouse.Conn, queries ...string) {
	t.Helper()
	for _, query := range queries {
		if err := conn.Exec(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

// count runs a query whose answer is one UInt64.
func count(t *testing.T, conn clickhouse.Conn, query string, args ...any) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func wantCount(t *testing.T, conn clickhouse.Conn, want uint64, query string, args ...any) {
	t.Helper()
	if got := count(t, conn, query, args...); got != want {
		t.Errorf("%s: got %d, want %d", query, got, want)
	}
}

// eventually waits for a condition that has no event to wait for.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("never came true: %s", what)
		case <-tick.C:
		}
	}
}

// parentHelper runs an engine until it is killed, and says when it is ready.
func parentHelper(dir string) int {
	engine, err := NewEngine(EngineConfig{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- engine.Run(ctx) }()
	if err := engine.Ready(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(engine.PID(), engine.DSN())
	// The end of input says that the test itself is gone.
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	if err := <-result; err != nil && !errors.Is(err, context.Canceled) {
		return 1
	}
	return 0
}
