package graph

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/schemas"
)

// outcome is the checks as name and status.
func outcome(checks []Check) map[string]Status {
	m := map[string]Status{}
	for _, c := range checks {
		m[c.Name] = c.Status
	}
	return m
}

func checkOf(t *testing.T, checks []Check, name string) Check {
	t.Helper()
	i := slices.IndexFunc(checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check %q", name)
	}
	return checks[i]
}

func probed(t *testing.T) []*schemas.ReportSpec {
	return []*schemas.ReportSpec{spec(t, testFunction), spec(t, "getMailboxUsageDetail")}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 300})
	id := p.Tenants()[0].ID
	c := p.client(t, 0, nil)
	checks := c.Probe(t.Context(), probed(t))
	var names []string
	for _, k := range checks {
		names = append(names, k.Name)
		if k.Status != StatusOK || k.Remedy != "" || k.Err != nil || k.Detail == "" && !strings.HasPrefix(k.Name, "permission") {
			t.Errorf("%+v", k)
		}
		if asked := !strings.HasPrefix(k.Name, "permission") && k.Name != "clock" && k.Name != "credential"; asked != (k.Took > 0) {
			t.Errorf("%s took %v", k.Name, k.Took)
		}
	}
	want := []string{
		"sign-in", "credential", "permission Directory.Read.All", "permission Group.Read.All", "permission Reports.Read.All", "permission User.Read.All",
		"feed organization", "feed users", "feed groups", "feed skus", "feed subscriptions",
		"report " + testFunction, "report getMailboxUsageDetail",
		"permission AuditLog.Read.All", "sign-in activity", "permission ReportSettings.Read.All", "report settings", "clock",
	}
	if !slices.Equal(names, want) {
		t.Errorf("checks %q", names)
	}
	total := 0
	for template, n := range p.Requests()[id] {
		total += n
		if n > 2 {
			t.Errorf("%s: %d requests", template, n)
		}
	}
	if total > 14 { // ten for Graph, two for downloads, two for the sign-in
		t.Errorf("%d requests: %v", total, p.Requests()[id])
	}
	if left, _ := c.limiter.ReportBudget(c.app, c.tenant, testFunction); left != 13 {
		t.Errorf("%d requests of the report's budget left", left)
	}
}

func TestProbeTellsOfConcealmentAndDates(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 300})
	if err := p.Switch(p.Tenants()[0].ID, func(s *graphsim.Switches) { s.ConcealNames = true }); err != nil {
		t.Fatal(err)
	}
	c := p.client(t, 0, nil)
	c.now = func() time.Time { return p.Now().Add(7 * time.Hour) }
	checks := c.Probe(t.Context(), probed(t))
	if k := checkOf(t, checks, "report settings"); k.Status != StatusOK || !strings.Contains(k.Detail, "concealed") || !strings.Contains(k.Detail, "Org settings") {
		t.Errorf("%+v", k)
	}
	if k := checkOf(t, checks, "report "+testFunction); !strings.Contains(k.Detail, "2026-02-28, 2 days behind") || !strings.Contains(k.Detail, "rows read are concealed") {
		t.Errorf("%+v", k)
	}
}

func TestProbeFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*graphsim.Switches)
		fault  func(*inProcess)
		want   map[string]Status
	}{
		"reports and options": {
			change: func(s *graphsim.Switches) { s.Roles = []string{"Directory.Read.All"} },
			want: map[string]Status{
				"sign-in": StatusOK, "permission Directory.Read.All": StatusOK, "permission User.Read.All": StatusMissing, "permission Reports.Read.All": StatusMissing,
				"feed users": StatusOK, "feed groups": StatusOK, "report " + testFunction: StatusDenied,
				"permission AuditLog.Read.All": StatusMissing, "sign-in activity": StatusSkipped, "report settings": StatusSkipped, "clock": StatusOK,
			},
		},
		"directory": {
			change: func(s *graphsim.Switches) { s.Roles = []string{"Reports.Read.All"} },
			want: map[string]Status{
				"feed users": StatusDenied, "feed skus": StatusDenied, "feed organization": StatusDenied, "report " + testFunction: StatusOK,
			},
		},
		"licence": {
			change: func(s *graphsim.Switches) { s.Premium = false },
			want:   map[string]Status{"permission AuditLog.Read.All": StatusOK, "sign-in activity": StatusUnavailable, "feed users": StatusOK},
		},
		"secret": {
			change: func(s *graphsim.Switches) { s.Secret = "expired" },
			want: map[string]Status{
				"sign-in": StatusDenied, "permission User.Read.All": StatusSkipped, "feed users": StatusSkipped, "report " + testFunction: StatusSkipped,
				"sign-in activity": StatusSkipped, "permission AuditLog.Read.All": StatusSkipped, "clock": StatusOK,
			},
		},
		"throttled": {
			fault: func(p *inProcess) { p.On("GET /groups").Do(graphsim.Throttle("3600")) },
			// The directory as a whole has to wait, the reports have not.
			want: map[string]Status{"feed organization": StatusOK, "feed users": StatusOK, "feed groups": StatusFailed, "feed skus": StatusFailed, "report " + testFunction: StatusOK},
		},
		"proxy": {
			fault: func(p *inProcess) { p.On("GET /subscribedSkus").Do(graphsim.HTML200()) },
			want:  map[string]Status{"feed skus": StatusFailed, "feed subscriptions": StatusOK},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 300})
			if test.change != nil {
				if err := p.Switch(p.Tenants()[0].ID, test.change); err != nil {
					t.Fatal(err)
				}
			}
			if test.fault != nil {
				test.fault(p)
			}
			c := p.client(t, 0, nil)
			c.retry.base = time.Millisecond
			checks := c.Probe(t.Context(), probed(t))
			got := outcome(checks)
			for check, status := range test.want {
				if got[check] != status {
					t.Errorf("%s is %s, want %s: %+v", check, got[check], status, checkOf(t, checks, check))
				}
			}
			for _, k := range checks {
				if (k.Status == StatusMissing || k.Status == StatusDenied) && k.Remedy == "" || strings.Contains(k.Detail, k.Remedy) && k.Remedy != "" {
					t.Errorf("%+v", k)
				}
				if bad := noCanary(fmt.Sprintf("%+v", k)); bad != nil || strings.Contains(fmt.Sprintf("%+v", k), p.Tenants()[0].ClientSecret) {
					t.Errorf("%s shows a secret", k.Name)
				}
			}
		})
	}
}

func TestProbeInANationalCloud(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 20})
	c := p.client(t, 0, nil)
	c.cloud.reports = false
	checks := c.Probe(t.Context(), probed(t))
	if k := checkOf(t, checks, "report "+testFunction); k.Status != StatusUnavailable || !strings.Contains(k.Detail, "global cloud") {
		t.Errorf("%+v", k)
	}
	if k := checkOf(t, checks, "feed users"); k.Status != StatusOK {
		t.Errorf("%+v", k)
	}
	for template := range p.Requests()[p.Tenants()[0].ID] {
		if strings.Contains(template, "/reports/") {
			t.Errorf("asked for %s", template)
		}
	}
}

func TestProbeOfDownloads(t *testing.T) {
	t.Parallel()
	for location, kind := range map[string]Kind{
		"http://reports.office.com/" + canaryLink: ForeignHost, "": ForeignHost,
	} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
		})
		_, err := f.client().probeReport(t.Context(), spec(t, testFunction))
		wantKind(t, err, kind)
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 20})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	checks := p.client(t, 0, nil).Probe(ctx, probed(t))
	if len(checks) != 18 || checks[0].Status != StatusFailed || KindOf(checks[0].Err) != Cancelled {
		t.Errorf("%d checks, %+v", len(checks), checks[0])
	}
}

func TestProbeOfTheClock(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]string{
		0: "ok agrees", 90 * time.Second: "ok this machine is 1m30s behind", -4 * time.Minute: "ok this machine is 4m0s ahead",
		6 * time.Minute: "failed this machine is 6m0s behind", -time.Hour: "failed this machine is 1h0m0s ahead",
	} {
		c := &Client{}
		c.skew.ahead, c.skew.known = ahead, true
		k := c.probeClock()
		if got := string(k.Status) + " " + k.Detail; !strings.HasPrefix(got, want) || (k.Status == StatusFailed) != (k.Remedy != "") {
			t.Errorf("%v: %s", ahead, got)
		}
	}
	if k := (&Client{}).probeClock(); k.Status != StatusSkipped {
		t.Errorf("%+v", k)
	}
}

// TestProbeOfTheCredential: when it expires is said where it can be known.
func TestProbeOfTheCredential(t *testing.T) {
	t.Parallel()
	near := newPair(t, time.Now().Add(-time.Hour), time.Now().Add(10*24*time.Hour+time.Hour))
	far := newPair(t, time.Now().Add(-time.Hour), time.Now().Add(400*24*time.Hour))
	old := newPair(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	signedIn := Check{Status: StatusOK}
	for name, test := range map[string]struct {
		cred   Credential
		signIn Check
		want   string
		remedy bool
	}{
		"secret":         {secret(func() (string, error) { return canarySecret, nil }), signedIn, "ok a client secret: when it expires cannot be known", false},
		"expired secret": {secret(nil), Check{Status: StatusDenied, Err: &Error{Kind: SignIn, Code: expiredSecret, Remedy: "x"}}, "denied the client secret has expired", true},
		"soon":           {Certificate{File: file(t, near.key, near.cert)}, signedIn, "ok a certificate, valid until " + time.Now().Add(10*24*time.Hour+time.Hour).UTC().Format(time.DateOnly) + ": 10 days left", true},
		"later":          {Certificate{File: file(t, far.key, far.cert)}, signedIn, "ok a certificate, valid until", false},
		"expired":        {Certificate{File: file(t, old.key, old.cert)}, signedIn, "denied sign-in: read client certificate", true},
		"workload":       {WorkloadIdentity{}, signedIn, "ok a workload identity", false},
		"managed":        {ManagedIdentity{}, signedIn, "ok a managed identity", false},
	} {
		k := (&Client{credential: test.cred}).probeCredential(test.signIn)
		if got := string(k.Status) + " " + k.Detail; !strings.HasPrefix(got, test.want) || (k.Remedy != "") != test.remedy {
			t.Errorf("%s: %s; %s", name, got, k.Remedy)
		}
	}
}
