package dashboard

import (
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/shopspring/decimal"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// made is an answer that nobody was asked for.
func made(columns []output.Column, rows ...row) *found {
	q, _ := schemas.QueryNamed("licence-position")
	return &found{query: q, columns: columns, rows: rows, total: uint64(len(rows))}
}

// rendered renders every page with a name that somebody may have, without any server.
func rendered(t *testing.T, name string) map[string]string {
	t.Helper()
	s := &Server{pages: parsePages(), now: time.Now, log: zerolog.Nop(), cfg: Config{Version: "test", SecretDir: "x"}}
	now := time.Now().UTC()
	price := decimal.RequireFromString("1234.5")
	seats := made([]output.Column{{Name: "tenant_id"}, {Name: "tenant"}, {Name: "sku_id"}, {Name: "sku"}, {Name: "name"}, {Name: "enabled", Type: output.Count}, {Name: "holders", Type: output.Count},
		{Name: "active", Type: output.Count}, {Name: "inactive", Type: output.Count}, {Name: "never_used", Type: output.Count}, {Name: "unknown", Type: output.Count}, {Name: "unassigned", Type: output.Count},
		{Name: "over_allocated", Type: output.Count}, {Name: "unused_cost", Exact: "Decimal(18, 4"}, {Name: "currency"}},
		row{"tenant_id": "1", "tenant": name, "sku_id": "a", "sku": name, "name": name, "enabled": int64(1250), "holders": uint64(1241), "active": uint64(900), "inactive": uint64(200), "never_used": uint64(100), "unknown": uint64(41), "unassigned": int64(9), "over_allocated": int64(0), "unused_cost": price, "currency": "EUR"},
		row{"tenant_id": "1", "tenant": name, "sku_id": "b", "sku": "B", "name": "B", "unknown": uint64(3), "currency": name})
	people := made([]output.Column{{Name: "user_id"}, {Name: "display_name"}, {Name: "user_principal_name"}, {Name: "name"}, {Name: "sku"}, {Name: "state"}, {Name: "last_use", Type: output.Date}, {Name: "at", Type: output.Time}, {Name: "groups"}},
		row{"user_id": "u", "display_name": name, "user_principal_name": name, "name": name, "sku": "E5", "state": "unknown", "last_use": now, "at": now, "groups": []string{name, name}})
	pages := map[string]string{}
	render := func(page string, body any, tenantChosen bool) {
		w := httptest.NewRecorder()
		rq := &request{s: s, w: w, r: httptest.NewRequestWithContext(t.Context(), "GET", "/x?search="+url.QueryEscape(name), nil), scope: scope{Name: "local", Role: Admin},
			tenants: []tenant{{ID: "1", Domain: "contoso.onmicrosoft.com", Name: name, Status: "incomplete", Notes: name, LastRun: &now}, {ID: "2", Domain: name, Name: name}}}
		rq.query = rq.r.URL.Query()
		if tenantChosen {
			rq.tenant = &rq.tenants[0]
		}
		switch b := body.(type) {
		case func(*request) any:
			body = b(rq)
		}
		if err := rq.show(200, page, view{Title: name, Body: body, Bands: []string{name}, Done: name}); err != nil {
			t.Fatalf("%s: %v", page, err)
		}
		pages[page] = w.Body.String()
	}
	full := func(rq *request) *board {
		list := positions(seats)
		return &board{Figures: rq.figures(sum(seats, seats)), Chart: draw(list), Positions: rq.positionGrid(seats, list), Savings: rq.layOut(people, gridSpec{ID: "savings", Caption: name}), Tenants: rq.tenantLines(seats, made(nil)), Reports: name}
	}
	grids := 0
	grid := func(rq *request) *grid {
		grids++ // a page has each table once
		id := "table" + strconv.Itoa(grids)
		g := rq.layOut(people, gridSpec{ID: id, Caption: name + " " + id, Paged: true, Act: rq.leaveAlone, ActTitle: "Act"})
		g.Next, g.CSV, g.Evidence = "/next", "/csv", "/evidence"
		return g
	}
	connector := connectorLine{Connector: producer.Connector{Name: "contoso", Tenant: name, GraphURL: name}, State: "running", Problem: name, LastRun: &now}
	q, err := schemas.QueryNamed("cost")
	if err != nil {
		t.Fatal(err)
	}
	render("overview.html", func(rq *request) any { return full(rq) }, false)
	render("tenant.html", func(rq *request) any {
		return &tenantBody{board: full(rq), Tenant: rq.tenant, By: "country", Groupings: groupings, Waste: grid(rq), Renewals: grid(rq), Residuals: grid(rq), Coverage: grid(rq), Outlook: grid(rq),
			Activity: grid(rq), Trend: activity(made(nil, row{"report": name, "day": now, "people": uint64(4)}, row{"report": name, "day": now.AddDate(0, 0, -3), "people": uint64(9)}))}
	}, true)
	render("people.html", func(rq *request) any {
		return &peopleBody{Grid: grid(rq), Lists: lists, ByUse: true, Days: "90", Products: []row{{"sku": name, "name": name}}}
	}, false)
	render("person.html", func(rq *request) any {
		return &personBody{Name: name, UPN: name, Department: name, ID: "u", Holdings: grid(rq), Workloads: grid(rq), Paths: grid(rq), History: grid(rq)}
	}, false)
	render("recommendations.html", func(*request) any {
		return &recommendBody{Tabs: advice, Kind: "excluded", Standing: []standing{{Standing: catalogue.Standing{ID: "1", Exclusion: catalogue.Exclusion{User: "u", Tag: "vip", Reason: name, Who: name}}, TenantLabel: name, Product: name, May: true}}}
	}, false)
	render("exclusion.html", &exclusionBody{Name: name, Product: name, Reason: name, Tags: catalogue.Tags, Problem: name}, true)
	render("questions.html", []*schemas.Query{q}, false)
	render("question.html", func(rq *request) any {
		return &questionBody{Query: q, Params: []paramField{{"by", name, name, name}}, Grid: grid(rq), Evidence: grid(rq), Command: name}
	}, false)
	render("connectors.html", []connectorLine{connector}, false)
	render("connector.html", func(rq *request) any {
		v := &producer.Verdict{Checks: []graph.Check{{Name: name, Detail: name, Remedy: name}}, Questions: []producer.Question{{Name: "cost", Answer: "no", Missing: []string{name}}}}
		return &connectorBody{connectorLine: connector, SignIn: name, Running: true, Verdict: v, Failed: name, Runs: grid(rq), Feeds: grid(rq)}
	}, false)
	render("new.html", &newBody{Connector: producer.Connector{Name: name, Tenant: name, ClientID: name, GraphURL: name}, Clouds: producer.Clouds, Pasted: true, Problems: []string{name}}, false)
	render("remove.html", &removeBody{Connector: producer.Connector{Name: "contoso", Tenant: name}, Known: true}, false)
	render("streams.html", &streamsBody{All: true, streamsState: &streamsState{Health: name, Streams: []streamState{{Name: "M365", Description: name}}},
		Causes: []*cause{{Tenant: name, Kind: name, Reason: name, Letters: 1, Sequences: []uint64{1}}}, Verify: verifyState{Ended: &now, Differs: []string{name}}, Acts: []act{{Who: name, Target: name, Detail: name}}}, false)
	render("signin.html", map[string]string{"Next": next(name), "Problem": name}, false)
	render("failed.html", name, false)
	return pages
}

// TestNamesAreText: whatever a name holds, it adds no element and no attribute to any page:
// with its texts taken out, a page is the one that a harmless name has.
func TestNamesAreText(t *testing.T) {
	t.Parallel()
	plain := rendered(t, "harmless")
	if dir := os.Getenv("SEATSTREAM_TEST_PAGES"); dir != "" { // to look at them
		for page, text := range plain {
			if err := os.WriteFile(filepath.Join(dir, page), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range hostile {
		for page, text := range rendered(t, name) {
			for _, tag := range []string{"<script", "<img", "<iframe", "</td", "<b>", "<i>", " onerror=\"", "javascript:"} {
				got, want := strings.Count(strings.ToLower(text), tag), strings.Count(strings.ToLower(plain[page]), tag)
				if tag == "javascript:" && !strings.Contains(strings.ToLower(text), `="`+tag) {
					continue // as text it does nothing
				}
				if got != want {
					t.Errorf("%s with the name %.40q has %d of %s, not %d", page, name, got, tag, want)
				}
			}
		}
	}
}
