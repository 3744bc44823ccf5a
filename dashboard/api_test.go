package dashboard

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// testAnswers: the API gives the bytes that seatstream query -o json prints.
func (s *stack) testAnswers(t *testing.T) {
	contoso := s.sim.Tenants()[0]
	for _, q := range schemas.Queries() {
		if q.Internal {
			continue
		}
		for _, tenant := range []string{"", "contoso"} {
			if tenant == "" && q.Name != "licence-position" && q.Name != "savings" {
				continue
			}
			params := map[string]string{}
			if tenant != "" {
				params["tenant"] = contoso.ID
			}
			var want bytes.Buffer
			if err := answer.Named(t.Context(), s.db.Conn, &q, params, output.NewWriter(&want, output.FormatJSON, output.Options{})); err != nil {
				t.Fatal(err)
			}
			if got := s.get(t, "/api/v1/queries/"+q.Name+"?tenant="+tenant); got != want.String() {
				t.Errorf("%s of %q: got %.400s\nwant %.400s", q.Name, tenant, got, &want)
			}
		}
	}
	for path, want := range map[string]int{
		"/api/v1/queries/nothing": 404, "/api/v1/queries/holdings": 404, "/api/v1/queries/savings?format=table": 400, "/api/v1/queries/savings?limit=-1": 400,
		"/api/v1/queries/savings?nonsense=1": 400, "/api/v1/queries/savings?as_of=never": 400, "/api/v1/queries/savings?tenant=nobody": 404, "/api/v1/queries/savings?search=x": 400,
		"/api/v1/nothing": 404,
	} {
		got := asked(t, s.server.Handler(), "GET", path, nil)
		if got.Code != want {
			t.Errorf("GET %s: %d, want %d: %.200s", path, got.Code, want, got.Body)
		}
	}
}

// rows reads an answer of the API.
func (s *stack) rows(t *testing.T, path string) (rows []map[string]any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s.get(t, path)))
	d.UseNumber()
	if err := d.Decode(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// testFigures adds the answers up again and looks for the sums on the overview.
func (s *stack) testFigures(t *testing.T) {
	page := s.get(t, "/")
	sum := func(path, column string) map[string]decimal.Decimal {
		out := map[string]decimal.Decimal{}
		for _, r := range s.rows(t, path) {
			if n, ok := r[column].(json.Number); ok {
				d, err := decimal.NewFromString(n.String())
				if err != nil {
					t.Fatal(err)
				}
				currency, _ := r["currency"].(string)
				out[currency] = out[currency].Add(d)
			}
		}
		return out
	}
	seats := func(column string) int64 {
		var n int64
		for _, d := range sum("/api/v1/queries/licence-position", column) {
			n += d.IntPart()
		}
		return n
	}
	shown := func(figure string) string {
		m := regexp.MustCompile(`data-figure="` + figure + `">([^<]*)<`).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("no figure %s on the page", figure)
		}
		return html.UnescapeString(m[1])
	}
	plain := strings.NewReplacer(",", "", "EUR\u00a0", "", "USD\u00a0", "").Replace
	for figure, column := range map[string]string{"bill": "bill", "unused": "reassignable_now"} {
		sums := sum("/api/v1/queries/cost", column)
		var parts []string
		for _, currency := range []string{"EUR", "USD"} {
			if amount := sums[currency]; !amount.IsZero() {
				parts = append(parts, amount.StringFixed(2))
			}
		}
		if got := plain(shown(figure)); len(parts) == 0 || got != strings.Join(parts, " + ") {
			t.Errorf("%s is %q, the answers add up to %v", figure, got, sums)
		}
	}
	for figure, column := range map[string]string{"unknown": "unknown", "unassigned": "unassigned", "over": "over_allocated"} {
		if got, want := plain(shown(figure)), fmt.Sprint(seats(column)); got != want {
			t.Errorf("%s is %s, the answers add up to %s", figure, got, want)
		}
	}
	if want := fmt.Sprintf("%d licences inactive or never used", seats("inactive")+seats("never_used")); !strings.Contains(plain(page), want) {
		t.Errorf("the page does not say %q", want)
	}
	if !strings.Contains(page, "usage reports to 2") || strings.Contains(page, "class=\"band\"") {
		t.Error("the page does not say what it rests on, or warns of nothing")
	}
	// As of a moment before everything there is nothing, and never zero.
	if before := s.get(t, "/?as_of=2020-01-01"); strings.Contains(before, `data-figure="unknown">`+shown("unknown")) {
		t.Error("as_of changes nothing")
	}
}

// testViews: a view chooses, sorts and cuts rows, and pages add up to the whole.
func (s *stack) testViews(t *testing.T) {
	const list = "/api/v1/queries/unused-licences?tenant=contoso"
	all := s.rows(t, list)
	seen := map[string]bool{}
	last := ""
	for offset := 0; offset < len(all)+50; offset += 50 {
		for _, r := range s.rows(t, fmt.Sprintf("%s&sort=user_principal_name&limit=50&offset=%d", list, offset)) {
			name := r["user_principal_name"].(string)
			if name < last {
				t.Errorf("%q comes behind %q", name, last)
			}
			last = name
			seen[name+" "+r["sku_id"].(string)] = true
		}
	}
	if len(seen) != len(all) {
		t.Errorf("pages have %d rows, the answer %d", len(seen), len(all))
	}
	name := all[0]["display_name"].(string)
	found := s.rows(t, list+"&search="+url.QueryEscape(strings.ToUpper(name[1:4])))
	if len(found) == 0 || len(found) == len(all) {
		t.Errorf("a search finds %d of %d", len(found), len(all))
	}
	for _, r := range s.rows(t, list+"&where=reclaim:true") {
		if r["reclaim"] != true {
			t.Errorf("where finds %v", r)
		}
	}
	for _, bad := range []string{"sort=1%3BDROP", "where=a%60b:1", "sort=%60", "where=x", "sort=nothing", "where=nothing:1"} {
		if got := asked(t, s.server.Handler(), "GET", list+"&"+bad, nil); got.Code != 400 {
			t.Errorf("%s: %d %.100s", bad, got.Code, got.Body)
		}
	}
	for _, quote := range []string{"'", `\`, "' OR 1=1 --", "{x:String}", "\t\n"} {
		if got := s.rows(t, list+"&search="+url.QueryEscape("zz"+quote)); len(got) != 0 {
			t.Errorf("search %q finds %d", quote, len(got))
		}
	}
	records, err := csv.NewReader(strings.NewReader(s.get(t, list+"&format=csv"))).ReadAll()
	if err != nil || len(records) != len(all)+1 {
		t.Errorf("csv has %d lines, %v", len(records), err)
	}
	if x := s.get(t, list+"&format=xlsx"); !strings.HasPrefix(x, "PK") {
		t.Error("xlsx is none")
	}
	s.testDocument(t)
}

// testDocument: the OpenAPI document names every address that is served, and its
// references lead somewhere.
func (s *stack) testDocument(t *testing.T) {
	text := s.get(t, "/api/v1/openapi.json")
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Responses   map[string]any
			Parameters  []struct{ Name, In string }
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("%v: %.200s", err, text)
	}
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if ids[op.OperationID] || op.OperationID == "" || len(op.Responses) < 2 {
				t.Errorf("%s %s: operation %q", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			for _, in := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if len(op.Parameters) == 0 || op.Parameters[0].Name != in[1] {
					t.Errorf("%s %s says nothing of %s", method, path, in[1])
				}
			}
		}
	}
	for _, q := range schemas.Queries() {
		if _, ok := doc.Paths["/api/v1/queries/"+q.Name]; ok == q.Internal {
			t.Errorf("question %s: in the document %v", q.Name, ok)
		}
	}
	for _, rt := range s.server.apiRoutes() {
		if _, ok := doc.Paths[rt.path][strings.ToLower(rt.method)]; !ok && rt.answers != "" {
			t.Errorf("%s %s is not in the document", rt.method, rt.path)
		}
	}
	for _, ref := range regexp.MustCompile(`#/components/schemas/(\w+)`).FindAllStringSubmatch(text, -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("the document refers to %s and has it not", ref[1])
		}
	}
}

// testActs: what is changed is written down, by whom and from where, without a name.
func (s *stack) testActs(t *testing.T) {
	h := s.guarded(t)
	if got := asked(t, h, "POST", "/api/v1/connectors/fabrikam/run", bearer(managerToken)); got.Code != http.StatusAccepted {
		t.Fatalf("run: %d %s", got.Code, got.Body)
	}
	acts, err := s.server.acts(t.Context(), 1)
	if err != nil || len(acts) != 1 || acts[0].Who != "manager" || acts[0].Role != "manager" || acts[0].Act != "connector-run" || acts[0].Target != "fabrikam" || acts[0].Time.IsZero() {
		t.Errorf("acts %+v, %v", acts, err)
	}
}
