package embedded

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// What the rest of seatstream takes for granted of ClickHouse, asked of the
// engine that is embedded here.

const usersTable = `CREATE TABLE m365.users
	(tenant LowCardinality(String), id String, seq UInt64, deleted UInt8,
	 extra Map(LowCardinality(String), Nullable(Int64)))
	ENGINE = ReplacingMergeTree(seq, deleted) ORDER BY (tenant, id)
	SETTINGS non_replicated_deduplication_window = 1000`

func insertUsers(t *testing.T, conn clickhouse.Conn, token, tenant string, rows int) {
	t.Helper()
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO m365.users")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		n := int64(i)
		extra := map[string]*int64{"number": &n, "absent": nil}
		if err := batch.Append(tenant, fmt.Sprint("u", i), uint64(i), uint8(0), extra); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

func TestTokensHoldInTablesBehindViewsToo(t *testing.T) {
	t.Parallel()
	conn := open(t, startEngine(t, EngineConfig{}).DSN())
	execute(t, conn, "CREATE DATABASE m365", usersTable,
		`CREATE TABLE m365.with_window (n UInt64) ENGINE = MergeTree ORDER BY n
			SETTINGS non_replicated_deduplication_window = 1000`,
		"CREATE TABLE m365.without_window (n UInt64) ENGINE = MergeTree ORDER BY n",
		"CREATE MATERIALIZED VIEW m365.mv1 TO m365.with_window AS SELECT seq AS n FROM m365.users",
		"CREATE MATERIALIZED VIEW m365.mv2 TO m365.without_window AS SELECT seq AS n FROM m365.users")
	insertUsers(t, conn, "one", "a", 10)
	insertUsers(t, conn, "one", "a", 10)
	wantCount(t, conn, 10, "SELECT count() FROM m365.users")
	wantCount(t, conn, 10, "SELECT count() FROM m365.with_window")
	// The window belongs to each table: without its own, a table behind a
	// view takes the retried rows twice.
	wantCount(t, conn, 20, "SELECT count() FROM m365.without_window")
	// A known token drops other rows without a word.
	insertUsers(t, conn, "one", "b", 5)
	wantCount(t, conn, 0, "SELECT count() FROM m365.users WHERE tenant = 'b'")
}

func TestCurrentStateAndNullableMaps(t *testing.T) {
	t.Parallel()
	conn := open(t, startEngine(t, EngineConfig{}).DSN())
	execute(t, conn, "CREATE DATABASE m365", usersTable)
	insertUsers(t, conn, "one", "a", 10)
	var extra map[string]*int64
	if err := conn.QueryRow(t.Context(), "SELECT extra FROM m365.users WHERE id = 'u7'").Scan(&extra); err != nil {
		t.Fatal(err)
	}
	if absent, there := extra["absent"]; !there || absent != nil || extra["number"] == nil || *extra["number"] != 7 {
		t.Errorf("map came back as %v", extra)
	}
	execute(t, conn, "INSERT INTO m365.users (tenant, id, seq, deleted) VALUES ('a', 'u1', 99, 1), ('a', 'u2', 99, 0)")
	wantCount(t, conn, 9, "SELECT count() FROM m365.users FINAL")
	execute(t, conn, "ALTER TABLE m365.users DELETE WHERE id = 'u3' SETTINGS mutations_sync = 2")
	wantCount(t, conn, 8, "SELECT count() FROM m365.users FINAL")
}

func TestParametrisedViewsTakeServerSideParameters(t *testing.T) {
	t.Parallel()
	conn := open(t, startEngine(t, EngineConfig{}).DSN())
	execute(t, conn, "CREATE DATABASE m365", usersTable,
		"CREATE VIEW m365.v AS SELECT * FROM m365.users FINAL WHERE tenant IN {tenants:Array(String)} AND seq >= {since:UInt64}")
	insertUsers(t, conn, "one", "a", 10)
	insertUsers(t, conn, "two", "b", 10)
	for _, test := range []struct {
		tenants string
		want    uint64
	}{{"['a']", 5}, {"['a','b']", 10}, {"['a'' OR 1 = 1 --']", 0}} {
		ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"tenants": test.tenants, "since": "5"}))
		var got uint64
		err := conn.QueryRow(ctx, "SELECT count() FROM m365.v(tenants = {tenants:Array(String)}, since = {since:UInt64})").Scan(&got)
		if err != nil || got != test.want {
			t.Errorf("tenants %s: got %d (%v), want %d", test.tenants, got, err, test.want)
		}
	}
}

func TestRefreshableViews(t *testing.T) {
	t.Parallel()
	conn := open(t, startEngine(t, EngineConfig{}).DSN())
	execute(t, conn, "CREATE DATABASE m365", usersTable,
		"CREATE TABLE m365.totals (tenant String, n UInt64) ENGINE = MergeTree ORDER BY tenant",
		`CREATE MATERIALIZED VIEW m365.refreshed REFRESH EVERY 1 HOUR TO m365.totals
			AS SELECT tenant, count() AS n FROM m365.users FINAL GROUP BY tenant`)
	insertUsers(t, conn, "one", "a", 10)
	execute(t, conn, "SYSTEM REFRESH VIEW m365.refreshed", "SYSTEM WAIT VIEW m365.refreshed")
	wantCount(t, conn, 10, "SELECT n FROM m365.totals WHERE tenant = 'a'")
}

func TestReaderSeesItsRowsOnly(t *testing.T) {
	t.Parallel()
	e := startEngine(t, EngineConfig{Users: []User{{
		Name: "reader", Password: "p<&>w", ReadOnly: true, Grants: []string{"GRANT SELECT ON m365.*"},
		Filters: []RowFilter{{Database: "m365", Table: "users", Condition: "tenant = 'a' AND 1 < 2"}},
	}}})
	conn := open(t, e.DSN())
	execute(t, conn, "CREATE DATABASE m365", usersTable,
		"CREATE VIEW m365.invoker AS SELECT * FROM m365.users WHERE tenant = {tenant:String}",
		"CREATE VIEW m365.definer DEFINER = default SQL SECURITY DEFINER AS SELECT * FROM m365.users WHERE tenant = {tenant:String}")
	insertUsers(t, conn, "one", "a", 10)
	insertUsers(t, conn, "two", "b", 10)

	reader := open(t, strings.Replace(e.DSN(), "//", "//reader:p%3C%26%3Ew@", 1))
	wantCount(t, reader, 10, "SELECT count() FROM m365.users")
	wantCount(t, reader, 0, "SELECT count() FROM m365.invoker(tenant = 'b')")
	// Views must never be made like this one: the filter of the reader does
	// not reach behind it.
	wantCount(t, reader, 10, "SELECT count() FROM m365.definer(tenant = 'b')")
	for _, query := range []string{
		"INSERT INTO m365.users (tenant) VALUES ('a')",
		"DROP TABLE m365.users",
		"SELECT * FROM file('/etc/hosts', 'LineAsString')",
		"SELECT query FROM system.processes",
	} {
		var refused *clickhouse.Exception
		if err := reader.Exec(t.Context(), query); !errors.As(err, &refused) || refused.Code != 497 {
			t.Errorf("%s: got %v, want code 497", query, err)
		}
	}
}

// The library of this release aborts when a client fails before its login is
// done. That costs the clients of the moment their connection; it must not add
// up to an engine that is given up on.
func TestWrongPasswordsDoNotWearTheEngineOut(t *testing.T) {
	t.Parallel()
	needEngine(t)
	if found, err := findProgram(""); err != nil || found.library == "" {
		t.Skip("a server binary survives wrong passwords")
	}
	e := startEngine(t, EngineConfig{})
	conn := open(t, e.DSN())
	execute(t, conn, "CREATE DATABASE m365", usersTable)
	insertUsers(t, conn, "one", "a", 10)
	for range maxFailedStarts + 1 {
		pid := e.PID()
		options, err := clickhouse.ParseDSN(strings.Replace(e.DSN(), "//", "//nobody:wrong@", 1))
		if err != nil {
			t.Fatal(err)
		}
		wrong, err := clickhouse.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		var refused *clickhouse.Exception
		if err := wrong.Ping(t.Context()); !errors.As(err, &refused) || refused.Code != 516 {
			t.Errorf("got %v, want code 516", err)
		}
		_ = wrong.Close()
		eventually(t, "another child runs", func() bool { return e.PID() != 0 && e.PID() != pid })
		waitReady(t, e.Engine)
	}
	wantCount(t, open(t, e.DSN()), 10, "SELECT count() FROM m365.users")
}
