package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/schemas"
)

const (
	adminToken   = "admin-token-0123456789"
	viewerToken  = "viewer-token-0123456789"
	managerToken = "manager-token-012345678"
)

// TestOffLoopbackNeedsTokens: an address that others can reach is not served to everybody.
func TestOffLoopbackNeedsTokens(t *testing.T) {
	t.Parallel()
	deps := Deps{Log: zerolog.Nop()}
	token := []Token{{Name: "a", Secret: adminToken, Role: Admin}}
	for listen, refused := range map[string]bool{
		"127.0.0.1:0": false, "localhost:8484": false, "[::1]:8484": false, "127.8.8.8:1": false,
		":8484": true, "0.0.0.0:8484": true, "[::]:8484": true, "192.0.2.1:8484": true, "dashboard.example:8484": true, "localhost.example:1": true,
	} {
		if _, err := New(Config{Listen: listen}, deps); errors.Is(err, ErrNeedsToken) != refused {
			t.Errorf("%s without tokens: %v", listen, err)
		}
		if _, err := New(Config{Listen: listen, Tokens: token}, deps); err != nil {
			t.Errorf("%s with a token: %v", listen, err)
		}
	}
	if _, err := New(Config{Listen: ":1", Tokens: []Token{{Name: "a", Secret: "hush-hush", Role: Admin}}}, deps); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a short token: %v", err)
	}
}

// TestForeignHosts: without tokens, a name that somebody made resolve to this machine opens
// nothing.
func TestForeignHosts(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Listen: "127.0.0.1:0"}, Deps{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"127.0.0.1:8484": 200, "localhost": 200, "[::1]:8484": 200, "[::1]": 200,
		"evil.example": 421, "evil.example:8484": 421, "127.0.0.1.evil.example": 421, "": 421, "localhost.evil.example:1": 421,
	} {
		got := asked(t, s.Handler(), "GET", "/api/v1/openapi.json", func(r *http.Request) { r.Host = host })
		if got.Code != want {
			t.Errorf("host %q: %d, want %d", host, got.Code, want)
		}
	}
}

// TestCrossOrigin: no other site can make a browser change anything here.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Listen: "127.0.0.1:0"}, Deps{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range s.routes() {
		if rt.method != "POST" {
			continue
		}
		path := strings.NewReplacer("{name}", "contoso", "{id}", "1").Replace(rt.path)
		for _, change := range []func(*http.Request){
			func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
			func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
			func(r *http.Request) { r.Header.Set("Origin", "null") },
		} {
			if got := asked(t, s.Handler(), "POST", path, change); got.Code != http.StatusForbidden {
				t.Errorf("POST %s from elsewhere: %d", path, got.Code)
			}
		}
	}
}

func TestNextStaysHere(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/people?tenant=a": "/people?tenant=a", "": "/", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "/\tx": "/", "people": "/",
	} {
		if got := next(in); got != want {
			t.Errorf("next(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "2026-03-04": "2026-03-04", "2026-03-04 06:00:00": "2026-03-04 06:00:00", "2026-03-04T06:00": "2026-03-04 06:00:00", "2026-03-04T08:00:00+02:00": "2026-03-04 06:00:00",
	} {
		if got, err := readMoment(in); got != want || err != nil {
			t.Errorf("readMoment(%q) = %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"yesterday", "2026-13-01", "2026-03-04' OR 1", "<script>"} {
		if got, err := readMoment(bad); err == nil {
			t.Errorf("readMoment(%q) = %q", bad, got)
		}
	}
}

// guarded is the page with tokens, on the same parts.
func (s *stack) guarded(t *testing.T) http.Handler {
	t.Helper()
	g, err := New(Config{Listen: "0.0.0.0:0", Tokens: []Token{
		{Name: "admin", Secret: adminToken, Role: Admin},
		{Name: "viewer", Secret: viewerToken, Role: Viewer, Tenants: []string{"fabrikam"}},
		{Name: "manager", Secret: managerToken, Role: Manager, Tenants: []string{"fabrikam.onmicrosoft.com"}},
	}}, s.deps)
	if err != nil {
		t.Fatal(err)
	}
	return g.Handler()
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// testTenantsApart asks every page and every answer for the other tenant, in every way that
// an address has, with the token of one tenant.
func (s *stack) testTenantsApart(t *testing.T) {
	h := s.guarded(t)
	contoso := s.sim.Tenants()[0]
	var user, sku string
	if err := s.db.Conn.QueryRow(t.Context(), "SELECT toString(user_id), toString(sku_ids[1]) FROM m365.users FINAL WHERE tenant_id = ? AND notEmpty(sku_ids) LIMIT 1", contoso.ID).Scan(&user, &sku); err != nil {
		t.Fatal(err)
	}
	foreign := []string{contoso.ID, "contoso.onmicrosoft.com", "Contoso<", user}
	ask := func(path string) {
		t.Helper()
		got := asked(t, h, "GET", path, bearer(viewerToken))
		if got.Code >= 500 {
			t.Errorf("GET %s: %d %.300s", path, got.Code, got.Body)
		}
		for _, word := range foreign {
			// A refusal repeats what was asked for, and links keep the rest of the address.
			if asks := strings.Contains(path, word) && (got.Code != 200 || strings.Contains(path, "where=")); strings.Contains(got.Body.String(), word) && !asks {
				t.Errorf("GET %s: %d shows %q of another tenant", path, got.Code, word)
			}
		}
	}
	ways := []string{"", "?tenant=contoso", "?tenant=contoso.onmicrosoft.com", "?tenant=" + contoso.ID, "?tenant=", "?tenant=fabrikam&tenant=contoso", "?tenant=fabrikam&where=tenant_id:" + contoso.ID}
	for _, page := range []string{"/", "/tenant", "/people", "/people/" + user, "/recommendations", "/connectors", "/connectors/contoso", "/streams", "/exclusions/new"} {
		for i, way := range ways {
			if i < 2 || page == "/people" || page == "/connectors" { // the others read the address in the same place
				ask(page + way)
			}
		}
	}
	for _, q := range schemas.Queries() {
		if q.Internal {
			continue
		}
		ask("/api/v1/queries/" + q.Name)
		ask("/api/v1/queries/" + q.Name + "?tenant=contoso")
		ask("/api/v1/queries/" + q.Name + "/evidence")
	}
	for _, path := range []string{"/api/v1/connectors", "/api/v1/connectors/contoso", "/api/v1/streams", "/api/v1/verify", "/api/v1/changes", "/api/v1/changes?tenant=contoso", "/recommendations?kind=excluded",
		"/questions/licence-holders?tenant=contoso", "/questions/licence-holders", "/api/v1/queries/licence-holders?search=a&format=csv", "/api/v1/queries/licence-holders?where=user_id:" + user} {
		ask(path)
	}
	if got := asked(t, h, "GET", "/api/v1/queries/licence-holders?tenant=contoso", bearer(viewerToken)); got.Code != 404 {
		t.Errorf("the other tenant by name: %d", got.Code)
	}
	own := asked(t, h, "GET", "/api/v1/queries/licence-holders?tenant=fabrikam", bearer(viewerToken))
	if own.Code != 200 || !strings.Contains(own.Body.String(), "fabrikam.onmicrosoft.com") {
		t.Errorf("the own tenant: %d %.200s", own.Code, own.Body)
	}
	form := func(r *http.Request) {
		bearer(managerToken)(r)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.PostForm = url.Values{"user": {user}, "sku": {sku}, "tag": {"vip"}, "reason": {"x"}, "name": {"contoso"}, "sequence": {"1"}}
	}
	for _, path := range []string{"/exclusions?tenant=contoso", "/exclusions?tenant=fabrikam", "/connectors/contoso/run", "/connectors/contoso/check", "/api/v1/connectors/contoso/run", "/api/v1/connectors/contoso/check"} {
		if got := asked(t, h, "POST", path, form); got.Code != 404 && got.Code != 400 {
			t.Errorf("POST %s: %d %.200s", path, got.Code, got.Body)
		}
	}
}

// testRoles: what needs a role is refused to those below it, and nobody gets in unknown.
func (s *stack) testRoles(t *testing.T) {
	h := s.guarded(t)
	for _, rt := range s.server.routes() {
		path := strings.NewReplacer("{name}", "fabrikam", "{id}", "1", "{query}", "tenants", "{user}", "1", "{$}", "").Replace(rt.path)
		for _, change := range []func(*http.Request){nil, bearer("wrong-token-0123456789"), bearer(""), func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: "admin|9999999999|x"}) }} {
			got := asked(t, h, rt.method, path, change)
			if want := map[bool]int{true: 401, false: 303}[rt.api()]; got.Code != want {
				t.Errorf("%s %s as nobody: %d", rt.method, path, got.Code)
			}
		}
		for token, role := range map[string]Role{viewerToken: Viewer, managerToken: Manager} {
			if rt.need <= role {
				continue
			}
			if got := asked(t, h, rt.method, path, bearer(token)); got.Code != http.StatusForbidden {
				t.Errorf("%s %s as %s: %d", rt.method, path, role, got.Code)
			}
		}
	}
	sign := asked(t, h, "POST", "/signin", func(r *http.Request) {
		r.PostForm = url.Values{"token": {viewerToken}, "next": {"/people"}}
		r.Form = r.PostForm
	})
	cookies := sign.Result().Cookies()
	if sign.Code != 303 || len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || strings.Contains(cookies[0].Value, viewerToken) {
		t.Fatalf("sign in: %d, %v", sign.Code, cookies)
	}
	with := func(value string) int {
		return asked(t, h, "GET", "/questions", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: value}) }).Code
	}
	if got := with(cookies[0].Value); got != 200 {
		t.Errorf("a session: %d", got)
	}
	for _, forged := range []string{strings.Replace(cookies[0].Value, "viewer", "admin", 1), cookies[0].Value + "x", "viewer|1|" + strings.Split(cookies[0].Value, "|")[2]} {
		if got := with(forged); got != 303 {
			t.Errorf("session %q: %d", forged, got)
		}
	}
	if got := asked(t, h, "POST", "/signin", func(r *http.Request) { r.PostForm = url.Values{"token": {"wrong"}}; r.Form = r.PostForm }); got.Code != 401 || len(got.Result().Cookies()) != 0 {
		t.Errorf("a wrong token: %d", got.Code)
	}
}
