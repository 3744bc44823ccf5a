package graph

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

const (
	maxTries        = 6 // of one request while Graph throttles or is unavailable
	maxNetworkTries = 4 // of one request that gets no answer
	maxBackoff      = 30 * time.Second
)

// retrier sends one request until it is answered. It replaces the SDK's own retries,
// which cut fractions off Retry-After and honour any length of it.
type retrier struct {
	maxWait time.Duration // the longest Retry-After that is waited for
	base    time.Duration // the first pause where the server names none; doubles
	log     zerolog.Logger
	yield   yielder
}

// keeper says when a request may go, and is told where the server asks for patience.
type keeper interface {
	// wait returns when the request may be sent; it is called before every try.
	wait(ctx context.Context) error
	// pause holds back whatever the answer is about, for so long.
	pause(resp *http.Response, d time.Duration)
}

// alone is the keeper of a request that no limit is known for: it holds nothing back.
type alone struct{}

func (alone) wait(ctx context.Context) error      { return ctx.Err() }
func (alone) pause(*http.Response, time.Duration) {}

// do calls try until it gives an answer worth handing on: anything but 429 and 5xx, or
// one of those when the tries are used up or the server asks for more than maxWait. The
// keeper holds back the tenant's other requests meanwhile, and afterwards.
func (r *retrier) do(ctx context.Context, k keeper, try func() (*http.Response, error)) (*http.Response, error) {
	failures := 0
	for n := 1; ; n++ {
		if err := k.wait(ctx); err != nil {
			return nil, asError(ctx, err)
		}
		resp, err := try()
		countRequest(resp, err)
		var wait time.Duration
		switch {
		case err != nil:
			failures++
			if ctx.Err() != nil || !again(err) || failures >= maxNetworkTries || n >= maxTries {
				e := asError(ctx, err)
				e.final = true
				return nil, e
			}
			wait = r.backoff(failures)
			r.log.Debug().Str("kind", string(Network)).Dur("wait", wait).Int("try", n).Msg("retrying a request")
		case busy(resp.StatusCode):
			asked, ok := retryAfter(resp.Header, time.Now())
			if wait = asked; !ok || wait <= 0 {
				wait = r.backoff(n)
			}
			if resp.StatusCode == http.StatusTooManyRequests || ok {
				k.pause(resp, wait)
			}
			if n >= maxTries || ok && asked > r.maxWait {
				return resp, nil
			}
			r.log.Debug().Int("status", resp.StatusCode).Dur("wait", wait).Int("try", n).
				Str("request", cleanID(resp.Header.Get("request-id"))).Msg("retrying a request")
			discard(resp)
		default:
			return resp, nil
		}
		countWait(wait)
		if err := r.pause(ctx, wait); err != nil {
			return nil, asError(ctx, err)
		}
	}
}

// pause waits, and lets others use what the caller holds meanwhile.
func (r *retrier) pause(ctx context.Context, d time.Duration) error {
	return r.yield.sleep(ctx, d, sleep)
}

// busy reports whether the same request may succeed later.
func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, 509:
		return true
	}
	return false
}

// again reports whether a request without an answer is worth repeating.
func again(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind == Network && !e.final
	}
	return !untrusted(err)
}

// backoff is the pause before try n+1: base, doubled each time, at most maxBackoff, and
// of that a random half, so that many tenants do not come back at once.
func (r *retrier) backoff(n int) time.Duration {
	d := min(r.base<<min(n-1, 16), maxBackoff)
	return d/2 + rand.N(d/2+1)
}

// maxAsked stands for any Retry-After too large to count.
const maxAsked = 1 << 62 * time.Nanosecond

// retryAfter reads Retry-After: seconds, which Graph also gives as fractions, or an HTTP
// date. A date is one of the server's clock: it is taken from the answer's own Date, and
// from now only where that is missing. A negative value or a date that has passed is zero.
// ok is false if the header is absent or unreadable.
func retryAfter(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		switch {
		case s != s: // NaN
			return 0, false
		case s <= 0:
			return 0, true
		case s >= float64(maxAsked/time.Second):
			return maxAsked, true
		}
		return time.Duration(s * float64(time.Second)), true
	}
	if at, err := http.ParseTime(v); err == nil {
		if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
			now = theirs
		}
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// discard empties and closes a body that nobody reads, so that the connection is reused.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
	_ = resp.Body.Close()
}
