package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/schemas"
)

// A tenant of twenty users may be asked 3,500 units in ten seconds, and listing members
// costs two: many goroutines ask as fast as they can and are never refused.
func TestDirectoryLimitIsNeverHit(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "small.onmicrosoft.com", Users: 20})
	synctest.Test(t, func(t *testing.T) {
		c := p.client(t, 0, nil)
		var group string
		if err := c.Groups(t.Context(), func(page Page[schemas.Group]) error {
			group = page.Items[0].ID
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		const goroutines, each = 20, 110
		errs := make(chan error, goroutines)
		for range goroutines {
			go func() {
				for range each {
					if err := c.Members(t.Context(), group, drain); err != nil {
						errs <- err
						return
					}
				}
				errs <- nil
			}()
		}
		for range goroutines {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		took := time.Since(start)
		p.mustNotRefuse(t)
		// 4,400 units are a full window and a part of the next.
		if took < 10*time.Second || took > 30*time.Second {
			t.Errorf("took %v", took)
		}
		t.Logf("%d requests of 2 units in %v", goroutines*each, took)
	})
}

// A backfill of 28 days is asked for within the budget, and one that is not ends with an
// error that says when to come back, before Graph is asked.
func TestReportLimitIsNeverHit(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 20})
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter()
		c := p.client(t, 0, l)
		info, report := p.Tenants()[0], spec(t, testFunction)
		read := func(back int) error {
			date := p.Now().AddDate(0, 0, -back).Format(time.DateOnly)
			_, err := c.Report(t.Context(), report, ReportArg{Date: date}, testDigest, func([]schemas.Report) error { return nil })
			return err
		}
		start := time.Now()
		for back := range 28 {
			if left, reset := l.ReportBudget(info.ClientID, info.ID, report.Function); left == 0 {
				if err := read(back); err == nil {
					t.Fatal("a fifteenth request passes")
				} else if e := wantKind(t, err, Throttled); e.RetryAfter != time.Until(reset) || e.Status != 0 {
					t.Errorf("%+v, budget until %v", e, reset)
				}
				if err := sleep(t.Context(), time.Until(reset)); err != nil {
					t.Fatal(err)
				}
			}
			if err := read(back); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 10*time.Minute {
			t.Errorf("took %v", took)
		}
		p.mustNotRefuse(t)
		if n := p.Requests()[info.ID]["GET /reports/"+report.Function]; n != 28 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestSignInLimitIsNeverHit(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 6000})
	synctest.Test(t, func(t *testing.T) {
		c := p.client(t, 0, nil)
		start, users := time.Now(), 0
		if err := c.SignInActivity(t.Context(), func(page Page[UserSignIn]) error {
			users += len(page.Items)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		p.mustNotRefuse(t)
		if took := time.Since(start); took < time.Minute || took > 2*time.Minute || users < 5000 {
			t.Errorf("%d users in %v", users, took)
		}
	})
}

// One tenant of twenty is throttled without end. The others do not notice, and it ends
// with an error that carries what Graph asked for.
func TestOneThrottledTenantOfTwenty(t *testing.T) {
	t.Parallel()
	var tenants []graphsim.TenantConfig
	for i := range 20 {
		tenants = append(tenants, graphsim.TenantConfig{Domain: fmt.Sprintf("t%d.onmicrosoft.com", i), Seed: uint64(i + 1), Users: 30})
	}
	p := inside(t, tenants...)
	bad := p.Tenants()[7].ID
	p.On("*").Tenant(bad).After(2).Do(graphsim.Throttle("30")) // the sign-in passes
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter()
		type outcome struct {
			tenant int
			took   time.Duration
			err    error
		}
		done := make(chan outcome)
		start := time.Now()
		for i := range tenants {
			go func() {
				c := p.client(t, i, l)
				var err error
				for range 4 {
					err = errors.Join(c.Users(t.Context(), drain), c.Groups(t.Context(), drain), c.SKUs(t.Context(), drain))
					if err != nil {
						break
					}
				}
				done <- outcome{i, time.Since(start), err}
			}()
		}
		for range tenants {
			o := <-done
			if o.tenant == 7 {
				if e := wantKind(t, o.err, Throttled); e.RetryAfter != 30*time.Second || o.took < 2*time.Minute {
					t.Errorf("the throttled tenant: %+v after %v", e, o.took)
				}
			} else if o.err != nil || o.took > 100*time.Millisecond {
				t.Errorf("tenant %d: %v after %v", o.tenant, o.err, o.took)
			}
		}
	})
}

// Whatever form Retry-After has, the whole scope waits for it, in other clients too, and
// a wait beyond the longest is not begun.
func TestRetryAfterMovesTheScope(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, after, date string
		status            int
		wait              time.Duration // of the scope, from the answer on
	}{
		{"seconds", "7", "", 429, 7 * time.Second},
		{"fraction", "0.5", "", 429, 500 * time.Millisecond},
		{"date", "Sat, 01 Jan 2000 00:00:09 GMT", "", 429, 9 * time.Second},
		{"date of a clock ahead", "Sat, 01 Jan 2000 01:00:09 GMT", "Sat, 01 Jan 2000 01:00:00 GMT", 429, 9 * time.Second},
		{"date of a clock behind", "Fri, 31 Dec 1999 23:00:09 GMT", "Fri, 31 Dec 1999 23:00:00 GMT", 429, 9 * time.Second},
		{"unavailable", "11", "", 503, 11 * time.Second},
		{"negative", "-5", "", 429, time.Second},
		{"absent", "", "", 429, time.Second},
		{"unreadable", "soon", "", 429, time.Second},
		{"long", "3000", "", 429, 3000 * time.Second},
		{"huge", "1e300", "", 429, MaxPause},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				server := network(func(r *http.Request) (*http.Response, error) {
					if asked++; asked > 1 {
						return respond(200, http.Header{}, `{"value":[]}`), nil
					}
					return answered(test.status, "Retry-After", test.after, "Date", test.date), nil
				})
				l := NewLimiter()
				client := func() *Client {
					c, err := newClient(Config{Tenant: "t", ClientID: "c", Secret: func() (string, error) { return canarySecret, nil }, Limiter: l}, server)
					if err != nil {
						t.Fatal(err)
					}
					return c
				}
				first, second := client(), client()
				start := time.Now()
				done := beside(func() error { return first.Users(t.Context(), drain) })
				synctest.Wait()
				err := second.Groups(t.Context(), drain)
				took := time.Since(start)
				if test.wait > 2*time.Minute {
					if e := wantKind(t, err, Throttled); e.RetryAfter != test.wait || took != 0 || asked != 1 {
						t.Errorf("%+v after %v and %d requests", e, took, asked)
					}
					wantKind(t, <-done, Throttled)
					return
				}
				least := test.wait
				if least == time.Second { // our own pause is a random part of it
					least /= 2
				}
				if err != nil || took < least || took > test.wait {
					t.Errorf("%v after %v, want %v", err, took, test.wait)
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// beside runs f beside the test.
func beside(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := stubClient(t, func(*http.Request) (*http.Response, error) { return respond(200, http.Header{}, `{"value":[]}`), nil })
		p := c.limiter.turn("c", "t", &url.URL{Path: "/v1.0/users"}, time.Minute)
		p.pause(answered(429), time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		wantKind(t, c.Users(ctx, drain), Cancelled)
		if time.Since(start) != time.Second {
			t.Errorf("after %v", time.Since(start))
		}
	})
}
