package summary

import (
	"bytes"
	"flag"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/seatstream/seatstream/internal/teststack"
)

func TestMain(m *testing.M) { teststack.Main(m) }

func written(t *testing.T, s *Summary) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sample() *Summary {
	at := time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)
	return &Summary{
		Tenant: "contoso.onmicrosoft.com", TenantID: "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0", Made: at, Status: "complete", LastRun: &at, ReportDate: &at,
		SKUs: []SKU{
			{Name: "Microsoft 365 E5", PartNumber: "SPE_E5", Enabled: 1250, Consumed: 1241, Use: [4]int64{1198, 27, 9, 7}, Unassigned: 9, Excluded: 2,
				Unused: Money{"EUR": decimal.RequireFromString("2115.005"), "USD": decimal.RequireFromString("1.10")}},
			{Name: "Visio Plan 2", PartNumber: "VISIOCLIENT", Enabled: 40, Consumed: 41, Use: [4]int64{0, 20, 0, 18}, OverAllocated: 1, Unpriced: 20, Unused: Money{}},
		},
		Reasons:  []Reason{{"names concealed", 25}},
		Evidence: []Feed{{Name: "users", Status: "complete", CollectedAt: &at, Entities: "1300"}, {Name: "getM365AppUserDetail", Status: "failed", Missing: "the last reading broke off"}},
	}
}

var update = flag.Bool("update", false, "write the golden files")

// TestPageGolden: what the page looks like is changed on purpose or not at all.
func TestPageGolden(t *testing.T) {
	t.Parallel()
	const file = "testdata/page.html"
	got := written(t, sample())
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page differs from %s; go test ./internal/summary -update writes it anew", file)
	}
}

func TestPageSays(t *testing.T) {
	t.Parallel()
	got := html.UnescapeString(written(t, sample()))
	for _, want := range []string{
		"contoso.onmicrosoft.com", "as of 2026-03-14 06:00 UTC", "reports to 2026-03-14", "EUR 2,115.01 + USD 1.10", "56 licences inactive or never used",
		"20 of them without a price", "2 left alone on purpose", "names concealed", "the last reading broke off", "no price", "1,198", "Microsoft 365 E5: 27 inactive",
		"Microsoft 365 E5: 9 unassigned", "Visio Plan 2: 18 unknown", "Visio Plan 2: 38 seats",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	// The states in their order: active, inactive, never used, unknown, unassigned.
	key := regexp.MustCompile(`</svg>([a-z ]+)</li>`).FindAllStringSubmatch(got, -1)
	if s := fmt.Sprint(key); len(key) != 5 || !regexp.MustCompile(`active\].*inactive\].*never used\].*unknown\].*unassigned\]`).MatchString(s) {
		t.Errorf("key %s", s)
	}
	if strings.Contains(got, "band\"") {
		t.Error("a warning where nothing is wrong")
	}
	s := sample()
	s.Status, s.Notes = "partial", "users: not complete"
	if got := written(t, s); !strings.Contains(got, "The last run was not complete (partial). users: not complete") {
		t.Error("no warning about a run that was not complete")
	}
	if got := written(t, &Summary{Tenant: "x"}); !strings.Contains(got, "No run of this tenant has been stored") || strings.Contains(got, "class=\"chart\"") {
		t.Error("a tenant without data")
	}
}

// TestPageStandsAlone: nothing on the page is loaded from anywhere, and no name on it is
// markup, whatever it holds.
func TestPageStandsAlone(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title><script src="//x.example">`, "a\u202egnp.exe", `{{.Made}}`, `javascript:alert(1)`,
		"</text></svg><iframe>", "x\x00\x1b[31m", "<!--", strings.Repeat("w", 5000), `</style><style>*{display:none}`, "\xff\xfe",
	} {
		s := sample()
		s.Tenant, s.Notes, s.Status = hostile, hostile, hostile
		s.SKUs[0].Name, s.SKUs[0].Unused = hostile, Money{hostile: decimal.NewFromInt(1)}
		s.Reasons[0].Text, s.Evidence[0].Missing, s.Evidence[0].Name = hostile, hostile, hostile
		got := written(t, s)
		tags := map[string]bool{}
		for _, m := range regexp.MustCompile(`<([a-zA-Z!/][a-zA-Z0-9]*)`).FindAllStringSubmatch(got, -1) {
			tags[strings.ToLower(m[1])] = true
		}
		for _, bad := range []string{"script", "img", "iframe", "link", "object", "embed", "a", "form", "base"} {
			if tags[bad] {
				t.Errorf("%q made a <%s>", hostile, bad)
			}
		}
		for _, bad := range []string{"\u202e", "\x1b", "\x00", " src=", " href=", "@import", " onerror=\""} {
			if i := strings.Index(got, bad); i >= 0 && !strings.Contains(got[max(0, i-30):i], "&") {
				t.Errorf("%q: %q is on the page: %s", hostile, bad, got[max(0, i-40):min(len(got), i+40)])
			}
		}
		if n := strings.Count(got, "<style>"); n != 1 {
			t.Errorf("%q: %d styles", hostile, n)
		}
		if strings.Contains(got, "url(") && strings.Count(got, "url(") != strings.Count(got, "url(#hatch)") {
			t.Errorf("%q: the page loads something", hostile)
		}
	}
}

// TestCollect asks the real queries about a tenant with one licence of a product and
// about one that is not there.
func TestCollect(t *testing.T) {
	t.Parallel()
	db := teststack.StartClickHouse(t).Conn
	const tenant, e5 = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0", "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
	for _, sql := range []string{
		`INSERT INTO m365.organization_changes (tenant_id, stream_seq, observed_at, default_domain, domains) VALUES ('` + tenant + `', 1, now64(), 'contoso.com', ['contoso.com'])`,
		`INSERT INTO m365.sku_changes (tenant_id, sku_id, stream_seq, observed_at, sku_part_number, applies_to, consumed_units, enabled_units) VALUES ('` + tenant + `', '` + e5 + `', 2, now64(), 'SPE_E5', 'User', 1, 3)`,
		`INSERT INTO m365.user_changes (tenant_id, user_id, stream_seq, observed_at, user_principal_name, account_enabled, user_type, sku_ids, sku_disabled_plans) VALUES ('` + tenant + `', '` + tenant + `', 3, now64(), 'a@contoso.com', true, 'Member', ['` + e5 + `'], [[]])`,
		`INSERT INTO m365.run_changes (tenant_id, feed, run_id, stream_seq, observed_at, status, started_at, finished_at) VALUES ('` + tenant + `', 'all', 'r', 4, now64(), 'complete', now64(), now64()), ('` + tenant + `', 'users', 'r', 5, now64(), 'complete', now64(), now64())`,
	} {
		if err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Collect(t.Context(), db, tenant, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if s.Tenant != "contoso.com" || s.Status != "complete" || s.LastRun == nil || len(s.SKUs) != 1 || len(s.Reasons) != 1 || len(s.Evidence) < 4 {
		t.Fatalf("%+v", s)
	}
	if k := s.SKUs[0]; k.PartNumber != "SPE_E5" || k.Enabled != 3 || k.Consumed != 1 || k.Unassigned != 2 || k.Use != [4]int64{0, 0, 0, 1} || k.UnusedSeats() != 0 {
		t.Errorf("%+v", k)
	}
	if none, err := Collect(t.Context(), db, e5, time.Now()); err != nil || len(none.SKUs) != 0 || none.LastRun != nil {
		t.Errorf("a tenant that is not there: %+v, %v", none, err)
	}
}
