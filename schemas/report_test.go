package schemas

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// collected is one report function as documentation and captures show it.
type collected struct {
	Function   string
	V1         bool     `json:"v1_0"`
	URLs       []string `json:"url_shapes"`
	Level      string
	Periods    []string
	Date       bool `json:"accepts_date"`
	Columns    []string
	Documented []string `json:"columns_documented"`
	Beta       []string `json:"columns_beta_differs"`
	UPN        string   `json:"upn_column"`
	Concealed  []string `json:"concealed_columns"`
}

// squeeze collapses blanks: Used  Chrome OS has two.
func squeeze(names ...[]string) []string {
	var out []string
	for _, n := range slices.Concat(names...) {
		out = append(out, strings.Join(strings.Fields(n), " "))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestCatalogueComplete holds reports.json against the collected facts, where they are.
func TestCatalogueComplete(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../shared/graph/reports.json")
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Log("the collected facts about reports are not at hand")
		t.SkipNow()
	}
	if err != nil {
		t.Fatal(err)
	}
	var facts struct{ Reports []collected }
	if err := json.Unmarshal(raw, &facts); err != nil {
		t.Fatal(err)
	}
	if len(facts.Reports) < 80 || len(facts.Reports) != len(Reports()) {
		t.Errorf("%d functions collected, %d in the catalogue", len(facts.Reports), len(Reports()))
	}
	for _, want := range facts.Reports {
		r, err := ReportNamed(want.Function)
		if err != nil {
			t.Error(err)
			continue
		}
		compareReport(t, r, &want)
	}
}

func compareReport(t *testing.T, r *ReportSpec, want *collected) {
	t.Helper()
	if version := map[bool]string{true: "v1.0", false: "beta"}[want.V1]; r.Version != version {
		t.Errorf("%s: version %s, want %s", r.Function, r.Version, version)
	}
	for _, u := range want.URLs {
		if path, _, _ := strings.Cut(u, "("); path != r.Path {
			t.Errorf("%s: path %s, want %s", r.Function, r.Path, path)
		}
	}
	if !slices.Equal(r.Periods, want.Periods) || r.Date != want.Date {
		t.Errorf("%s: periods %v, date %v, want %v, %v", r.Function, r.Periods, r.Date, want.Periods, want.Date)
	}
	if r.UPN != want.UPN || !slices.Equal(squeeze(r.Concealed), squeeze(want.Concealed)) {
		t.Errorf("%s: upn %q, concealed %v, want %q, %v", r.Function, r.UPN, r.Concealed, want.UPN, want.Concealed)
	}
	if !strings.HasSuffix(want.Level, r.Level) { // onedrive account
		t.Errorf("%s: level %s, want %s", r.Function, r.Level, want.Level)
	}
	if want.Columns == nil {
		t.Logf("%s: nobody has recorded its columns", r.Function)
		return
	}
	have := squeeze(slices.Collect(maps.Keys(r.Columns)))
	for _, c := range squeeze(want.Columns) {
		if !slices.Contains(have, c) {
			t.Errorf("%s lacks the column %q", r.Function, c)
		}
	}
	known := squeeze(want.Columns, want.Documented, want.Beta)
	for _, c := range have {
		if !slices.Contains(known, c) {
			t.Errorf("%s: nobody has seen the column %q", r.Function, c)
		}
	}
}

// typeOfName is what a column's name says about its type; empty where it says nothing.
func typeOfName(name string) string {
	switch {
	case strings.HasSuffix(name, "Date"):
		return ColumnDate
	case strings.HasPrefix(name, "Is "), strings.HasPrefix(name, "Has "):
		return ColumnBool
	case strings.HasSuffix(name, "(Byte)"), strings.HasSuffix(name, " Count"), strings.HasSuffix(name, "In Seconds"), name == "Report Period":
		return ColumnInt
	case strings.HasSuffix(name, " Name"), strings.HasSuffix(name, " URL"), strings.HasSuffix(name, " Id"), name == "Assigned Products":
		return ColumnText
	}
	return ""
}

func TestCatalogueSane(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Reports() {
		if seen[r.Function] {
			t.Errorf("%s stands twice", r.Function)
		}
		seen[r.Function] = true
		for name, typ := range r.Columns {
			if want := typeOfName(name); want != "" && typ != want {
				t.Errorf("%s: column %q is %s, want %s", r.Function, name, typ, want)
			}
			if got := squeeze([]string{name})[0]; got != name {
				t.Errorf("%s: column %q has blanks to spare", r.Function, name)
			}
		}
		for _, name := range append(slices.Clone(r.Concealed), r.UPN) {
			if name != "" && r.Columns[name] != ColumnText {
				t.Errorf("%s: %q is no text column", r.Function, name)
			}
		}
		if len(r.Columns) > 0 && r.Columns["Report Refresh Date"] != ColumnDate {
			t.Errorf("%s has no refresh date, which every answer cites", r.Function)
		}
		if r.Detail() && len(r.Key) == 0 {
			t.Errorf("%s: nothing tells its rows apart", r.Function)
		}
		if !slices.Contains([]string{"user", "mailbox", "account", "site", "group", "team", "count"}, r.Level) {
			t.Errorf("%s: level %q", r.Function, r.Level)
		}
		for _, p := range r.Periods {
			if !slices.Contains([]string{"D7", "D28", "D30", "D90", "D180", "ALL"}, p) {
				t.Errorf("%s: period %q", r.Function, p)
			}
		}
		if !strings.HasSuffix(r.Path, "/"+r.Function) {
			t.Errorf("%s: path %s", r.Function, r.Path)
		}
	}
}

// TestDefaultReports: the reports that are read by default are those the queries use.
func TestDefaultReports(t *testing.T) {
	t.Parallel()
	var used, byDefault []string
	for _, q := range Queries() {
		for _, m := range regexp.MustCompile(`'(get\w+)'`).FindAllStringSubmatch(q.SQL, -1) {
			if !slices.Contains(q.Optional, m[1]) {
				used = append(used, m[1])
			}
		}
	}
	for _, q := range Queries() {
		for _, name := range q.Optional {
			if r, err := ReportNamed(name); err != nil || r.Default || !strings.Contains(q.SQL, "'"+name+"'") {
				t.Errorf("%s: %s is no optional report of it: %v", q.Name, name, err)
			}
		}
	}
	for _, r := range Reports() {
		if r.Default {
			byDefault = append(byDefault, r.Function)
		}
	}
	if got, want := squeeze(byDefault), squeeze(used); !slices.Equal(got, want) {
		t.Errorf("read by default %v, used by queries %v", got, want)
	}
}

func TestWidest(t *testing.T) {
	t.Parallel()
	for want, periods := range map[string][]string{
		"": nil, "D180": {"D7", "D30", "D90", "D180", "ALL"}, "D30": {"D7", "D30"}, "ALL": {"ALL"},
	} {
		if got := (&ReportSpec{Periods: periods}).Widest(); got != want {
			t.Errorf("%v: got %q, want %q", periods, got, want)
		}
	}
	for _, r := range Reports() {
		if w := r.Widest(); w == "" != (len(r.Periods) == 0) || w != "" && !slices.Contains(r.Periods, w) {
			t.Errorf("%s: widest of %v is %q", r.Function, r.Periods, w)
		}
	}
}

func TestParseReportsRefuses(t *testing.T) {
	t.Parallel()
	good := `[{"function":"getX","version":"v1.0","path":"/reports/getX","key":["A"],"columns":{"A":"text"}}]`
	if _, err := ParseReports([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string][2]string{
		`entry 1: getX: column "A": type "number": date, int, bool or text`: {`"A":"text"`, `"A":"number"`},
		`getX: key column "B" is not among the columns`:                     {`["A"]`, `["A","B"]`},
		`getX: key column "C" is not among the columns`:                     {`"key":["A"]`, `"keyFallback":["C"]`},
		`getX: version "v2": v1.0 or beta`:                                  {`v1.0`, `v2`},
		`getX: path "reports/getX": must begin with /`:                      {`"/reports`, `"reports`},
		`function "get X"`: {`:"getX"`, `:"get X"`},
		`unknown`:          {`"key"`, `"keys"`},
		`duplicate`:        {`"A":"text"`, `"A":"text","A":"int"`},
		`catalogue`:        {`[{`, `{`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%v changes nothing", change)
		}
		if _, err := ParseReports([]byte(bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
	if _, err := ReportNamed("getNothing"); err == nil || !strings.Contains(err.Error(), `"getNothing"`) {
		t.Errorf("unknown report: %v", err)
	}
}
