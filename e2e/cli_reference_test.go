package e2e

import (
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

// TestReferenceCommands asks one running instance for all that people bring along, and for
// what they carry away.
func TestReferenceCommands(t *testing.T) {
	t.Parallel()
	s := startStation(t, "contoso.onmicrosoft.com=90", "fabrikam.onmicrosoft.com=30")
	users := len(s.sim.of(0).list("users", "id")) + len(s.sim.of(1).list("users", "id"))
	s.stored(float64(users), "SELECT count() FROM m365.users FINAL")
	s.stored(2, "SELECT uniqExact(tenant_id) FROM m365.run_changes WHERE feed = 'all'")
	t.Run("list and explain", s.explains)
	t.Run("catalogue", s.catalogues)
	t.Run("prices", s.prices)
	t.Run("exclude", s.excludes)
	t.Run("report", s.reports)
	t.Run("files", s.files)
	t.Run("reclaim", s.reclaims) // last: months go by
}

// written is a file with the text.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// answer asks a question about contoso; more are arguments.
func (s *station) answer(t *testing.T, query string, more ...string) []map[string]any {
	t.Helper()
	return rows(t, s.ok(append([]string{"query", query, "--tenant", "contoso", "-o", "json"}, more...)...))
}

// one returns the row whose column has the value.
func one(t *testing.T, list []map[string]any, column, value string) map[string]any {
	t.Helper()
	i := slices.IndexFunc(list, func(r map[string]any) bool { return r[column] == value })
	if i < 0 {
		t.Fatalf("no row with %s = %s in %d", column, value, len(list))
	}
	return list[i]
}

func (s *station) explains(t *testing.T) {
	list := rows(t, s.ok("query", "list", "-o", "json"))
	public := 0
	for _, q := range schemas.Queries() {
		if q.Internal {
			continue
		}
		public++
		said, _ := one(t, list, "name", q.Name)["question"].(string)
		if len(said) < 10 || len(said) > 120 || strings.Contains(said, "\n") {
			t.Errorf("%s is not explained in a line: %q", q.Name, said)
		}
	}
	if len(list) != public {
		t.Errorf("%d questions listed of %d", len(list), public)
	}
	for _, name := range []string{"unused-licences", "cost", "tenants"} {
		q, err := schemas.QueryNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		out := s.ok("query", name, "--explain", "--tenant", "contoso")
		at := 0
		for _, want := range []string{name + ": " + q.Title, "Definition", "Parameters", "tenant String", "Evidence", "complete", "SQL (view m365." + q.View() + ")", q.SQL} {
			i := strings.Index(out[at:], want)
			if i < 0 {
				t.Fatalf("%s --explain lacks %q behind byte %d:\n%s", name, want, at, tail(out[:min(len(out), 1400)]))
			}
			at += i
		}
		words := func(text string) string { return strings.Join(strings.Fields(text), " ") }
		if !strings.Contains(words(out), words(q.Definition)) {
			t.Errorf("%s --explain does not give the definition", name)
		}
		for _, r := range rows(t, s.ok("query", name, "--explain", "--tenant", "contoso", "-o", "json")) {
			if r["status"] != "complete" || !slices.Contains(q.Feeds, fmt.Sprint(r["feed"])) {
				t.Errorf("evidence of %s: %v", name, r)
			}
		}
	}
	s.refused(2, []string{"query", "nothing", "--explain"}, `"nothing"`)
	s.refused(2, []string{"query", "--explain", "--sql", "SELECT 1"}, "--explain takes the name")
}

func (s *station) catalogues(t *testing.T) {
	const head = "Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names\n"
	const a, b, plan = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002", "efb87545-963c-4e0d-99df-69c6916d9eb0"
	file := written(t, "names.csv", head+
		"Made Up,MADE_UP,"+strings.ToUpper(a)+"\u00a0,EXCHANGE_S_ENTERPRISE,"+plan+",Mail\n"+
		"Made Up,MADE_UP_TOO,"+b+",EXCHANGE_S_ENTERPRISE,"+plan+",Mail\n"+
		"Nothing,NOTHING,not-a-guid,X,"+plan+",Mail\n")
	var found []string
	for _, r := range rows(t, s.ok("catalogue", "import", file, "-o", "json")) {
		if r["line"] != nil {
			found = append(found, fmt.Sprint(r["line"], " ", r["trap"]))
		}
	}
	if want := []string{"2 blanks in a GUID", "2 name with several GUIDs", "4 not a GUID"}; !slices.Equal(found, want) {
		t.Errorf("traps %q, want %q", found, want)
	}
	if out := s.ok("catalogue", "import", file); !strings.Contains(out, "imported 2 products") || !strings.Contains(out, "not a GUID") {
		t.Errorf("catalogue import says:\n%s", tail(out))
	}
	if r := one(t, rows(t, s.ok("catalogue", "list", "-o", "json")), "sku_id", a); r["source"] != "catalogue" || r["name"] != "Made Up" || r["sku"] != "MADE_UP" {
		t.Errorf("catalogue list: %v", r)
	}
	s.refused(1, []string{"catalogue", "import", written(t, "x.csv", "a,b\n1,2\n")}, "no column product_display_name")
	s.refused(1, []string{"catalogue", "import", "nowhere.csv"}, "nowhere.csv")
	if list := rows(t, s.ok("catalogue", "unknown", "-o", "json")); len(list) != 0 {
		t.Errorf("products that no list knows: %v", list)
	}
	s.microsofts(t)

	s.ok("catalogue", "override", "SPE_E3", "<b>Desk</b>", "--tenant", "contoso")
	names := map[string]any{}
	for _, r := range rows(t, s.ok("query", "licence-position", "-o", "json")) {
		names[fmt.Sprint(r["tenant"], " ", r["sku"])] = r["name"]
	}
	if names["contoso.onmicrosoft.com SPE_E3"] != "<b>Desk</b>" || names["fabrikam.onmicrosoft.com SPE_E3"] == "<b>Desk</b>" {
		t.Errorf("names %v", names)
	}

	trait := func(want any) {
		t.Helper()
		r := one(t, s.answer(t, "licence-position"), "sku", "STANDARDPACK")
		if r["trait"] != want || (r["unassigned"] == nil) != (want != "") {
			t.Errorf("the trait is %q and %v unassigned, want %q", r["trait"], r["unassigned"], want)
		}
	}
	trait("")
	s.ok("catalogue", "trait", "STANDARDPACK", "viral, free")
	trait("free")
	s.ok("catalogue", "trait", "STANDARDPACK", "company-level", "--tenant", "contoso")
	trait("company-level")
	s.ok("catalogue", "trait", "STANDARDPACK", "paid", "--tenant", "contoso")
	trait("")
	s.ok("catalogue", "trait", "STANDARDPACK", "", "--tenant", "contoso")
	trait("free") // what counts for all again
	s.ok("catalogue", "trait", "STANDARDPACK", "")
	trait("")
	s.refused(2, []string{"catalogue", "trait", "STANDARDPACK", "cheap"}, `"cheap"`, "company-level")
	s.refused(2, []string{"catalogue", "trait", "STANDARDPACK", "free,paid"}, "paid stands alone")
	s.refused(1, []string{"catalogue", "trait", "NOTHING", "free"}, `"NOTHING"`, "GUID")
}

// microsofts imports the file as Microsoft publishes it, where that is present.
func (s *station) microsofts(t *testing.T) {
	file, err := filepath.Abs("../../shared/graph/sku/product-names-and-service-plans.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		t.Log("no samples of the live service beside the repository")
		return
	}
	kinds := map[any]int{}
	for _, r := range rows(t, s.ok("catalogue", "import", file, "-o", "json")) {
		kinds[r["trap"]]++
	}
	want := map[any]int{
		"blanks in a GUID": 1, "GUID with several names": 3, "name with several GUIDs": 15, "part number with several GUIDs": 1,
		"plan GUID with several names": 7, "plan name with several GUIDs": 1, "repeated line": 31,
	}
	if fmt.Sprint(kinds) != fmt.Sprint(want) {
		t.Errorf("traps %v, want %v", kinds, want)
	}
}

func (s *station) prices(t *testing.T) {
	const head = "tenant,sku,price,currency,term,from,to\n"
	good := "all,SPE_E3,36.40,EUR,annual,2025-01-01,\ncontoso,SPE_F1,8.1,USD,annual,2025-01-01,\n"
	r := s.run("prices", "import", written(t, "bad.csv", head+good+
		"nobody,SPE_E3,1,EUR,annual,2025-01-01,\nall,NOTHING,-1,EURO,annual,2025-01-01,\nall,SPE_E5,57,EUR,annual,2025-01-01,2024-01-01\nall,SPE_E5,57,EUR,annual,2025-01-01,\n"))
	if r.code != 1 || !strings.Contains(r.err, "5 bad lines, nothing was imported") {
		t.Errorf("a bad price list: exit %d\n%s", r.code, r.err)
	}
	for _, want := range []string{`line 4: tenant "nobody"`, `line 5: sku "NOTHING"`, "line 5: price -1 is negative", `line 5: currency "EURO"`, "line 6: to 2024-01-01 is before from"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("the refusal lacks %q:\n%s", want, r.err)
		}
	}
	if strings.Contains(r.err, "line 2") || strings.Contains(r.err, "line 3") || strings.Contains(r.err, "line 7") {
		t.Errorf("a good line is named:\n%s", r.err)
	}
	if list := rows(t, s.ok("prices", "list", "-o", "json")); len(list) != 0 {
		t.Fatalf("of a bad list something was imported: %v", list)
	}
	if out := s.ok("prices", "import", written(t, "good.csv", head+good+"all,SPE_E5,57.00,EUR,annual,2025-01-01,\n")); out != "imported 3 prices\n" {
		t.Errorf("prices import: %s", out)
	}
	if list := rows(t, s.ok("prices", "list", "-o", "json")); len(list) != 3 || fmt.Sprint(one(t, list, "sku", "SPE_F1")["price"]) != "8.1" {
		t.Errorf("prices list: %v", list)
	}
	s.refused(1, []string{"prices", "remove", "SPE_E5", "2025-02-01"}, "seatstream prices list")
	if out := s.ok("prices", "remove", "SPE_E5", "2025-01-01"); out != "removed 1 prices\n" {
		t.Errorf("prices remove: %s", out)
	}
	bill := map[string]*big.Rat{}
	for _, r := range s.answer(t, "cost") {
		if c := fmt.Sprint(r["currency"]); c != "" {
			bill[c] = amountOf(t, r["bill"])
		}
	}
	for _, r := range s.answer(t, "licence-position") {
		if n := map[any]string{"SPE_E3": "EUR 36.4", "SPE_F1": "USD 8.1"}[r["sku"]]; n != "" {
			currency, price, _ := strings.Cut(n, " ")
			seats := max(r["enabled"].(float64), r["consumed"].(float64))
			want := new(big.Rat).Mul(new(big.Rat).SetFloat64(seats), amountOf(t, price))
			if r["currency"] != currency || bill[currency] == nil || bill[currency].Cmp(want) != 0 {
				t.Errorf("%v: %v, the bill in %s is %v, want %s", r["sku"], r["currency"], currency, bill[currency], want.FloatString(2))
			}
		}
	}
	// People get a sum of one currency and none of two.
	if out := s.ok("query", "cost", "--tenant", "contoso"); !regexp.MustCompile(`EUR [\d,]+\.\d\d`).MatchString(out) || !strings.Contains(out, "mixed") {
		t.Errorf("cost in two currencies:\n%s", out)
	}
}

func amountOf(t *testing.T, v any) *big.Rat {
	t.Helper()
	n, ok := new(big.Rat).SetString(fmt.Sprint(v))
	if f, is := v.(float64); is {
		n, ok = new(big.Rat).SetString(fmt.Sprintf("%.4f", f))
	}
	if !ok {
		t.Fatalf("%v is no amount", v)
	}
	return n
}

func (s *station) excludes(t *testing.T) {
	list := s.answer(t, "unused-licences", "--param", "sku=SPE_E3")
	i := slices.IndexFunc(list, func(r map[string]any) bool { return r["reclaim"] == true })
	if i < 0 {
		t.Fatal("nobody is to be reclaimed")
	}
	who := fmt.Sprint(list[i]["user_principal_name"])
	now := func() map[string]any {
		return one(t, s.answer(t, "unused-licences", "--param", "sku=SPE_E3"), "user_principal_name", who)
	}
	position := func() map[string]any { return one(t, s.answer(t, "licence-position"), "sku", "SPE_E3") }
	evidence := func() (n any) {
		for _, r := range s.answer(t, "unused-licences", "--explain") {
			if r["feed"] == "exclusions" {
				n = r["entities"]
			}
		}
		return n
	}
	before := position()
	if n := evidence(); n != nil {
		t.Errorf("%v exclusions before any was made", n)
	}
	id := strings.TrimSpace(s.ok("exclude", "add", "--tenant", "contoso", "--user", strings.ToUpper(who), "--tag", "leave", "--reason", "back in May", "--until", "2099-05-01", "--who", "me"))
	r := now()
	if r["excluded"] != "leave: back in May" || r["reclaim"] != false || r["state"] != list[i]["state"] {
		t.Errorf("the seat that was excluded: %v", r)
	}
	after := position()
	saved := new(big.Rat).Sub(amountOf(t, before["unused_cost"]), amountOf(t, after["unused_cost"]))
	if fmt.Sprint(after["excluded"]) != "1" || saved.Cmp(amountOf(t, "36.4")) != 0 || fmt.Sprint(after["inactive"]) != fmt.Sprint(before["inactive"]) {
		t.Errorf("position before %v\nafter %v", before, after)
	}
	if n := evidence(); fmt.Sprint(n) != "1" {
		t.Errorf("the evidence counts %v exclusions", n)
	}
	if r := one(t, rows(t, s.ok("exclude", "list", "-o", "json")), "exclusion_id", id); r["tag"] != "leave" || r["who"] != "me" || r["until"] != "2099-05-01" || r["over"] != false {
		t.Errorf("exclude list: %v", r)
	}
	s.ok("exclude", "remove", id)
	if r := now(); r["excluded"] != "" || r["reclaim"] != true {
		t.Errorf("the seat whose exclusion was taken back: %v", r)
	}
	s.refused(1, []string{"exclude", "remove", id}, "seatstream exclude list")
	s.refused(2, []string{"exclude", "remove", "all"}, "want an id")
	s.refused(2, []string{"exclude", "add"}, "--user, --sku or both")
	s.refused(2, []string{"exclude", "add", "--user", who}, "--tenant")
	s.refused(2, []string{"exclude", "add", "--sku", "SPE_E3", "--tag", "friend"}, `"friend"`, "service account")
	s.refused(2, []string{"exclude", "add", "--sku", "SPE_E3", "--until", "May"}, `"May"`)
	s.refused(1, []string{"exclude", "add", "--tenant", "contoso", "--user", "nobody@x.example"}, "nobody@x.example", "object id")
}
