package graph

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestYield: the caller is told of a wait for Retry-After, for a limit and for a slow
// answer, each once, and goes on only when it is let to; quick answers are not worth it.
func TestYield(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []func() (*http.Response, error)
		waits   int
		took    time.Duration
	}{
		"quick":    {[]func() (*http.Response, error){after(900*time.Millisecond, 200, "")}, 0, 900 * time.Millisecond},
		"slow":     {[]func() (*http.Response, error){after(30*time.Second, 200, "")}, 1, 35 * time.Second},
		"throttle": {[]func() (*http.Response, error){after(0, 429, "20"), after(0, 200, "")}, 1, 25 * time.Second},
		"both":     {[]func() (*http.Response, error){after(10*time.Second, 503, "20"), after(2*time.Second, 200, "")}, 3, 47 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n, waits := 0, atomic.Int32{}
				c, err := newClient(Config{
					Tenant: "t", ClientID: "c", Secret: func() (string, error) { return canarySecret, nil },
					Yield: func() func() {
						waits.Add(1)
						return func() { _ = sleep(t.Context(), 5*time.Second) } // until there is a place again
					},
				}, network(func(*http.Request) (*http.Response, error) {
					n++
					return test.answers[n-1]()
				}))
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if err := c.Users(t.Context(), drain); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); int(waits.Load()) != test.waits || took != test.took {
					t.Errorf("%d waits in %v, want %d in %v", waits.Load(), took, test.waits, test.took)
				}
			})
		})
	}
}

// after answers with a status and a Retry-After when some time has passed.
func after(d time.Duration, status int, retry string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		timer := time.NewTimer(d)
		<-timer.C
		return respond(status, http.Header{"Retry-After": {retry}}, `{"value":[]}`), nil
	}
}

// TestEveryReadIsOfLowPriority: bulk reads of every kind give way to people.
func TestEveryReadIsOfLowPriority(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/reports/") {
			http.Redirect(w, r, "/download", http.StatusFound)
			return
		}
		answer(200, `{"value":[]}`)(w, r)
	})
	f.roles = append(RequiredPermissions(), permissionSignIns, permissionReportSettings)
	c := f.client()
	c.Probe(t.Context(), probed(t))
	for _, err := range []error{c.Users(t.Context(), drain), c.Groups(t.Context(), drain), c.Members(t.Context(), "g", drain), c.SKUs(t.Context(), drain),
		c.Subscriptions(t.Context(), drain), c.SignInActivity(t.Context(), drain), c.DeletedUsers(t.Context(), drain)} {
		if err != nil {
			t.Error(err)
		}
	}
	kinds := map[string]bool{}
	for _, r := range f.requests() {
		if r.URL.Path == "/download" {
			continue // no Graph request: it knows no priority
		}
		kinds[r.URL.Path] = true
		if got := r.Header.Get("x-ms-throttle-priority"); got != "low" {
			t.Errorf("%s: %q", r.URL.Path, got)
		}
	}
	if len(kinds) < 10 {
		t.Errorf("only %v were asked for", kinds)
	}
}
