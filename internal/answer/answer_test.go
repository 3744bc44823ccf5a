package answer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m) }

const (
	contoso  = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	fabrikam = "1f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	twin     = "2f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	gone     = "3f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
)

// database holds four tenants: contoso and its twin share the first part of a domain, and
// one tenant's organization was deleted.
func database(t *testing.T) driver.Conn {
	t.Helper()
	db := teststack.StartClickHouse(t).Conn
	for i, org := range []struct {
		id, domains string
		deleted     int
	}{
		{contoso, "['Contoso.com','contoso.onmicrosoft.com']", 0},
		{fabrikam, "['fabrikam.onmicrosoft.com']", 0},
		{twin, "['contoso.de','twin.onmicrosoft.com']", 0},
		{gone, "['gone.com']", 1},
	} {
		exec(t, db, fmt.Sprintf(`INSERT INTO m365.organization_changes (tenant_id, stream_seq, observed_at, op, deleted, display_name, default_domain, domains)
VALUES ('%s', %d, now64(), 'upsert', %d, 'Org', 'd', %s)`, org.id, i+1, org.deleted, org.domains))
		exec(t, db, fmt.Sprintf(`INSERT INTO m365.run_changes (tenant_id, feed, run_id, stream_seq, observed_at, op, deleted, connector, status, started_at, finished_at)
VALUES ('%s', 'all', 'r%d', %d, now64(), 'upsert', 0, 'conn-%d', 'complete', now64(), now64())`, org.id, i, i+10, i))
	}
	return db
}

func exec(t *testing.T, db driver.Conn, sql string) {
	t.Helper()
	if err := db.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// named asks a shipped query and returns its rows.
func named(t *testing.T, db driver.Conn, query string, params map[string]string) ([]map[string]any, error) {
	t.Helper()
	q, err := schemas.QueryNamed(query)
	if err != nil {
		t.Fatal(err)
	}
	return rows(t, func(w output.Writer) error { return answer.Named(t.Context(), db, q, params, w) })
}

func rows(t *testing.T, ask func(output.Writer) error) ([]map[string]any, error) {
	t.Helper()
	var buf bytes.Buffer
	if err := ask(output.NewWriter(&buf, output.FormatJSON, output.Options{})); err != nil {
		return nil, err
	}
	var out []map[string]any
	if err := json.Unmarshal(buf.Bytes(), &out); err != nil {
		t.Fatalf("%v in %s", err, buf.String())
	}
	return out, nil
}

func TestTenant(t *testing.T) {
	t.Parallel()
	db := database(t)
	for name, want := range map[string]string{
		"":                        "", // all tenants
		contoso:                   contoso,
		strings.ToUpper(contoso):  contoso,
		" " + contoso + "\n":      contoso,
		twin[:35] + "9":           twin[:35] + "9", // an id needs no record of its own
		"contoso.com":             contoso,
		"CONTOSO.COM":             contoso,
		"contoso.onmicrosoft.com": contoso,
		"fabrikam":                fabrikam,
		"twin":                    twin,
		"conn-1":                  fabrikam,
		"conn-3":                  gone, // its runs are there still
	} {
		if got, err := answer.Tenant(t.Context(), db, name); got != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
	}
	for name, says := range map[string]string{
		"contoso":         contoso + " and " + twin, // the first part of two domains
		"northwind":       "seatstream query tenants",
		"gone.com":        "seatstream query tenants", // deleted
		"contoso.co":      "seatstream query tenants",
		"' OR 1 = 1 --":   "seatstream query tenants",
		`\' OR 1 = 1 --`:  "seatstream query tenants",
		"%":               "seatstream query tenants",
		"contoso.com\x00": "seatstream query tenants",
	} {
		got, err := answer.Tenant(t.Context(), db, name)
		if !errors.Is(err, answer.ErrNoTenant) || got != "" || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, %v; want to hear %q", name, got, err, says)
		}
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	db := database(t)
	for name, tc := range map[string]struct {
		params map[string]string
		rows   int
	}{
		"no parameter":  {nil, 3},
		"all tenants":   {map[string]string{"tenant": ""}, 3},
		"one tenant":    {map[string]string{"tenant": contoso}, 1},
		"none of these": {map[string]string{"tenant": twin[:35] + "9"}, 0},
	} {
		got, err := named(t, db, "tenants", tc.params)
		if err != nil || len(got) != tc.rows {
			t.Errorf("%s: %d rows, %v; want %d", name, len(got), err, tc.rows)
		}
	}
	_, err := named(t, db, "tenants", map[string]string{"tenants": contoso})
	if err == nil || !strings.Contains(err.Error(), `"tenants"`) || !strings.Contains(err.Error(), "it takes tenant") {
		t.Errorf("unknown parameter: %v", err)
	}
	_, err = named(t, db, "unused-licences", map[string]string{"days": "ninety"})
	if err == nil || !strings.Contains(err.Error(), "parameter") {
		t.Errorf("a value of another type: %v", err)
	}
}

// TestValuesAreNeverSQL: whatever a value holds, it is compared and not carried out.
func TestValuesAreNeverSQL(t *testing.T) {
	t.Parallel()
	db := database(t)
	turn := 0
	values := []string{
		contoso + "' OR '1'='1", `\`, `\' OR 1=1 --`, "') UNION ALL SELECT * FROM m365.users --", "{tenant:String}", "x\tUNION\nSELECT",
		"contoso'; DROP TABLE m365.users; --",
	}
	for _, q := range schemas.Queries() {
		for _, p := range q.Params {
			if p.Type != "String" || q.Internal {
				continue
			}
			some := values // every value to a plain query, one in turn to each parameter of the others
			if q.Name != "tenants" && q.Name != "runs" && q.Name != "licence-holders" {
				some = values[turn%len(values):][:1]
				turn++
			}
			for _, value := range some {
				got, err := named(t, db, q.Name, map[string]string{p.Name: value})
				if slices.Contains([]string{"as_of", "since", "until", "from", "to"}, p.Name) { // what is no moment is refused
					if err == nil || !strings.Contains(err.Error(), "parameter") {
						t.Errorf("%s, %s = %q: %d rows, %v", q.Name, p.Name, value, len(got), err)
					}
					continue
				}
				if err != nil || len(got) != 0 {
					t.Errorf("%s, %s = %q: %d rows, %v", q.Name, p.Name, value, len(got), err)
				}
			}
		}
	}
	if got, err := named(t, db, "tenants", nil); err != nil || len(got) != 3 {
		t.Errorf("afterwards %d tenants, %v", len(got), err)
	}
}

// TestValuesArriveAsTheyAre: what the server would read as an escape is itself.
func TestValuesArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	db := database(t)
	for i, connector := range []string{`a\tb`, "a\tb", "o'hara", `back\\slash`, "line\nbreak", "grüß"} {
		exec(t, db, fmt.Sprintf(`INSERT INTO m365.run_changes (tenant_id, feed, run_id, stream_seq, observed_at, op, deleted, connector, status, started_at, finished_at)
VALUES ('%s', 'all', 'x%d', %d, now64(), 'upsert', 0, base64Decode('%s'), 'complete', now64(), now64())`, tenantNumber(i), i, 100+i, base64.StdEncoding.EncodeToString([]byte(connector))))
		if got, err := answer.Tenant(t.Context(), db, connector); got != tenantNumber(i) || err != nil {
			t.Errorf("%q: %q, %v", connector, got, err)
		}
	}
}

func tenantNumber(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

func TestSQLOnlyReads(t *testing.T) {
	t.Parallel()
	db := database(t)
	ask := func(sql string) ([]map[string]any, error) {
		return rows(t, func(w output.Writer) error { return answer.SQL(t.Context(), db, sql, w) })
	}
	got, err := ask("SELECT connector, status FROM m365.run_changes WHERE connector = 'conn-0'")
	if err != nil || len(got) != 1 || got[0]["connector"] != "conn-0" || got[0]["status"] != "complete" {
		t.Errorf("%v, %v", got, err)
	}
	for _, sql := range []string{
		"INSERT INTO m365.users (tenant_id) SELECT generateUUIDv4()", "DROP TABLE m365.users", "TRUNCATE TABLE m365.users",
		"ALTER TABLE m365.run_changes DELETE WHERE 1", "CREATE TABLE m365.x (a Int8) ENGINE = Memory", "DELETE FROM m365.run_changes WHERE 1",
		"DETACH TABLE m365.users", "SYSTEM STOP MERGES", "SET readonly = 0", "CREATE TEMPORARY TABLE x (a Int8)",
		"INSERT INTO m365.users (tenant_id) SETTINGS readonly = 0 VALUES (generateUUIDv4())",
		"OPTIMIZE TABLE m365.users FINAL", "RENAME TABLE m365.users TO m365.x",
	} {
		if _, err := ask(sql); err == nil {
			t.Errorf("%s was carried out", sql)
		}
	}
	if got, err := ask("SELECT count() AS n FROM m365.run_changes"); err != nil || fmt.Sprint(got[0]["n"]) != "4" {
		t.Errorf("afterwards: %v, %v", got, err)
	}
	_, err = ask("SELECT * FROM m365.no_such_table")
	if err == nil || !strings.Contains(err.Error(), "seatstream up") {
		t.Errorf("a table that is missing: %v; want to hear what makes it", err)
	}
	if _, err = ask("SELEC 1"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("nonsense: %v; want one line", err)
	}
}

func TestCellsOfEveryType(t *testing.T) {
	t.Parallel()
	db := teststack.StartClickHouse(t).Conn
	got, err := rows(t, func(w output.Writer) error {
		return answer.SQL(t.Context(), db, `SELECT 1 AS n, -2.5 AS f, toDecimal64(1.25, 2) AS d, 'x' AS s, NULL AS nothing, toNullable(7) AS seven,
			toUUID('`+contoso+`') AS id, ['a', 'b'] AS list, true AS yes, toDateTime64('2026-03-14 06:00:01.250', 3, 'UTC') AS at, toDate('2026-03-14') AS day,
			toLowCardinality('low') AS low, map('k', 1) AS m`, w)
	})
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	for name, want := range map[string]string{
		"n": "1", "f": "-2.5", "d": "1.25", "s": "x", "nothing": "<nil>", "seven": "7", "id": contoso, "list": "[a b]", "yes": "true",
		"at": "2026-03-14T06:00:01.25Z", "day": "2026-03-14", "low": "low", "m": "map[k:1]",
	} {
		if got := fmt.Sprint(got[0][name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
