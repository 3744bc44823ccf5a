package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

const password = "twelve characters and more"

// startTables starts an engine with the product's tables, one row of each tenant and one of
// nobody's in every table, and a reader of one tenant as "seatstream access clickhouse
// --xml" writes it.
func startTables(t *testing.T) (all, reader driver.Conn, tables []schemas.TableAccess) {
	t.Helper()
	dir := t.TempDir()
	first := teststack.StartClickHouse(t) // says what tables there are
	tables, err := answer.Tables(t.Context(), first.Conn)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(password))
	xml, err := schemas.Reader{Name: "acme", Tenants: []string{own}}.ClickHouseXML(tables, hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "users.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "users.d", "acme.xml"), []byte(xml), 0o600); err != nil {
		t.Fatal(err)
	}
	engine, err := embedded.NewEngine(embedded.EngineConfig{Dir: dir, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if err := engine.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	teststack.Migrate(t, engine.DSN())
	all, err = connect.ClickHouse(t.Context(), engine.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = all.Close() })
	for _, table := range tables {
		if table.View || !table.Tenant {
			continue
		}
		for _, tenant := range []string{own, other} {
			if err := all.Exec(t.Context(), fmt.Sprintf("INSERT INTO m365.%s (tenant_id) VALUES (toUUID('%s'))", table.Name, tenant)); err != nil {
				t.Fatalf("%s: %v", table.Name, err)
			}
		}
	}
	options, err := clickhouse.ParseDSN(strings.Replace(engine.DSN(), "://", "://acme@", 1))
	if err != nil {
		t.Fatal(err)
	}
	options.Auth.Password = password
	if reader, err = clickhouse.Open(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	return all, reader, tables
}

func count(t *testing.T, conn driver.Conn, sql string) (n uint64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %.300s", sql, err.Error())
	}
	return n
}

// TestTablesDenyMatrix: the reader sees its tenant's row of every table and view, and of no
// other tenant's one; it changes nothing, and reaches nothing beside the tables.
func TestTablesDenyMatrix(t *testing.T) {
	t.Parallel()
	all, reader, tables := startTables(t)
	base, views := 0, 0
	for _, table := range tables {
		if !table.Tenant || table.View {
			continue
		}
		base++
		foreign := "SELECT countIf(tenant_id = toUUID('" + other + "')) FROM m365." + table.Name
		ownRows := "SELECT countIf(tenant_id = toUUID('" + own + "')) FROM m365." + table.Name
		want := count(t, all, ownRows) // what is fed by a history has a row of that too
		if n := count(t, all, foreign); n == 0 || n != want {
			t.Errorf("%s has %d rows of the other tenant and %d of its own: it is not tried", table.Name, n, want)
		}
		if n := count(t, reader, foreign); n != 0 {
			t.Errorf("%s shows the reader another tenant", table.Name)
		}
		if n := count(t, reader, ownRows); n != want {
			t.Errorf("%s shows the reader %d of its %d rows", table.Name, n, want)
		}
	}
	for _, q := range schemas.Queries() {
		var args []string
		for _, p := range q.Params {
			args = append(args, p.Name+" = "+p.Default)
		}
		from := " FROM m365." + q.View() + "(" + strings.Join(args, ", ") + ")"
		if !strings.Contains(columns(t, all, from), " tenant_id ") {
			count(t, reader, "SELECT count()"+from) // it may be read
			continue
		}
		views++
		if n := count(t, reader, "SELECT countIf(tenant_id = toUUID('"+other+"'))"+from); n != 0 {
			t.Errorf("%s shows the reader another tenant", q.Name)
		}
	}
	if base < 20 || views < 30 {
		t.Errorf("%d tables and %d views tried", base, views)
	}
	size := func() (n uint64) {
		for _, table := range tables {
			if !table.View {
				n += count(t, all, "SELECT count() FROM m365."+table.Name)
			}
		}
		return n
	}
	before := size()
	denied := []string{
		"INSERT INTO m365.users (tenant_id) VALUES (generateUUIDv4())", "ALTER TABLE m365.users DELETE WHERE 1", "TRUNCATE TABLE m365.users", "DROP TABLE m365.users",
		"DROP DATABASE m365", "OPTIMIZE TABLE m365.users", "RENAME TABLE m365.users TO m365.x", "CREATE TABLE m365.x (a UInt8) ENGINE = Memory", "CREATE VIEW m365.x AS SELECT * FROM m365.users",
		"CREATE USER x", "ALTER USER acme SETTINGS readonly = 0", "CREATE ROW POLICY x ON m365.users USING 1 TO acme", "DROP ROW POLICY acme ON m365.users", "GRANT ALL ON *.* TO acme",
		"SET readonly = 0", "SYSTEM FLUSH LOGS", "SYSTEM STOP MERGES", "SYSTEM SHUTDOWN", "KILL QUERY WHERE 1 SYNC", "BACKUP TABLE m365.users TO File('x')",
		"SELECT * FROM m365.goose_db_version", "SELECT * FROM url('http://127.0.0.1:1/x', CSV, 'a String')", "SELECT * FROM file('x', CSV, 'a String')", "SELECT * FROM remote('127.0.0.1', m365, users)",
		"SELECT * FROM executable('x', TSV, 'a String')", "SELECT * FROM merge('m365', '.*_feed')", "SELECT * FROM mysql('h:1', 'd', 't', 'u', 'p')", "SELECT * FROM s3('http://127.0.0.1:1/x')",
	}
	for _, table := range []string{
		"users", "processes", "query_log", "grants", "row_policies", "settings_profiles", "parts", "part_log", "mutations", "merges", "sessions", "session_log", "query_cache",
		"named_collections", "server_settings", "clusters", "disks", "trace_log", "text_log", "zookeeper", "user_directories", "storage_policies",
	} {
		denied = append(denied, "SELECT * FROM system."+table)
	}
	for _, sql := range denied {
		if err := drain(t.Context(), reader, sql); err == nil {
			t.Errorf("the reader may: %s", sql)
		}
	}
	// What is not refused shows nothing of others: merge() over the tables goes through the filters.
	if n := count(t, reader, "SELECT countIf(tenant_id = toUUID('"+other+"')) FROM merge('m365', '^(users|skus|run_changes)$')"); n != 0 {
		t.Errorf("merge() shows %d rows of another tenant", n)
	}
	if after := size(); after != before {
		t.Errorf("%d rows before, %d after", before, after)
	}
	// A gap of ClickHouse's that docs/operate.md tells of: mergeTreeIndex passes by row filters
	// and shows the keys of tables, which are ids. It must stay at ids.
	if err := drain(t.Context(), reader, "SELECT user_principal_name FROM mergeTreeIndex(m365, users)"); err == nil {
		t.Error("mergeTreeIndex shows names")
	}
	t.Logf("%d tables, %d views, %d statements", base, views, len(denied))
}

func columns(t *testing.T, conn driver.Conn, from string) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT *"+from+" LIMIT 0")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	return " " + strings.Join(rows.Columns(), " ") + " "
}

// drain runs a statement and reads what it gives; no rows are no refusal.
func drain(ctx context.Context, conn driver.Conn, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err says all
	for rows.Next() {
	}
	return rows.Err()
}
