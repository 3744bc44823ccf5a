package graph

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// turn is one request on its way through the limiter: wait, send, done, for each try.
type turn struct {
	limiter     *Limiter
	app, tenant string
	demand      demand
	maxWait     time.Duration
	yield       yielder
	scopes      [3]limitKey
	charges     []charge
}

// charge is what a request takes of one key.
type charge struct {
	key  limitKey
	cost int
}

// turn readies a request's passage. Nothing is counted yet.
func (l *Limiter) turn(app, tenant string, u *url.URL, maxWait time.Duration) *turn {
	d := demandOf(u)
	return &turn{limiter: l, app: app, tenant: tenant, demand: d, maxWait: maxWait, scopes: scopesOf(app, tenant, d.workload)}
}

// Codes of errors that are ours, because the request was not sent. Graph's own code is
// TooManyRequests (Microsoft Graph documentation, "Throttling guidance").
const (
	codeUsedUp    = "LimitUsedUp"
	codeThrottled = "TooManyRequests"
)

// wait holds the request back until every limit has room for it, and takes the room. A
// wait longer than the caller's longest is not begun: it ends with a Throttled error.
func (t *turn) wait(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		d, paused := t.take()
		if d <= 0 {
			return nil
		}
		if d > t.maxWait {
			e := &Error{Kind: Throttled, Code: codeUsedUp, Message: "the limit that Microsoft documents for this is used up", RetryAfter: d, final: true}
			if paused {
				e.Code, e.Message = codeThrottled, "graph throttles this tenant and the time it asked for has not passed"
			}
			return e
		}
		if err := t.yield.sleep(ctx, d, t.limiter.sleep); err != nil {
			return err
		}
	}
}

// take counts the request in and returns zero, or returns how long it has to wait and
// whether that is because Graph said so.
func (t *turn) take() (wait time.Duration, paused bool) {
	l := t.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	charges := t.price()
	asked := t.scopes[:]
	for _, c := range charges {
		asked = append(asked[:len(asked):len(asked)], c.key)
	}
	for _, key := range asked {
		if a := l.known[key]; a != nil && a.until.Sub(now) > wait {
			wait, paused = a.until.Sub(now), true
		}
	}
	for _, c := range charges {
		a := l.at(c.key)
		if c.key.workload == workloadDirectory && a.ledgers[0].share(c.cost) > calm {
			wait = max(wait, a.next.Sub(now))
		}
		for i := range a.ledgers {
			if d := a.ledgers[i].wait(now, c.cost); d > wait {
				wait, paused = d, false
			}
		}
	}
	if wait > 0 {
		return wait, paused
	}
	t.charges = charges
	for _, c := range charges {
		a := l.at(c.key)
		for i := range a.ledgers {
			a.ledgers[i].flying += c.cost
		}
		if c.key.workload == workloadDirectory && a.ledgers[0].share(0) > calm {
			// From here on no faster than the limit flows: one request after another
			// instead of a burst and a standstill.
			q := a.ledgers[0].quota
			a.next = later(a.next, now).Add(q.window / time.Duration(q.most) * time.Duration(c.cost))
		}
	}
	return 0, false
}

// price lists what the request takes of which key.
func (t *turn) price() []charge {
	out := make([]charge, 0, 5)
	for _, key := range t.scopes {
		if t.demand.workload != workloadDirectory && len(t.limiter.quotasOf(key)) > 0 {
			out = append(out, charge{key, 1})
		}
	}
	if t.demand.units > 0 { // users with their sign-ins are directory requests as well
		units := t.demand.units
		if n, ok := t.limiter.costs[t.demand.shape]; ok {
			units = n
		}
		out = append(out, charge{keyOf(t.app, t.tenant, workloadDirectory), units}, charge{keyOf(t.app, "", workloadDirectory), units})
	}
	return append(out, charge{keyOf(t.app, "", workloadAll), 1})
}

// done books the request as made, and learns from the answer. Without an answer it counts
// all the same: Graph may have had it.
func (t *turn) done(resp *http.Response) {
	l := t.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	units := 0
	if resp != nil {
		units = t.learn(resp.Header)
	}
	now := l.now()
	for _, c := range t.charges {
		cost := c.cost
		if c.key.workload == workloadDirectory && units > 0 {
			cost = units
		}
		a := l.at(c.key)
		for i := range a.ledgers {
			a.ledgers[i].flying -= c.cost
			a.ledgers[i].book(now, cost)
		}
	}
	t.charges = nil
	if resp != nil && resp.StatusCode < 300 {
		t.warned(resp.Header, now)
	}
}

// release takes back a request that was not sent.
func (t *turn) release() {
	l := t.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range t.charges {
		a := l.at(c.key)
		for i := range a.ledgers {
			a.ledgers[i].flying -= c.cost
		}
	}
	t.charges = nil
}

// maxUnits bounds what one request is believed to have cost.
const maxUnits = 1000

// learn reads what the request cost by Graph's count, and remembers it for its like.
func (t *turn) learn(h http.Header) int {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("x-ms-resource-unit")))
	if err != nil || n < 1 || n > maxUnits {
		return 0
	}
	if t.demand.shape != "" && n != t.demand.units {
		t.limiter.costs[t.demand.shape] = n
	}
	return n
}

// warned brings the ledger up to what Graph says is spent: others may spend as well. The
// header comes only close to the limit, and not from every service, so its absence says
// nothing. A refusal carries it too, but there Retry-After says more.
func (t *turn) warned(h http.Header, now time.Time) {
	share, err := strconv.ParseFloat(strings.TrimSpace(h.Get("x-ms-throttle-limit-percentage")), 64)
	if err != nil || math.IsNaN(share) || share < calm {
		return
	}
	a := t.limiter.at(t.scopes[0])
	for i := range a.ledgers {
		g := &a.ledgers[i]
		g.drop(now)
		g.book(now, int(min(share, 1)*float64(g.quota.most))-g.sum-g.flying)
	}
}

// pause holds back everything that the answer is about.
func (t *turn) pause(resp *http.Response, d time.Duration) {
	l := t.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.at(t.throttled(resp))
	a.until = later(a.until, l.now().Add(min(d, MaxPause)))
}

// throttled is the scope that an answer names: Scope/Limit/ApplicationId/TenantId, where
// Scope is Tenant_Application, Tenant or Application (throttling limits). An answer that
// names none, or another app's, is about this app in this tenant.
func (t *turn) throttled(resp *http.Response) limitKey {
	scope, rest, _ := strings.Cut(resp.Header.Get("x-ms-throttle-scope"), "/")
	switch {
	case scope == "Application" && strings.Contains(strings.ToLower(rest), "/"+strings.ToLower(t.app)):
		return t.scopes[1]
	case scope == "Tenant":
		return t.scopes[2]
	}
	return t.scopes[0]
}
