package graphsim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestFaultAnswers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		fault  Fault
		status int
		code   string
	}{
		{Throttle("7"), 429, "TooManyRequests"},
		{Status(503, ""), 503, "ServiceUnavailable"},
		{ExpirePageToken(), 400, "Directory_ExpiredPageToken"},
		{ExpireToken(), 401, "InvalidAuthenticationToken"},
	}
	r := newRig(t, 30)
	for _, c := range cases {
		rule := r.On("GET /users").After(1).Times(2).Do(c.fault)
		var got []int
		for range 4 {
			status, _, _ := r.get("/users")
			got = append(got, status)
		}
		if got[0] != 200 || got[1] != c.status || got[2] != c.status || got[3] != 200 || rule.Fired() != 2 {
			t.Errorf("%s: %v, fired %d", c.fault.Kind, got, rule.Fired())
		}
		r.ClearFaults()
		r.On("GET /users").Do(c.fault)
		if status, code, _ := r.code("/users"); status != c.status || code != c.code {
			t.Errorf("%s: %d %s", c.fault.Kind, status, code)
		}
		if status, _, _ := r.get("/groups"); status != 200 {
			t.Errorf("%s: the rule hits another path", c.fault.Kind)
		}
		r.ClearFaults()
	}
}

func TestThrottleHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t, 30)
	rule := r.On("GET /users").Tenant("contoso.onmicrosoft.com").Do(Throttle("0.5"))
	_, _, h := r.get("/users")
	if h.Get("Retry-After") != "0.5" || h.Get("x-ms-throttle-scope") == "" || h.Get("x-ms-throttle-information") == "" || h.Get("x-ms-throttle-limit-percentage") == "" {
		t.Errorf("headers %v", h)
	}
	rule.Remove()
	r.On("GET /users").Tenant("other.example").Do(Status(500, "x"))
	r.On("GET /users").Do(Throttle(""))
	status, _, h := r.get("/users")
	if _, ok := h["Retry-After"]; ok || status != 429 {
		t.Errorf("%d with Retry-After %q", status, h.Get("Retry-After"))
	}
}

func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	r := newRig(t, 300)
	read := func() (int, error) {
		resp, err := r.do("/users?$top=300&$select=" + fullSelect)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return len(body), err
	}
	r.On("GET /users").Times(1).Do(Truncate(5000))
	if n, err := read(); n != 5000 || err == nil {
		t.Errorf("truncated: %d bytes, %v", n, err)
	}
	r.On("GET /users").Times(1).Do(Reset())
	if _, err := read(); err == nil {
		t.Error("reset: no error")
	}
	if n, err := read(); n < 100_000 || err != nil {
		t.Errorf("afterwards: %d bytes, %v", n, err)
	}
	r.On("GET /users").Times(1).Do(HTML200())
	if status, body, h := r.get("/users"); status != 200 || !strings.HasPrefix(body, "<!DOCTYPE") || !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		t.Errorf("html: %d %s", status, body)
	}
	r.On("GET /users").Times(1).Do(Empty200())
	if status, body, _ := r.get("/users"); status != 200 || body != "" {
		t.Errorf("empty: %d %s", status, body)
	}
	r.On("GET /users").Times(1).Do(Stall(time.Millisecond))
	if status, _, _ := r.get("/users"); status != 200 {
		t.Errorf("stalled: %d", status)
	}
	r.On("GET /users").Times(1).Do(Stall(time.Hour))
	fast := *r.client
	fast.Timeout = 50 * time.Millisecond
	req, _ := http.NewRequest(http.MethodGet, r.URL()+"/v1.0/users", nil)
	req.Header.Set("Authorization", "Bearer "+r.bearer)
	if _, err := fast.Do(req); err == nil {
		t.Error("a stalled request ended without an error")
	}
}

func TestNextLinkFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, 300)
	r.On("GET /users").Times(1).Do(LoopNextLink())
	if p := r.page("/users?$top=50"); p.Next != r.URL()+"/v1.0/users?$top=50" {
		t.Errorf("next is %s", p.Next)
	}
	r.On("GET /users").Times(1).Do(ForeignNextLink("https://elsewhere.example/v1.0/users"))
	if p := r.page("/users"); p.Next != "https://elsewhere.example/v1.0/users" {
		t.Errorf("next is %s", p.Next)
	}
}

func TestExpiredDownloads(t *testing.T) {
	t.Parallel()
	r := newRig(t, 30)
	link := "/reports/getOffice365ActiveUserDetail(period='D7')"
	r.On("GET /reports/getOffice365ActiveUserDetail").Times(1).Do(ExpireDownload())
	_, _, h := r.get(link)
	if status, _, _ := r.get(h.Get("Location")); status != 403 {
		t.Errorf("issued expired: %d", status)
	}
	r.On("GET /download").Times(1).Do(ExpireDownload())
	_, _, h = r.get(link)
	if status, _, _ := r.get(h.Get("Location")); status != 403 {
		t.Errorf("refused as expired: %d", status)
	}
	if status, _, _ := r.get(h.Get("Location")); status != 200 {
		t.Errorf("afterwards: %d", status)
	}
	r.On("POST token").Times(1).Do(Throttle("3"))
	if status, _ := r.token(r.Tenants()[0].ID, r.tokenForm()); status != 429 {
		t.Errorf("token: %d", status)
	}
}

func TestEnforcedLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, 30)
	if err := r.Switch(r.Tenants()[0].ID, func(s *Switches) { s.EnforceLimits = true }); err != nil {
		t.Fatal(err)
	}
	for n := range reportRequests + 1 {
		status, _, h := r.get("/reports/getOffice365ActivationsUserDetail")
		if n < reportRequests && status != 302 || n == reportRequests && (status != 429 || h.Get("Retry-After") == "") {
			t.Errorf("request %d: %d", n, status)
		}
	}
	if _, _, h := r.get("/users"); h.Get("x-ms-resource-unit") != "2" {
		t.Errorf("a page of users costs %s", h.Get("x-ms-resource-unit"))
	}
}

// control sends a request to /_sim/ and decodes the answer.
func (r *rig) control(method, path, body string, into any) int {
	r.t.Helper()
	req, err := http.NewRequest(method, r.URL()+"/_sim/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode
}

func TestControl(t *testing.T) {
	t.Parallel()
	r := newRig(t, 30)
	var tenants []tenantState
	if r.control("GET", "tenants", "", &tenants); len(tenants) != 1 || tenants[0].TenantInfo != r.Tenants()[0] || !tenants[0].Switches.AppKnown {
		t.Errorf("tenants: %+v", tenants)
	}
	var clock clockState
	if r.control("POST", "clock", `{"days":5}`, &clock); clock != (clockState{5, "2026-03-07"}) || r.Day() != 5 {
		t.Errorf("clock: %+v", clock)
	}
	var rules []ruleState
	r.control("POST", "faults", `{"match":"GET /users","after":0,"times":1,"fault":{"kind":"throttle","retry_after":"9"}}`, &rules)
	if _, _, h := r.get("/users"); h.Get("Retry-After") != "9" {
		t.Errorf("headers: %v", h)
	}
	if r.control("GET", "faults", "", &rules); len(rules) != 1 || rules[0].Fired != 1 {
		t.Errorf("faults: %+v", rules)
	}
	if r.control("DELETE", "faults", "", &rules); len(rules) != 0 {
		t.Errorf("faults after removal: %+v", rules)
	}
	var sw Switches
	if status := r.control("POST", "tenants/contoso.onmicrosoft.com/switches", `{"conceal_names":true,"report_lag_days":4}`, &sw); status != 200 || !sw.ConcealNames || sw.ReportLagDays != 4 || sw.Secret != "ok" {
		t.Errorf("switches: %d %+v", status, sw)
	}
	if lines := r.report("getEmailActivityUserDetail(period='D7')"); !strings.HasPrefix(lines[1], "2026-03-03,") {
		t.Errorf("after the change of lag: %s", lines[1])
	}
	var fail map[string]string
	for path, body := range map[string]string{"clock": `{"dayz":1}`, "faults": `{"match":"GET /users","fault":{"kind":"boom"}}`, "tenants/contoso.onmicrosoft.com/switches": `{"secret":"lost"}`} {
		if status := r.control("POST", path, body, &fail); status != 400 || fail["error"] == "" {
			t.Errorf("%s: %d %v", path, status, fail)
		}
	}
	var counts map[string]map[string]int
	r.control("GET", "requests", "", &counts)
	got := counts[r.Tenants()[0].ID]
	if got["GET /users"] != 1 || got["POST token"] != 1 || got["GET /download/getEmailActivityUserDetail"] != 1 {
		t.Errorf("requests: %v", counts)
	}
}
