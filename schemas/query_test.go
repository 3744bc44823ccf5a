package schemas

import (
	"io/fs"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var placeholder = regexp.MustCompile(`\{(\w+):([^}]+)\}`)

// checkParams holds the placeholders of a query against its declarations.
func checkParams(q *Query) (faults []string) {
	declared, used := map[string]string{}, map[string]bool{}
	for _, p := range q.Params {
		if declared[p.Name] != "" {
			faults = append(faults, p.Name+" is declared twice")
		}
		declared[p.Name] = p.Type
	}
	for _, m := range placeholder.FindAllStringSubmatch(q.SQL, -1) {
		used[m[1]] = true
		switch typ := declared[m[1]]; typ {
		case m[2]:
		case "":
			faults = append(faults, m[1]+" is used and not declared")
		default:
			faults = append(faults, m[1]+" is declared "+typ+" and used as "+m[2])
		}
	}
	for name := range declared {
		if !used[name] {
			faults = append(faults, name+" is declared and not used")
		}
	}
	return faults
}

func TestQueries(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(sqlFiles, "sql/queries/*.sql")
	if err != nil || len(files) != len(Queries()) || len(files) < 10 {
		t.Fatalf("%d files, %d queries, %v", len(files), len(Queries()), err)
	}
	names := map[string]bool{}
	for _, q := range Queries() {
		if names[q.View()] {
			t.Errorf("%s: the name is taken", q.Name)
		}
		names[q.View()] = true
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(q.Name) {
			t.Errorf("name %q: want words in lower case joined by -", q.Name)
		}
		if !strings.HasPrefix(q.SQL, "SELECT") && !strings.HasPrefix(q.SQL, "WITH") {
			t.Errorf("%s is no SELECT: %.40s", q.Name, q.SQL)
		}
		for _, fault := range checkParams(&q) {
			t.Errorf("%s: %s", q.Name, fault)
		}
		found, err := QueryNamed(q.Name)
		if q.Internal != (err != nil) || err == nil && found.Name != q.Name {
			t.Errorf("%s: internal is %v, asked for by name: %v", q.Name, q.Internal, err)
		}
	}
	if _, err := QueryNamed("nothing"); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("unknown query: %v", err)
	}
}

// TestViewNames: a view and a table cannot have one name.
func TestViewNames(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(Migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]bool{}
	for _, f := range files {
		b, err := fs.ReadFile(Migrations(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS (\w+)`).FindAllStringSubmatch(string(b), -1) {
			tables[m[1]] = true
		}
	}
	if len(tables) < 20 {
		t.Fatalf("only %d tables found", len(tables))
	}
	for _, q := range Queries() {
		if tables[q.View()] {
			t.Errorf("%s: a table is called so", q.Name)
		}
		if left := viewCall.FindString(q.Inlined()); left != "" {
			t.Errorf("%s: %s is not written out", q.Name, left)
		}
	}
}

func TestCheckParams(t *testing.T) {
	t.Parallel()
	q := Query{Params: []Param{{Name: "a", Type: "String"}, {Name: "b", Type: "UInt16"}}, SQL: "SELECT {a:String}, {b:UInt16}"}
	if faults := checkParams(&q); len(faults) > 0 {
		t.Fatal(faults)
	}
	for want, change := range map[string]func(*Query){
		"b is declared and not used":             func(q *Query) { q.SQL = "SELECT {a:String}" },
		"c is used and not declared":             func(q *Query) { q.SQL += ", {c:String}" },
		"b is declared UInt16 and used as UInt8": func(q *Query) { q.SQL += ", {b:UInt8}" },
		"a is declared twice":                    func(q *Query) { q.Params = append(q.Params, Param{Name: "a", Type: "String"}) },
	} {
		bad := Query{Params: append([]Param{}, q.Params...), SQL: q.SQL}
		change(&bad)
		if got := strings.Join(checkParams(&bad), "; "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestParseQuery(t *testing.T) {
	t.Parallel()
	q, err := parseQuery("07_last-use.sql", `-- title: Use: who and when
-- definition: one line,
--   another: line,
--   a third
-- param: days UInt16 = 90, days without activity
-- internal: yes
SELECT 1 -- {days:UInt16}
-- title: not a header any more
`)
	want := Query{
		Name: "last-use", Title: "Use: who and when", Definition: "one line, another: line, a third", Internal: true,
		Params: []Param{{"days", "UInt16", "90", "days without activity"}}, SQL: "SELECT 1 -- {days:UInt16}\n-- title: not a header any more",
	}
	if err != nil || !reflect.DeepEqual(q, want) {
		t.Errorf("got %+v, %v", q, err)
	}
	if q.View() != "last_use" {
		t.Errorf("view %q", q.View())
	}
	head := "-- title: t\n-- definition: d\n"
	for text, want := range map[string]string{
		"": "needs a title", head: "and a SELECT", "-- title: t\nSELECT 1": "needs a title, a definition", "-- definition: d\nSELECT 1": "needs a title",
		head + "--\nSELECT 1": "want key: value", head + "-- prose\nSELECT 1": "want key: value", head + "-- param: x\nSELECT 1": `param " x"`,
		"--   t\n" + head + "SELECT 1": "want key: value", "\n" + head + "SELECT 1": "needs a title",
	} {
		if _, err := parseQuery("01_x.sql", text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "query 01_x.sql:") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestParseParam(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Param{
		"tenant String = '', directory id; empty for all":        {"tenant", "String", "''", "directory id; empty for all"},
		"  days   UInt16=90,d":                                   {"days", "UInt16", "90", "d"},
		"a String = 'x, y', both, or none":                       {"a", "String", "'x, y'", "both, or none"},
		"a String = 'x = y', d":                                  {"a", "String", "'x = y'", "d"},
		"a String = ')', d":                                      {"a", "String", "')'", "d"},
		"a Array(String) = ['x', 'y'], d":                        {"a", "Array(String)", "['x', 'y']", "d"},
		"at DateTime64(3, 'UTC') = '2026-01-01 00:00:00', since": {"at", "DateTime64(3, 'UTC')", "'2026-01-01 00:00:00'", "since"},
		"e Enum8('a' = 1, 'b' = 2) = 'a', d":                     {"e", "Enum8('a' = 1, 'b' = 2)", "'a'", "d"},
		"a String = '', what (if any) it's for":                  {"a", "String", "''", "what (if any) it's for"},
	} {
		if got, err := parseParam(in); err != nil || got != want {
			t.Errorf("%q: got %+v, %v", in, got, err)
		}
	}
	for _, bad := range []string{
		"", "a", "a String", "a String, d", "String = 1, d", "= 1, d", "a String =, d", "a String = 1", "a String = 1,", "a b String = 1, d",
		"a String = 'x, d", "a Array(String = 1, d",
	} {
		if got, err := parseParam(bad); err == nil || !strings.Contains(err.Error(), "want name Type = default") {
			t.Errorf("%q: got %+v, %v", bad, got, err)
		}
	}
}

func TestMigrationsNumbered(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(Migrations(), "*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		number, _, ok := strings.Cut(f, "_")
		if !ok || seen[number] || !regexp.MustCompile(`^\d{5}$`).MatchString(number) {
			t.Errorf("migration %s: want five digits of its own", f)
		}
		seen[number] = true
		b, err := fs.ReadFile(Migrations(), f)
		if err != nil || !strings.Contains(string(b), "-- +goose Up") || !strings.Contains(string(b), "-- +goose Down") {
			t.Errorf("migration %s: no way up or down, %v", f, err)
		}
	}
}
