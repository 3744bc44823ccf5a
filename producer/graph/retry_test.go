package graph

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/schemas"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"7": 7 * time.Second, " 7 ": 7 * time.Second, "7.5": 7500 * time.Millisecond, "0.001": time.Millisecond, "0": 0, "-3": 0, "-1e99": 0, "1e3": 1000 * time.Second,
		"99999999999999999999": maxAsked, "1e400": maxAsked, "inf": maxAsked, "-inf": 0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0, "Friday, 02-Jan-26 03:04:06 GMT": time.Second,
		"": -1, "soon": -1, "NaN": -1, "7 seconds": -1, "\x00": -1,
	} {
		got, ok := retryAfter(http.Header{"Retry-After": {value}}, now)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v %v, want %v", value, got, ok, want)
		}
	}
	if _, ok := retryAfter(http.Header{}, now); ok {
		t.Error("absent header gives a time")
	}
}

// network is a stand-in for the connection pool: time in a synctest bubble stands still
// while a real connection waits.
type network func(*http.Request) (*http.Response, error)

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	status, header, body := 200, http.Header{}, ""
	switch {
	case strings.HasSuffix(r.URL.Path, "openid-configuration"):
		body = `{"token_endpoint":"https://login.microsoftonline.com/t/oauth2/v2.0/token","authorization_endpoint":"https://login.microsoftonline.com/t/a","issuer":"https://login.microsoftonline.com/t"}`
	case strings.HasSuffix(r.URL.Path, "/token"):
		body = `{"token_type":"Bearer","expires_in":3599,"access_token":"` + canaryToken + `"}`
	default:
		return n(r)
	}
	return respond(status, header, body), nil
}

func respond(status int, header http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

func stubClient(t *testing.T, n network) *Client {
	t.Helper()
	c, err := newClient(Config{Tenant: "t", ClientID: "c", Secret: func() (string, error) { return canarySecret, nil }, Log: zerolog.Nop()}, n)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, after string
		status      int
		failures    int
		kind        Kind
		least, most time.Duration
	}{
		{"seconds", "7", 429, 1, "", 7 * time.Second, 7 * time.Second},
		{"fraction", "7.5", 503, 1, "", 7500 * time.Millisecond, 7500 * time.Millisecond},
		{"two minutes", "120", 429, 2, "", 240 * time.Second, 240 * time.Second},
		{"date", "Sat, 01 Jan 2000 00:00:09 GMT", 429, 1, "", 9 * time.Second, 9 * time.Second},
		{"negative", "-5", 429, 1, "", 500 * time.Millisecond, time.Second},
		{"absent", "", 429, 3, "", 3500 * time.Millisecond, 7 * time.Second},
		{"gateway", "", 504, 2, "", 1500 * time.Millisecond, 3 * time.Second},
		{"too long", "121", 429, 1, Throttled, 0, 0},
		{"huge", "1e300", 429, 1, Throttled, 0, 0},
		{"too long 503", "3600", 503, 1, Unavailable, 0, 0},
		{"for ever", "1", 429, 1 << 20, Throttled, 5 * time.Second, 5 * time.Second},
		{"broken", "", 500, 1 << 20, Unavailable, 15 * time.Second, 32 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				c := stubClient(t, func(*http.Request) (*http.Response, error) {
					if n++; n > test.failures {
						return respond(200, http.Header{}, `{"value":[]}`), nil
					}
					h := http.Header{"Request-Id": {testTenant}}
					if test.after != "" {
						h.Set("Retry-After", test.after)
					}
					return respond(test.status, h, `{"error":{"code":"TooManyRequests"}}`), nil
				})
				start := time.Now()
				err := c.Users(t.Context(), func(Page[schemas.User]) error { return nil })
				took := time.Since(start)
				if took < test.least || took > test.most {
					t.Errorf("took %v", took)
				}
				if test.kind == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				e := wantKind(t, err, test.kind)
				if e.RequestID != testTenant || test.after != "" && e.RetryAfter == 0 || n > maxTries {
					t.Errorf("%+v after %d tries", e, n)
				}
			})
		})
	}
}

// While one request waits, the tenant's others wait too, and another tenant does not.
func TestThrottlingHoldsTheTenantBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var throttled bool
		server := network(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/users") && !throttled {
				throttled = true
				return respond(429, http.Header{"Retry-After": {"60"}}, ""), nil
			}
			return respond(200, http.Header{}, `{"value":[]}`), nil
		})
		c, other := stubClient(t, server), stubClient(t, server)
		start := time.Now()
		done := make(chan error)
		go func() { done <- c.Users(t.Context(), func(Page[schemas.User]) error { return nil }) }()
		synctest.Wait()
		if err := other.Groups(t.Context(), func(Page[schemas.Group]) error { return nil }); err != nil || time.Since(start) != 0 {
			t.Errorf("another tenant: %v after %v", err, time.Since(start))
		}
		if err := c.Groups(t.Context(), func(Page[schemas.Group]) error { return nil }); err != nil || time.Since(start) != time.Minute {
			t.Errorf("the same tenant: %v after %v", err, time.Since(start))
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := stubClient(t, func(*http.Request) (*http.Response, error) {
			n++
			return nil, errors.New("dial " + canaryLink)
		})
		err := c.Users(t.Context(), func(Page[schemas.User]) error { return nil })
		wantKind(t, err, Network)
		if n != maxNetworkTries {
			t.Errorf("%d tries", n)
		}
	})
}

func TestCancelDuringAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := stubClient(t, func(*http.Request) (*http.Response, error) {
			return respond(429, http.Header{"Retry-After": {"100"}}, ""), nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		wantKind(t, c.Users(ctx, func(Page[schemas.User]) error { return nil }), Cancelled)
		if time.Since(start) != 3*time.Second {
			t.Errorf("after %v", time.Since(start))
		}
	})
}

// silent is a body that never gives anything.
type silent struct{ ctx context.Context }

func (s silent) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }
func (s silent) Close() error             { return nil }

func TestSilentServers(t *testing.T) {
	t.Parallel()
	t.Run("before the answer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := stubClient(t, func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			})
			wantKind(t, c.Users(t.Context(), func(Page[schemas.User]) error { return nil }), Network)
		})
	})
	t.Run("in the body", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := stubClient(t, func(r *http.Request) (*http.Response, error) {
				resp := respond(200, http.Header{}, "")
				resp.Body = silent{r.Context()}
				return resp, nil
			})
			e := wantKind(t, c.Users(t.Context(), func(Page[schemas.User]) error { return nil }), BadBody)
			if !errors.Is(e, errStalled) {
				t.Errorf("cause %v", e.Err)
			}
		})
	})
}
