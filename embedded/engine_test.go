package embedded

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
)

func TestEngineStartsAnswersAndStops(t *testing.T) {
	t.Parallel()
	e := startEngine(t, EngineConfig{})
	if !strings.HasPrefix(e.DSN(), "clickhouse://127.0.0.1:") || !strings.HasSuffix(e.DSN(), "/default") {
		t.Errorf("unexpected dsn %s", e.DSN())
	}
	conn := open(t, e.DSN())
	wantCount(t, conn, 1, "SELECT toUInt64(timezone() = 'UTC')")
	resp, err := http.Get(e.HTTPURL() + "/ping")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("http interface answered %s", resp.Status)
	}
	if e.PID() == 0 || e.PID() == os.Getpid() {
		t.Errorf("unexpected pid %d", e.PID())
	}
	// A connection that is still open must not hold the stop up.
	if err := e.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	if e.PID() != 0 {
		t.Errorf("pid %d after the stop", e.PID())
	}
	if err := e.Ready(t.Context()); err == nil {
		t.Error("a stopped engine claims to be ready")
	}
	if err := e.Run(t.Context()); err == nil {
		t.Error("an engine ran twice")
	}
}

func TestEngineStopsWithAQueryUnderWay(t *testing.T) {
	t.Parallel()
	e := startEngine(t, EngineConfig{})
	conn := open(t, e.DSN())
	failed := make(chan error, 1)
	go func() {
		failed <- conn.Exec(context.Background(), "SELECT count() FROM system.numbers FORMAT Null")
	}()
	watch := open(t, e.DSN())
	eventually(t, "the query runs", func() bool {
		return count(t, watch, "SELECT count() FROM system.processes WHERE query LIKE '%system.numbers FORMAT%' AND query NOT LIKE '%processes%'") == 1
	})
	if err := e.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("an endless query ended well")
	}
}

func TestEngineSurvivesItsCrash(t *testing.T) {
	t.Parallel()
	e := startEngine(t, EngineConfig{})
	dsn, pid := e.DSN(), e.PID()
	conn := open(t, dsn)
	execute(t, conn,
		"CREATE DATABASE m365",
		"CREATE TABLE m365.t (tenant String, n UInt64) ENGINE = MergeTree ORDER BY (tenant, n)",
		"CREATE VIEW m365.v AS SELECT * FROM m365.t WHERE tenant = {tenant:String}",
		"INSERT INTO m365.t SELECT 'a', number FROM numbers(1000)")
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another child runs", func() bool { return e.PID() != 0 && e.PID() != pid })
	waitReady(t, e.Engine)
	if e.DSN() != dsn {
		t.Errorf("dsn changed from %s to %s", dsn, e.DSN())
	}
	wantCount(t, open(t, dsn), 1000, "SELECT count() FROM m365.v(tenant = 'a')")
}

func TestEngineKeepsEverythingOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startEngine(t, EngineConfig{Dir: dir})
	execute(t, open(t, first.DSN()),
		"CREATE DATABASE m365",
		"CREATE TABLE m365.t (n UInt64) ENGINE = MergeTree ORDER BY n",
		"CREATE MATERIALIZED VIEW m365.mv ENGINE = MergeTree ORDER BY n AS SELECT n FROM m365.t",
		"CREATE VIEW m365.v AS SELECT * FROM m365.t WHERE n < {below:UInt64}",
		"INSERT INTO m365.t SELECT number FROM numbers(100)")
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	second := startEngine(t, EngineConfig{Dir: dir})
	conn := open(t, second.DSN())
	wantCount(t, conn, 10, "SELECT count() FROM m365.v(below = 10)")
	execute(t, conn, "INSERT INTO m365.t VALUES (1000)")
	wantCount(t, conn, 101, "SELECT count() FROM m365.mv")
}

func TestEnginesSideBySide(t *testing.T) {
	t.Parallel()
	a := startEngine(t, EngineConfig{})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(a.HTTPURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.LookupPort("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	// The second one even asks for a port of the first.
	b := startEngine(t, EngineConfig{TCPPort: taken})
	if strings.Contains(b.DSN(), ":"+port+"/") {
		t.Fatalf("both engines on port %s", port)
	}
	execute(t, open(t, a.DSN()), "CREATE DATABASE only_a")
	wantCount(t, open(t, b.DSN()), 0, "SELECT count() FROM system.databases WHERE name = 'only_a'")
}

func TestEngineRefusesADirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startEngine(t, EngineConfig{Dir: dir})
	before, err := os.ReadFile(filepath.Join(dir, "config.xml"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewEngine(EngineConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	err = second.Run(t.Context())
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want ErrInUse that names the directory", err)
	}
	if ready := second.Ready(t.Context()); !errors.Is(ready, ErrInUse) {
		t.Errorf("Ready after a refused Run: %v", ready)
	}
	after, err := os.ReadFile(filepath.Join(dir, "config.xml"))
	if err != nil || string(before) != string(after) {
		t.Errorf("the refused engine touched the configuration of the live one (%v)", err)
	}
}

func TestEngineGivesUpOnACrashLoop(t *testing.T) {
	t.Parallel()
	library := filepath.Join(t.TempDir(), "broken.so")
	if err := os.WriteFile(library, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	engine, err := NewEngine(EngineConfig{Dir: t.TempDir(), Library: library, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	err = engine.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "load engine") {
		t.Errorf("got %v, want the end of the child's log", err)
	}
}

func TestEngineFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "engine")
	startEngine(t, EngineConfig{Dir: dir})
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if rel, _ := filepath.Rel(dir, path); strings.Contains(rel, string(filepath.Separator)) {
			return nil // behind a directory that was checked
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode().Perm())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
