package graphsim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a running simulator with a client that trusts only its authority.
type rig struct {
	*Server
	t      *testing.T
	client *http.Client
	bearer string
}

var startDate = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func newRig(t *testing.T, users int, change ...func(*Config)) *rig {
	t.Helper()
	cfg := Config{Start: startDate, Tenants: []TenantConfig{{Domain: "contoso.onmicrosoft.com", Seed: 7, Users: users}}}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CAPEM())
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	r := &rig{Server: s, t: t, client: &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	r.login()
	return r
}

func (r *rig) tokenForm() url.Values {
	ti := r.Tenants()[0]
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {ti.ClientID}, "client_secret": {ti.ClientSecret}, "scope": {r.URL() + "/.default"}}
}

func (r *rig) token(tenant string, form url.Values) (int, map[string]any) {
	r.t.Helper()
	resp, err := r.client.PostForm(r.AuthorityURL()+"/"+tenant+"/oauth2/v2.0/token", form)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, out
}

func (r *rig) login() {
	r.t.Helper()
	status, body := r.token(r.Tenants()[0].ID, r.tokenForm())
	if status != 200 {
		r.t.Fatalf("token: %d %v", status, body)
	}
	r.bearer = body["access_token"].(string)
}

// do sends a request with the bearer token; link is a path or a whole address.
func (r *rig) do(link string) (*http.Response, error) {
	r.t.Helper()
	if !strings.HasPrefix(link, "https://") {
		link = r.URL() + "/v1.0" + link
	}
	req, err := http.NewRequest(http.MethodGet, link, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.bearer != "" && !strings.Contains(link, "/download/") {
		req.Header.Set("Authorization", "Bearer "+r.bearer)
	}
	return r.client.Do(req)
}

func (r *rig) get(link string) (int, string, http.Header) {
	r.t.Helper()
	resp, err := r.do(link)
	if err != nil {
		r.t.Fatalf("get %s: %v", link, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatalf("read %s: %v", link, err)
	}
	return resp.StatusCode, string(body), resp.Header
}

type page struct {
	Context string           `json:"@odata.context"`
	Next    string           `json:"@odata.nextLink"`
	Value   []map[string]any `json:"value"`
}

func (r *rig) page(link string) page {
	r.t.Helper()
	status, body, _ := r.get(link)
	if status != 200 {
		r.t.Fatalf("get %s: %d %s", link, status, body)
	}
	var p page
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		r.t.Fatalf("decode %s: %v\n%.500s", link, err, body)
	}
	return p
}

// all follows a listing to its end.
func (r *rig) all(link string) []map[string]any {
	r.t.Helper()
	var out []map[string]any
	for link != "" {
		p := r.page(link)
		out = append(out, p.Value...)
		link = p.Next
	}
	return out
}

// code is the error code of a failed request.
func (r *rig) code(link string) (int, string, string) {
	r.t.Helper()
	status, body, _ := r.get(link)
	var e struct {
		Error struct {
			Code, Message string
			InnerError    map[string]string
		}
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		r.t.Fatalf("decode error of %s: %v: %s", link, err, body)
	}
	for _, key := range []string{"date", "request-id", "client-request-id"} {
		if e.Error.InnerError[key] == "" {
			r.t.Errorf("error of %s lacks innerError.%s", link, key)
		}
	}
	return status, e.Error.Code, e.Error.Message
}

const fullSelect = "id,userPrincipalName,displayName,mail,accountEnabled,userType,usageLocation,department,companyName,country,city,officeLocation,employeeId,jobTitle,onPremisesSyncEnabled,createdDateTime,assignedLicenses,licenseAssignmentStates,assignedPlans"

// report downloads a report and returns its lines.
func (r *rig) report(function string) []string {
	r.t.Helper()
	status, body, h := r.get("/reports/" + function)
	if strings.HasPrefix(function, "/") {
		status, body, h = r.get(function)
	}
	if status != 302 {
		r.t.Fatalf("%s: %d %s", function, status, body)
	}
	status, body, h = r.get(h.Get("Location"))
	if status != 200 || h.Get("Content-Type") != "application/octet-stream" {
		r.t.Fatalf("download %s: %d %s", function, status, body)
	}
	body, ok := strings.CutPrefix(body, "\xef\xbb\xbf")
	if !ok || !strings.HasSuffix(body, "\r\n") {
		r.t.Fatalf("%s lacks its byte order mark or its last line end", function)
	}
	return strings.Split(strings.TrimSuffix(body, "\r\n"), "\r\n")
}
