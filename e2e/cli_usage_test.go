package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

// TestUsage needs no server: wrong command lines end with code 2 and a hint, help with 0.
func TestUsage(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	for _, args := range [][]string{{}, {"--help"}, {"help"}, {"connector"}, {"schema"}, {"demo", "--help"}, {"query", "--help"}, {"connector", "add", "--help"}} {
		if out := c.ok(args...); !strings.Contains(out, "seatstream") {
			t.Errorf("seatstream %s does not help:\n%s", strings.Join(args, " "), out)
		}
	}
	for _, bad := range []struct {
		args  []string
		words []string
	}{
		{[]string{"frobnicate"}, []string{`"frobnicate"`, "--help"}},
		{[]string{"qeury", "list"}, []string{`"qeury"`, "--help"}},
		{[]string{"--frob"}, []string{"--frob", "--help"}},
		{[]string{"demo", "--frob"}, []string{"--frob", "seatstream demo --help"}},
		{[]string{"demo", "now"}, []string{"seatstream demo --help"}},
		{[]string{"connector", "frob"}, []string{`"frob"`, "add, list"}},
		{[]string{"connector", "show"}, []string{"one name"}},
		{[]string{"connector", "add", "a", "b"}, []string{"one name"}},
		{[]string{"schema", "frob"}, []string{`"frob"`, "list"}},
		{[]string{"schema", "show", "frob"}, []string{`"frob"`, "user"}},
		{[]string{"query"}, []string{"--sql"}},
		{[]string{"query", "nope"}, []string{`"nope"`, "seatstream query list"}},
		{[]string{"query", "tenants", "--sql", "SELECT 1"}, []string{"--sql"}},
		{[]string{"query", "tenants", "--param", "x"}, []string{`"x"`, "name=value"}},
		{[]string{"query", "list", "-o", "xml"}, []string{`"xml"`, "table, json, csv"}},
		{[]string{"sim", "--tenant", "contoso"}, []string{`"contoso"`, "=250"}},
	} {
		c.refused(2, bad.args, bad.words...)
	}
	// A page that others can reach without a token is refused before anything starts.
	for _, command := range []string{"up", "dashboard"} {
		c.refused(1, []string{command, "--listen", "0.0.0.0:0"}, "dashboard.tokens", "127.0.0.1")
	}
	if left, err := os.ReadDir(c.dir); err != nil || len(left) > 0 {
		t.Errorf("a wrong command line writes: %v, %v", left, err)
	}
}

// TestSchema prints the contract without any server.
func TestSchema(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	kinds := table(t, c.ok("schema", "list", "-o", "csv"))
	if len(kinds) != 1+len(schemas.Kinds) {
		t.Fatalf("schema list: %q", kinds)
	}
	for _, row := range kinds[1:] {
		kind := strings.Split(row[0], ".")[1]
		var schema map[string]any
		if err := json.Unmarshal([]byte(c.ok("schema", "show", kind)), &schema); err != nil || schema["$schema"] == nil || schema["properties"] == nil {
			t.Errorf("schema show %s: %v", kind, err)
		}
	}
	sql := c.ok("schema", "sql")
	for _, want := range []string{"CREATE TABLE IF NOT EXISTS user_changes", "CREATE OR REPLACE VIEW m365.licence_position"} {
		if !strings.Contains(sql, want) {
			t.Errorf("schema sql lacks %s", want)
		}
	}
	if reports := rows(t, c.ok("schema", "reports", "-o", "json")); len(reports) < 20 {
		t.Errorf("schema reports: %d", len(reports))
	}
}
