package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// panel is a panel of a Grafana dashboard, as far as it asks for something.
type panel struct {
	Title       string
	Description string
	Targets     []struct {
		RawSQL string `json:"rawSql"`
		Expr   string `json:"expr"`
	}
}

var metricName = regexp.MustCompile(`\b(seatstream|go|process)_[a-z_]+\b`)

// TestDashboardsAndAlertsFindTheirData runs every panel's SQL and looks for every metric
// that a panel or an alert names.
func TestDashboardsAndAlertsFindTheirData(t *testing.T) {
	t.Parallel()
	s := startStation(t, "contoso.onmicrosoft.com=60", "fabrikam.onmicrosoft.com=30")
	s.stored(2, "SELECT uniqExact(tenant_id) FROM m365.run_changes WHERE feed = 'all'")
	metrics := map[string]bool{}
	for series := range scrape(t, s.up.metricsAddress()) {
		name, _, _ := strings.Cut(series, "{")
		metrics[name] = true
	}
	known := func(where, expr string) {
		names := metricName.FindAllString(expr, -1)
		if len(names) == 0 && !strings.Contains(expr, `up{job="seatstream"}`) {
			t.Errorf("%s asks for no metric of seatstream: %s", where, expr)
		}
		for _, name := range names {
			if !metrics[name] {
				t.Errorf("%s: there is no metric %s", where, name)
			}
		}
	}
	files, err := filepath.Glob("../deploy/grafana/dashboards/*.json")
	if err != nil || len(files) != 4 {
		t.Fatalf("dashboards %v, %v", files, err)
	}
	queries := 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			UID        string
			Panels     []panel
			Templating struct{ List []struct{ Query string } }
		}
		if err := json.Unmarshal(body, &board); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range board.Templating.List {
			board.Panels = append(board.Panels, panel{Title: "variable", Targets: []struct {
				RawSQL string `json:"rawSql"`
				Expr   string `json:"expr"`
			}{{RawSQL: v.Query}}})
		}
		for _, p := range board.Panels {
			where := filepath.Base(file) + ", " + p.Title
			if len(p.Targets) == 0 {
				t.Errorf("%s asks for nothing", where)
			}
			for _, q := range p.Targets {
				if q.Expr != "" {
					known(where, q.Expr)
					continue
				}
				queries++
				for _, tenant := range []string{"", s.sim.tenants[0].id} {
					if got := rows(t, s.ok("query", "-o", "json", "--sql", strings.ReplaceAll(q.RawSQL, "${tenant:raw}", tenant))); len(got) == 0 {
						t.Errorf("%s: no rows for tenant %q", where, tenant)
					}
				}
			}
		}
	}
	if queries < 15 {
		t.Errorf("%d queries found", queries)
	}
	alerts, err := os.ReadFile("../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations struct {
					Runbook string `yaml:"runbook_url"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(alerts, &rules); err != nil {
		t.Fatal(err)
	}
	runbook, err := os.ReadFile("../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Groups[0].Rules {
		known("alert "+r.Alert, r.Expr)
		if !strings.HasSuffix(r.Annotations.Runbook, "docs/operate.md#"+strings.ToLower(r.Alert)) || !strings.Contains(string(runbook), "### "+r.Alert+"\n") {
			t.Errorf("alert %s has no section in docs/operate.md: %s", r.Alert, r.Annotations.Runbook)
		}
	}
}
