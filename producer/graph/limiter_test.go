package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/seatstream/seatstream/schemas"
)

const (
	testApp      = "33333333-aaaa-bbbb-cccc-222222222222"
	testFunction = "getTeamsUserActivityUserDetail"
)

// clock stands still unless it is moved.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) sleep(_ context.Context, d time.Duration) error {
	c.at = c.at.Add(d)
	return nil
}

func clockedLimiter() (*Limiter, *clock) {
	c := &clock{time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	l := NewLimiter()
	l.now, l.sleep = c.now, c.sleep
	return l, c
}

func (l *Limiter) ask(app, tenant, path string) *turn {
	u, err := url.Parse("https://graph.microsoft.com/v1.0" + path)
	if err != nil {
		panic(err)
	}
	return l.turn(app, tenant, u, time.Hour)
}

func answered(status int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return respond(status, h, "")
}

func TestDemand(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]demand{
		"/users":                             {workloadDirectory, "users", 2},
		"/users?$select=id":                  {workloadDirectory, "users $select", 1},
		"/users?%24select=id&%24top=999":     {workloadDirectory, "users $select", 1},
		"/users?$select=id&$top=5":           {workloadDirectory, "users $select $top", 1},
		"/users?$expand=manager":             {workloadDirectory, "users $expand", 3},
		"/users?$select=id,signInActivity":   {workloadSignIns, "users $select", 1},
		"/users/7":                           {workloadDirectory, "", 1},
		"/users/7/memberOf":                  {workloadDirectory, "users/{id}/memberOf", 2},
		"/groups":                            {workloadDirectory, "", 1},
		"/groups/7/members":                  {workloadDirectory, "groups/{id}/members", 3},
		"/groups/7/members?$select=id":       {workloadDirectory, "groups/{id}/members $select", 2},
		"/groups/7/transitiveMembers":        {workloadDirectory, "groups/{id}/transitiveMembers", 5},
		"/subscribedSkus":                    {workloadDirectory, "subscribedSkus", 3},
		"/directory/subscriptions":           {workloadDirectory, "", 1},
		"/admin/reportSettings":              {workloadAdmin, "", 1},
		"/reports/getX(period='D7')":         {workload: "getX"},
		"/reports/getX":                      {workload: "getX"},
		"/copilot/reports/getY(period='D7')": {workload: "getY"},
		"":                                   {workloadDirectory, "", 1},
		"/reports":                           {workloadDirectory, "", 1},
	} {
		for _, base := range []string{"https://graph.microsoft.com/v1.0", "https://proxy:8/graph/beta"} {
			u, err := url.Parse(base + path)
			if err != nil {
				t.Fatal(err)
			}
			if got := demandOf(u); got != want {
				t.Errorf("%s: %+v, want %+v", path, got, want)
			}
		}
	}
}

func TestReportBudget(t *testing.T) {
	t.Parallel()
	l, c := clockedLimiter()
	start := c.at
	check := func(tenant, function string, left int, reset time.Duration) {
		t.Helper()
		want := time.Time{}
		if reset > 0 {
			want = start.Add(reset)
		}
		if got, at := l.ReportBudget(testApp, tenant, function); got != left || !at.Equal(want) {
			t.Errorf("after %v: %d left until %v, want %d until %v", c.at.Sub(start), got, at.Sub(start), left, reset)
		}
	}
	read := func(app string) {
		p := l.ask(app, testTenant, "/reports/"+testFunction+"(period='D7')")
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.done(answered(302))
	}
	check(testTenant, testFunction, 14, 0)
	for range 5 {
		read(testApp)
	}
	check(testTenant, testFunction, 9, 10*time.Minute)
	c.at = c.at.Add(time.Minute)
	flying := l.ask(testApp, testTenant, "/reports/"+testFunction)
	if err := flying.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(testTenant, testFunction, 8, 11*time.Minute)
	flying.done(nil) // no answer counts as well
	check(testTenant, testFunction, 8, 11*time.Minute)
	check(testTenant, "getEmailActivityUserDetail", 14, 0)
	check("another", testFunction, 14, 0)
	c.at = start.Add(10 * time.Minute)
	check(testTenant, testFunction, 13, 11*time.Minute)
	// Forty a tenant, whichever app asks.
	for i := range 34 {
		read(fmt.Sprint("app-", i/12))
	}
	check(testTenant, testFunction, 5, 20*time.Minute)
	c.at = start.Add(21 * time.Minute)
	check(testTenant, testFunction, 14, 0)
	// A refusal leaves nothing, whatever the count says.
	p := l.ask(testApp, testTenant, "/reports/"+testFunction)
	p.pause(answered(429), 3*time.Minute)
	check(testTenant, testFunction, 0, 24*time.Minute)
}

func TestSizeOfTheTenant(t *testing.T) {
	t.Parallel()
	l, _ := clockedLimiter()
	spend := func() int {
		for n := 0; ; n++ {
			p := l.ask(testApp, testTenant, "/groups")
			p.maxWait = 5 * time.Second
			if err := p.wait(t.Context()); err != nil {
				if e := wantKind(t, err, Throttled); e.RetryAfter <= 5*time.Second {
					t.Errorf("asks to come back in %v", e.RetryAfter)
				}
				return n
			}
			p.done(answered(200))
			if n > 10_000 {
				return n
			}
		}
	}
	total := spend()
	if total < 3500 || total > 3500+1750+200 { // the window slides while requests are paced
		t.Errorf("%d of an unknown tenant", total)
	}
	l.atLeast(testApp, testTenant, 49)
	if spend() != 0 {
		t.Error("49 users are no larger tenant")
	}
	l.atLeast(testApp, testTenant, 51)
	if n := spend(); n < 1000 {
		t.Errorf("%d more of a tenant of 51", n)
	}
	l.SetUsers(testApp, testTenant, 20_000)
	if n := spend(); n < 2500 {
		t.Errorf("%d more of a tenant of 20,000", n)
	}
	l.atLeast(testApp, testTenant, 3)
	if l.users[keyOf(testApp, testTenant, "")] != 20_000 {
		t.Error("a listing under way makes the tenant smaller")
	}
}

func TestCostsAreLearned(t *testing.T) {
	t.Parallel()
	l, _ := clockedLimiter()
	spent := func(key limitKey) int { return l.known[key].ledgers[0].sum }
	key := keyOf(testApp, testTenant, workloadDirectory)
	for _, step := range []struct{ header, want string }{{"5", "5"}, {"", "10"}, {"none", "15"}, {"0", "20"}, {"1000000000", "25"}, {"2", "27"}, {"", "29"}} {
		p := l.ask(testApp, testTenant, "/users?$select=id")
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.done(answered(200, "x-ms-resource-unit", step.header))
		if got := fmt.Sprint(spent(key)); got != step.want {
			t.Errorf("after %q: %s spent, want %s", step.header, got, step.want)
		}
	}
	if spent(keyOf(testApp, "", workloadDirectory)) != 29 || spent(keyOf(testApp, "", workloadAll)) != 7 {
		t.Error("the app's limits count otherwise")
	}
}

// Graph's warning slows down: what it says is spent is taken for spent, by whomever.
func TestWarningSlowsDown(t *testing.T) {
	t.Parallel()
	l, c := clockedLimiter()
	start := c.at
	ask := func(header string) time.Duration {
		p := l.ask(testApp, testTenant, "/groups")
		before := c.at
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.done(answered(200, "x-ms-throttle-limit-percentage", header))
		return c.at.Sub(before)
	}
	for _, header := range []string{"", "0.5", "NaN", "many", "0.79"} {
		if d := ask(header); d != 0 {
			t.Errorf("waits %v after %q", d, header)
		}
	}
	ask("0.9")
	if d := ask(""); d != 0 {
		t.Errorf("the first waits %v", d)
	}
	paced := ask("")
	if want := 10 * time.Second / 3500; paced != want {
		t.Errorf("above 0.8 a request waits %v, want %v", paced, want)
	}
	ask("1.8")
	if d := ask(""); d < 9*time.Second || d > 11*time.Second {
		t.Errorf("at the limit a request waits %v", d)
	}
	if c.at.Sub(start) > 12*time.Second {
		t.Errorf("%v in all", c.at.Sub(start))
	}
}

func TestScopeOfARefusal(t *testing.T) {
	t.Parallel()
	type who struct{ app, tenant string }
	me, otherTenant, otherApp := who{testApp, "t1"}, who{testApp, "t2"}, who{"app2", "t1"}
	for scope, waits := range map[string][]who{
		"Tenant_Application/ReadWrite/" + testApp + "/" + testTenant: {me},
		"": {me}, "nonsense": {me}, "Application/Read": {me},
		"Application/ReadWrite/" + testApp:    {me, otherTenant},
		"Application/ReadWrite/another-app":   {me},
		"Tenant/ReadWrite/" + testApp + "/t1": {me, otherApp},
	} {
		l, _ := clockedLimiter()
		p := l.ask(me.app, me.tenant, "/users")
		p.pause(answered(429, "x-ms-throttle-scope", scope), 30*time.Second)
		for _, w := range []who{me, otherTenant, otherApp} {
			d, paused := l.ask(w.app, w.tenant, "/groups").take()
			want := time.Duration(0)
			if slices.Contains(waits, w) {
				want = 30 * time.Second
			}
			if d != want || paused != (want > 0) {
				t.Errorf("%q: %v waits %v", scope, w, d)
			}
		}
		if d, _ := l.ask(me.app, me.tenant, "/reports/getX").take(); d != 0 {
			t.Errorf("%q: a report waits for the directory %v", scope, d)
		}
	}
	l, c := clockedLimiter()
	p := l.ask(testApp, "t", "/users")
	p.pause(answered(429), maxAsked)
	if c.at = c.at.Add(MaxPause); l.known[p.scopes[0]].until.After(c.at) {
		t.Error("one answer closes a tenant for longer than an hour")
	}
}

func TestIdleKeysAreForgotten(t *testing.T) {
	t.Parallel()
	l, c := clockedLimiter()
	l.SetUsers(testApp, "t0", 600)
	for i := range 20_000 {
		p := l.ask(testApp, fmt.Sprint("t", i), "/users")
		if err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.done(answered(200))
		c.at = c.at.Add(time.Second)
	}
	if len(l.known) > 1100 {
		t.Errorf("%d keys are kept", len(l.known))
	}
	p := l.ask(testApp, "t0", "/users")
	if p.take(); l.known[keyOf(testApp, "t0", workloadDirectory)].ledgers[0].quota != unitsLarge {
		t.Error("the tenant's size is forgotten")
	}
}

// A request whose sign-in fails was not made, and must not count.
func TestUnsentRequestsDoNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := newClient(Config{Tenant: "t", ClientID: "c", Secret: func() (string, error) { return "", errors.New("gone") }}, network(nil))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			_, err := c.Report(t.Context(), spec(t, testFunction), ReportArg{}, testDigest, func([]schemas.Report) error { return nil })
			wantKind(t, err, SignIn)
		}
		if left, _ := c.limiter.ReportBudget("c", "t", testFunction); left != 14 {
			t.Errorf("%d left", left)
		}
	})
}

// A token that Graph refuses costs two requests, and both count.
func TestRenewedTokensCountTwice(t *testing.T) {
	t.Parallel()
	n := 0
	c := stubClient(t, func(*http.Request) (*http.Response, error) {
		if n++; n == 1 {
			return respond(401, http.Header{}, ""), nil
		}
		return respond(302, http.Header{}, ""), nil
	})
	// The stand-in gives the same token again, so the renewed one differs by its place.
	tokens := 0
	sign := c.tokens.signIn
	c.tokens.signIn = func(ctx context.Context) (azcore.AccessToken, error) {
		token, err := sign(ctx)
		tokens++
		token.Token += fmt.Sprint(tokens)
		return token, err
	}
	if _, err := c.probeReport(t.Context(), spec(t, testFunction)); KindOf(err) != ForeignHost {
		t.Errorf("%v", err)
	}
	if left, _ := c.limiter.ReportBudget("c", "t", testFunction); left != 12 || n != 2 {
		t.Errorf("%d left after %d requests", left, n)
	}
}
