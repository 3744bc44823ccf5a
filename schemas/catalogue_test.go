package schemas

import (
	"io/fs"
	"regexp"
	"slices"
	"testing"
)

// TestShipped holds the shipped data against itself and against the workloads of the
// migrations: ids are of products that are in it, nothing stands twice, and a downgrade
// goes down within a family.
func TestShipped(t *testing.T) {
	t.Parallel()
	c := Shipped()
	skus := map[string]ShippedSKU{}
	for _, s := range c.SKUs {
		if _, twice := skus[s.ID]; twice || !IsGUID(s.ID) || s.Name == "" || s.PartNumber == "" || s.Family == "" {
			t.Errorf("SKU %+v: twice, or a field is missing", s)
		}
		if s.Viral && !s.Free {
			t.Errorf("%s is viral and not free", s.Name)
		}
		skus[s.ID] = s
	}
	if len(skus) < 100 {
		t.Errorf("%d SKUs", len(skus))
	}
	plans := map[string]ShippedPlan{}
	for _, p := range c.Plans {
		if _, twice := plans[p.ID]; twice || !IsGUID(p.ID) || p.Name == "" || p.Code == "" || p.Family == "" {
			t.Errorf("plan %+v: twice, or a field is missing", p)
		}
		if p.Foundation && p.CoveredBy != "" {
			t.Errorf("foundation plan %s is covered by a report", p.Code)
		}
		plans[p.ID] = p
	}
	pairs := map[ShippedPair]bool{}
	for _, p := range c.Supersedes {
		if pairs[p] || plans[p.From].ID == "" || plans[p.To].ID == "" || p.From == p.To || pairs[ShippedPair{From: p.To, To: p.From}] {
			t.Errorf("supersedes %+v: twice, in a circle, or a plan that is not there", p)
		}
		pairs[p], pairs[ShippedPair{From: p.From, To: p.To}] = true, true
	}
	for _, p := range c.Supersedes { // chains are written out
		for _, q := range c.Supersedes {
			if q.From == p.To && !pairs[ShippedPair{From: p.From, To: q.To}] {
				t.Errorf("%s supersedes %s and that %s: the pair of the ends is missing", plans[p.From].Code, plans[p.To].Code, plans[q.To].Code)
			}
		}
	}
	kinds := []string{"E5-E3", "E3-F3", "E3-E1", "edition"}
	for _, d := range c.Downgrades {
		from, to := skus[d.From], skus[d.To]
		if from.Family == "" || from.Family != to.Family || from.Tier <= to.Tier || !slices.Contains(kinds, d.Kind) {
			t.Errorf("downgrade %s: not down within a family, or of no kind", d.Note)
		}
	}
}

// TestShippedCoverage: what covers a plan is what the workloads of the reports say.
func TestShippedCoverage(t *testing.T) {
	t.Parallel()
	b, err := fs.ReadFile(Migrations(), "00002_service_plan_workloads.sql")
	if err != nil {
		t.Fatal(err)
	}
	reports := map[string]string{}
	for _, m := range regexp.MustCompile(`\('([0-9a-f-]{36})', '[^']+', '(\w+)'\)`).FindAllStringSubmatch(string(b), -1) {
		switch m[2] {
		case "Apps":
			reports[m[1]] = "getM365AppUserDetail"
		case "Copilot":
			reports[m[1]] = "getMicrosoft365CopilotUsageUserDetail"
		default:
			reports[m[1]] = "getOffice365ActiveUserDetail"
		}
	}
	if len(reports) < 20 {
		t.Fatalf("%d plans have a workload", len(reports))
	}
	for _, p := range Shipped().Plans {
		if reports[p.ID] != p.CoveredBy {
			t.Errorf("%s is covered by %q, by its workload %q", p.Code, p.CoveredBy, reports[p.ID])
		}
		delete(reports, p.ID)
	}
	if len(reports) > 0 {
		t.Errorf("plans with a workload and without traits: %v", reports)
	}
}
