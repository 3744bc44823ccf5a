package graphsim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t, 20)
	ti := r.Tenants()[0]
	known := func(change func(url.Values)) url.Values {
		f := r.tokenForm()
		change(f)
		return f
	}
	same := func(url.Values) {}
	cases := []struct {
		name   string
		tenant string
		form   url.Values
		sw     func(*Switches)
		status int
		err    string
		code   float64
	}{
		{"wrong secret", ti.ID, known(func(f url.Values) { f.Set("client_secret", "nope") }), nil, 401, "invalid_client", 7000215},
		{"secret made wrong", ti.ID, known(same), func(s *Switches) { s.Secret = "wrong" }, 401, "invalid_client", 7000215},
		{"expired secret", ti.ID, known(same), func(s *Switches) { s.Secret = "expired" }, 401, "invalid_client", 7000222},
		{"no secret", ti.ID, known(func(f url.Values) { f.Del("client_secret") }), nil, 401, "invalid_client", 7000218},
		{"unknown tenant", "12345678-1234-1234-1234-123456789012", known(same), nil, 400, "invalid_request", 90002},
		{"unknown domain", "nowhere.example", known(same), nil, 400, "invalid_request", 90002},
		{"malformed tenant", "invalid_tenant", known(same), nil, 400, "invalid_request", 900023},
		{"app removed", ti.ID, known(same), func(s *Switches) { s.AppKnown = false }, 400, "unauthorized_client", 700016},
		{"other app", ti.ID, known(func(f url.Values) { f.Set("client_id", ti.ID) }), nil, 400, "unauthorized_client", 700016},
		{"bad scope", ti.ID, known(func(f url.Values) { f.Set("scope", "https://foo.example/.default") }), nil, 400, "invalid_scope", 70011},
		{"no grant type", ti.ID, known(func(f url.Values) { f.Del("grant_type") }), nil, 400, "invalid_request", 900144},
		{"other grant type", ti.ID, known(func(f url.Values) { f.Set("grant_type", "password") }), nil, 400, "unsupported_grant_type", 70003},
	}
	for _, c := range cases {
		if c.sw != nil {
			if err := r.Switch(ti.ID, c.sw); err != nil {
				t.Fatal(err)
			}
		}
		status, body := r.token(c.tenant, c.form)
		if status != c.status || body["error"] != c.err || body["error_codes"].([]any)[0] != c.code {
			t.Errorf("%s: got %d %v %v", c.name, status, body["error"], body["error_codes"])
		}
		keys := []string{"correlation_id", "error", "error_codes", "error_description", "error_uri", "timestamp", "trace_id"}
		var got []string
		for k := range body {
			got = append(got, k)
		}
		slices.Sort(got)
		if !slices.Equal(got, keys) {
			t.Errorf("%s: keys %v", c.name, got)
		}
		if err := r.Switch(ti.ID, func(s *Switches) { s.Secret, s.AppKnown = "ok", true }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTokenClaims(t *testing.T) {
	t.Parallel()
	r := newRig(t, 20)
	form := r.tokenForm()
	// Client libraries add the OpenID scopes and name tenants by domain.
	form.Set("scope", "https://graph.microsoft.com/.default openid offline_access profile")
	status, body := r.token("Contoso.onmicrosoft.com", form)
	if status != 200 || body["expires_in"] != 3599.0 || body["token_type"] != "Bearer" {
		t.Fatalf("token: %d %v", status, body)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(body["access_token"].(string), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var cl struct {
		Tid, Appid string
		Roles      []string
	}
	if err := json.Unmarshal(raw, &cl); err != nil {
		t.Fatal(err)
	}
	ti := r.Tenants()[0]
	if cl.Tid != ti.ID || cl.Appid != ti.ClientID || !slices.Equal(cl.Roles, DefaultRoles()) {
		t.Errorf("claims: %+v", cl)
	}
}

func TestTokenIsVerified(t *testing.T) {
	t.Parallel()
	r := newRig(t, 20)
	good := r.bearer
	other := newRig(t, 20)
	for name, bearer := range map[string]string{"none": "", "garbage": "abc", "cut": good[:len(good)-8], "other server": other.bearer} {
		r.bearer = bearer
		if status, code, _ := r.code("/users"); status != 401 || code != "InvalidAuthenticationToken" {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	r.bearer = ""
	if status, code, _ := r.code("/reports/getOffice365ActivationsUserDetail"); status != 401 || code != "MissingCredentials" {
		t.Errorf("reports without a token: %d %s", status, code)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	r := newRig(t, 20)
	need := []struct{ link, code string }{
		{"/users", "Authorization_RequestDenied"}, {"/groups", "Authorization_RequestDenied"}, {"/subscribedSkus", "Authorization_RequestDenied"},
		{"/organization", "Authorization_RequestDenied"}, {"/directory/subscriptions", "Authorization_RequestDenied"},
		{"/directory/deletedItems/microsoft.graph.user", "Authorization_RequestDenied"},
		{"/reports/getOffice365ActivationsUserDetail", "UnknownError"}, {"/admin/reportSettings", "UnknownError"},
	}
	id := r.Tenants()[0].ID
	if status, code, _ := r.code("/admin/reportSettings"); status != 403 || code != "UnknownError" {
		t.Errorf("report settings with the default roles: %d %s", status, code)
	}
	if err := r.Switch(id, func(s *Switches) { s.Roles = nil }); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := r.get("/users"); status != 200 {
		t.Errorf("the old token must keep its roles, got %d", status)
	}
	r.login()
	for _, n := range need {
		status, code, msg := r.code(n.link)
		if status != 403 || code != n.code || code == "UnknownError" && !strings.Contains(msg, `"S2SUnauthorized"`) {
			t.Errorf("%s: %d %s %s", n.link, status, code, msg)
		}
	}
}

func TestSignInActivity(t *testing.T) {
	t.Parallel()
	r := newRig(t, 700)
	link := "/users?$select=id,signInActivity&$top=999"
	if status, code, _ := r.code(link); status != 403 || code != "Authorization_RequestDenied" {
		t.Errorf("without AuditLog.Read.All: %d %s", status, code)
	}
	id := r.Tenants()[0].ID
	if err := r.Switch(id, func(s *Switches) { s.Roles = append(s.Roles, roleAuditLog) }); err != nil {
		t.Fatal(err)
	}
	r.login()
	if p := r.page(link); len(p.Value) != pageMostLogin || p.Next == "" {
		t.Errorf("got a page of %d", len(p.Value))
	}
	if err := r.Switch(id, func(s *Switches) { s.Premium = false }); err != nil {
		t.Fatal(err)
	}
	if status, code, _ := r.code(link); status != 403 || code != "Authentication_RequestFromNonPremiumTenantOrB2CTenant" {
		t.Errorf("without P1: %d %s", status, code)
	}
}

func TestAuthorityPersists(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/new"
	a := newRig(t, 20, func(c *Config) { c.Dir = dir })
	b := newRig(t, 20, func(c *Config) { c.Dir = dir })
	if string(a.CAPEM()) != string(b.CAPEM()) || a.CAFile() != dir+"/ca.pem" {
		t.Error("the authority changed over a restart")
	}
	file, err := os.ReadFile(a.CAFile())
	if err != nil || string(file) != string(a.CAPEM()) {
		t.Errorf("ca.pem: %v", err)
	}
	// A client of the first server reaches the second.
	resp, err := a.client.Get(b.URL() + "/common/discovery/instance")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("discovery: %d", resp.StatusCode)
	}
}
