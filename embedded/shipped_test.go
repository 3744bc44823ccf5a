package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

// secrets makes the passwords as an operator does, and returns the folder.
func secrets(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	for range 2 { // what is there stays
		if out, err := exec.CommandContext(t.Context(), "../deploy/secrets.sh", dir).CombinedOutput(); err != nil {
			t.Fatalf("secrets.sh: %v\n%s", err, out)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder of secrets: %v, %v", info.Mode(), err)
	}
	return dir
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestShippedNATSConfiguration starts a server on deploy/nats with passwords of
// deploy/secrets.sh, its files and ports moved to where a test may have them.
func TestShippedNATSConfiguration(t *testing.T) {
	t.Parallel()
	dir, with := t.TempDir(), secrets(t)
	for name, text := range map[string]string{
		"nats.conf": read(t, "../deploy/nats/nats.conf"), "jetstream.conf": read(t, "../deploy/nats/jetstream.conf"), "users.conf": read(t, with, "nats_users.conf"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opts, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if !opts.SyncAlways || opts.HTTPHost != "127.0.0.1" {
		t.Errorf("sync always %v, monitoring at %s", opts.SyncAlways, opts.HTTPHost)
	}
	opts.StoreDir, opts.Host, opts.Port, opts.HTTPPort, opts.NoLog, opts.NoSigs = t.TempDir(), "127.0.0.1", -1, -1, true, true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(patience) {
		t.Fatal("not ready")
	}
	if nc, err := nats.Connect(s.ClientURL()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("without a password: %v, %v", nc, err)
	}
	nc, err := nats.Connect(s.ClientURL(), nats.UserInfo("seatstream", read(t, with, "nats_password")))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AccountInfo(); err != nil {
		t.Error(err)
	}
}

// TestShippedClickHouseConfiguration starts the engine with deploy/clickhouse beside its own
// configuration. Only the removal of the default user is left out: the library logs in as
// that before it listens.
func TestShippedClickHouseConfiguration(t *testing.T) {
	t.Parallel()
	needEngine(t)
	dir, with := t.TempDir(), secrets(t)
	users := read(t, "../deploy/clickhouse/users.xml")
	const removal = `<default remove="remove"/>`
	if strings.Count(users, removal) != 1 {
		t.Error("the default user is not removed")
	}
	for name, text := range map[string]string{
		"config.d/seatstream.xml": read(t, "../deploy/clickhouse/config.xml"), "users.d/seatstream.xml": strings.Replace(users, removal, "", 1),
		"users.d/seatstream_passwords.xml": read(t, with, "clickhouse_passwords.xml"),
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	engine, err := NewEngine(EngineConfig{Dir: dir, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	runInBackground(t, engine)
	waitReady(t, engine)
	as := func(user string) clickhouse.Conn {
		conn, err := clickhouse.Open(&clickhouse.Options{
			Addr: []string{engine.address(engine.cfg.TCPPort)},
			Auth: clickhouse.Auth{Username: user, Password: read(t, with, map[string]string{"seatstream": "clickhouse_password", "reader": "clickhouse_reader_password"}[user])},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	writer, reader := as("seatstream"), as("reader")
	for _, sql := range []string{
		"CREATE DATABASE m365", "CREATE TABLE m365.users (tenant_id UUID, id UInt8) ENGINE = MergeTree ORDER BY id",
		"INSERT INTO m365.users VALUES (generateUUIDv4(), 1)", "CREATE DATABASE other", "CREATE TABLE other.t (a UInt8) ENGINE = Memory",
	} {
		if err := writer.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	var n uint64
	if err := writer.QueryRow(ctx, "SELECT count() FROM system.merge_tree_settings WHERE name LIKE '%fsync%' AND name NOT LIKE '%fetch%' AND value NOT IN ('0', '')").Scan(&n); err != nil || n < 4 {
		t.Errorf("%d settings of fsync are on: %v", n, err)
	}
	if err := reader.QueryRow(ctx, "SELECT count() FROM m365.users").Scan(&n); err != nil || n != 1 {
		t.Errorf("the reader counts %d, %v", n, err)
	}
	// It lists what the reader may read, and nothing else.
	if err := reader.QueryRow(ctx, "SELECT countIf(database = 'm365') * 100 + countIf(database = 'other') FROM system.tables").Scan(&n); err != nil || n != 100 {
		t.Errorf("the reader sees tables %d, %v", n, err)
	}
	for _, sql := range []string{
		"INSERT INTO m365.users VALUES (generateUUIDv4(), 2)", "DROP TABLE m365.users", "ALTER TABLE m365.users DELETE WHERE 1", "TRUNCATE TABLE m365.users",
		"CREATE TABLE m365.x (a UInt8) ENGINE = Memory", "CREATE USER x", "SELECT * FROM other.t", "SELECT * FROM system.users", "SELECT * FROM system.processes",
		"SELECT * FROM information_schema.tables", "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')", "SELECT * FROM file('x', CSV, 'a String')",
		"SELECT * FROM remote('127.0.0.1', system, users)", "SYSTEM FLUSH LOGS", "KILL QUERY WHERE 1 SYNC", "SET readonly = 0",
	} {
		if err := readAll(ctx, reader, sql); err == nil {
			t.Errorf("the reader may %s", sql)
		}
	}
}

// readAll runs a statement and reads what it gives; no rows are no refusal.
func readAll(ctx context.Context, conn clickhouse.Conn, sql string) error {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err says all
	for rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}
