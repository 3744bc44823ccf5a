package graph

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

// samples are bodies that others captured of the live service or that stand in its
// documentation. They are kept outside the repository.
const samples = "../../../shared/graph"

func sampleFiles(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(samples, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no samples %s", pattern)
		}
		t.Log("the captured samples are not here")
		t.Skip()
	}
	return files
}

func sample(t *testing.T, file string) (status int, body []byte) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, ".http") {
		_, rest, _ := strings.Cut(string(text), "\n\n")
		return 200, []byte(rest)
	}
	return 200, text
}

// generic reads a page in the plainest way, to compare with.
type generic struct {
	Value []map[string]any `json:"value"`
	Next  string           `json:"@odata.nextLink"`
}

func TestSamplePages(t *testing.T) {
	t.Parallel()
	for _, file := range append(sampleFiles(t, "json/*.json"), sampleFiles(t, "json/*.http")...) {
		name := filepath.Base(file)
		_, body := sample(t, file)
		var want generic
		isPage := json.Unmarshal(body, &want) == nil && want.Value != nil
		for _, item := range want.Value {
			if id, _ := item["id"].(string); id == "" {
				isPage = false // the sample was asked for without ids
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write(body)
			})
			c := f.client()
			switch {
			case strings.Contains(name, "subscribedSkus"):
				samplePage(t, c.SKUs, isPage, want, func(s *schemas.SKU) map[string]any {
					return map[string]any{"skuId": s.SKUID, "skuPartNumber": s.SKUPartNumber, "consumedUnits": float64(s.ConsumedUnits), "capabilityStatus": s.CapabilityStatus}
				})
			case strings.Contains(name, "member"):
				list := func(ctx context.Context, yield func(Page[schemas.Member]) error) error {
					return c.Members(ctx, "g", yield)
				}
				samplePage(t, list, isPage, want, func(m *schemas.Member) map[string]any {
					return map[string]any{"id": m.MemberID}
				})
			case strings.Contains(name, "group"):
				samplePage(t, c.Groups, isPage, want, func(g *schemas.Group) map[string]any {
					return map[string]any{"id": g.ID, "displayName": g.DisplayName, "mail": g.Mail, "createdDateTime": g.CreatedDateTime}
				})
			default:
				samplePage(t, c.Users, isPage, want, func(u *schemas.User) map[string]any {
					return map[string]any{"id": u.ID, "displayName": u.DisplayName, "userPrincipalName": u.UserPrincipalName, "mail": u.Mail, "jobTitle": u.JobTitle}
				})
			}
		})
	}
}

func samplePage[T any](t *testing.T, list func(context.Context, func(Page[T]) error) error, isPage bool, want generic, got func(*T) map[string]any) {
	t.Helper()
	items, pages, err := collect(list)
	if !isPage {
		wantKind(t, err, BadBody)
		return
	}
	if want.Next != "" {
		wantKind(t, err, ForeignHost) // the samples lead to the live service
	} else if err != nil {
		t.Fatal(err)
	}
	if len(pages) != 1 || len(items) != len(want.Value) {
		t.Fatalf("%d items in %d pages, want %d", len(items), len(pages), len(want.Value))
	}
	for i := range items {
		for name, value := range got(&items[i]) {
			expected := want.Value[i][name]
			if expected == nil {
				expected = ""
			}
			if value != expected {
				t.Errorf("item %d: %s is %v, want %v", i, name, value, expected)
			}
		}
	}
}

func TestSampleOrganization(t *testing.T) {
	t.Parallel()
	_, body := sample(t, sampleFiles(t, "json/doc_organization-list_1.http")[0])
	org, err := newFake(t, answer(200, string(body))).client().Organization(context.Background())
	if err != nil || org.ID != "84841066-274d-4ec0-a5c1-276be684bdd3" || org.CountryLetterCode != "NL" || len(org.VerifiedDomains) == 0 {
		t.Errorf("%+v %v", org, err)
	}
}

var sampleErrors = map[string]Kind{
	"400_delta_token_expired": ExpiredDelta, "400_delta_unsupported_select": Unsupported, "400_expired_page_token": ExpiredPage,
	"400_reports_date_out_of_range": Unsupported, "400_reports_json_on_v1": Unsupported, "400_search_without_consistencylevel": Unsupported,
	"400_subscribedSkus_top": Unsupported, "400_top_out_of_range": Unsupported, "401_reports_MissingCredentials": SignIn, "401_token_expired": SignIn,
	"403_Authorization_RequestDenied": Permission, "403_nonpremium_signInActivity": TenantLicence, "403_reportSettings_S2SUnauthorized": Permission,
	"403_reports_S2SUnauthorized_2018": Permission, "429_throttled": Throttled, "501_collection_property": Unsupported, "410_delta_resync": ExpiredDelta,
	"AADSTS700016_app_not_found": SignIn, "AADSTS7000215_wrong_secret": SignIn, "AADSTS7000222_expired_secret": SignIn, "AADSTS70011_bad_scope": SignIn,
	"AADSTS900023_bad_tenant_identifier": SignIn, "AADSTS90002_tenant_not_found": SignIn,
}

func TestSampleErrors(t *testing.T) {
	t.Parallel()
	for _, file := range sampleFiles(t, "errors/*") {
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".json"), ".http")
		if name == "token_success" {
			continue
		}
		kind, ok := sampleErrors[name]
		if !ok {
			t.Errorf("%s: no kind named for it", name)
			continue
		}
		_, body := sample(t, file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, nil)
			status := 400
			if name[0] >= '0' && name[0] <= '9' {
				status = int(name[0]-'0')*100 + int(name[1]-'0')*10 + int(name[2]-'0')
			}
			f.graph = answer(status, string(body))
			if strings.HasPrefix(name, "AADSTS") {
				f.signIn = answer(status, string(body))
			}
			_, _, err := collect(f.client().Users)
			e := wantKind(t, err, kind)
			code, _, _ := strings.Cut(strings.TrimPrefix(name, "AADSTS"), "_")
			if f.signIn != nil && (e.Code != "AADSTS"+code || strings.Contains(err.Error(), "Trace ID") || strings.Contains(err.Error(), "EUNEIZ")) {
				t.Errorf("%v", err)
			}
			if kind == Permission && !strings.Contains(e.Remedy, "User.Read.All") {
				t.Errorf("remedy %q", e.Remedy)
			}
			t.Log(err)
		})
	}
}

func TestSampleReports(t *testing.T) {
	t.Parallel()
	for _, file := range append(sampleFiles(t, "csv/*.csv"), sampleFiles(t, "csv_headers/*.csv")...) {
		function := strings.TrimSuffix(filepath.Base(file), ".csv")
		_, body := sample(t, file)
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			s, err := schemas.ReportNamed(function)
			if err != nil {
				t.Fatal(err)
			}
			in := csv.NewReader(strings.NewReader(string(body)))
			in.LazyQuotes = true
			records, err := in.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			// As the service sends it: with a byte order mark and CRLF.
			text := "\ufeff" + strings.ReplaceAll(strings.TrimSuffix(string(body), "\n"), "\n", "\r\n") + "\r\n"
			rows, res, err := readRows(s, strings.NewReader(text), 1000)
			if err != nil {
				t.Fatal(err)
			}
			if int(res.Rows) != len(records)-1 || res.Rejected != 0 {
				t.Fatalf("%+v for %d records", res, len(records))
			}
			if len(res.NewColumns)+len(res.MissingColumns) > 0 || res.RejectedValues > 0 {
				t.Logf("new %q, missing %q, %d values not of their type", res.NewColumns, res.MissingColumns, res.RejectedValues)
			}
			for i, row := range rows {
				checkSampleRow(t, s, records[0], records[i+1], row)
			}
		})
	}
}

// checkSampleRow looks for every cell of the sample in its place.
func checkSampleRow(t *testing.T, s *schemas.ReportSpec, header, cells []string, row flat) {
	t.Helper()
	for i, name := range header {
		cell := cells[i]
		switch name {
		case "Report Refresh Date":
			if row.RefreshDate != cell {
				t.Errorf("refresh date %q, want %q", row.RefreshDate, cell)
			}
			continue
		case "Report Period":
			if row.Period != cell {
				t.Errorf("period %q, want %q", row.Period, cell)
			}
			continue
		case s.UPN:
			if row.UserPrincipalName != cell || row.Concealed != isConcealed([]byte(cell)) && cell != "" {
				t.Errorf("upn %q, want %q", row.UserPrincipalName, cell)
			}
			continue
		case "User Id":
			continue
		}
		found := false
		for _, group := range []string{"date", "int", "bool", "text", "unknown"} {
			for known := range s.Columns {
				if fold(known) == fold(name) {
					name = known
				}
			}
			value, ok := row.values[group+" "+name]
			if !ok {
				continue
			}
			found = true
			want := map[string]string{"": "null", "False": "false", "No": "false", "True": "true", "Yes": "true"}[cell]
			quoted, _ := json.Marshal(cell)
			if value != want && value != cell && value != string(quoted) {
				t.Errorf("%s is %s, want %q", name, value, cell)
			}
		}
		if !found {
			t.Errorf("%s is nowhere", name)
		}
	}
}
