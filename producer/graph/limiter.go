package graph

import (
	"context"
	"strings"
	"sync"
	"time"
)

// Limiter keeps all clients of a process within the limits of Microsoft Graph: it holds a
// request back before Graph would have to refuse it, because refused requests count too,
// and where Graph does refuse one it holds back whatever Graph's answer is about. A
// tenant waits for what was spent on that tenant; only the limits that Graph itself keeps
// per app, far above the others, are shared. It may be used by several goroutines at once.
//
// Limits are counted per process. Processes that read one tenant with one app do not know
// of each other: there Graph's own answers steer, and they do so for each.
type Limiter struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu    sync.Mutex
	known map[limitKey]*allowance
	users map[limitKey]int // of a tenant, as far as counted
	costs map[string]int   // by shape, as Graph counts them
	sweep int              // how many allowances to have before the idle ones are dropped
}

// NewLimiter makes a limiter that knows of no request.
func NewLimiter() *Limiter {
	return &Limiter{
		now: time.Now, sleep: sleep, sweep: 1024,
		known: map[limitKey]*allowance{}, users: map[limitKey]int{}, costs: map[string]int{},
	}
}

// limitKey is what Graph counts apart. An empty app or tenant stands for all.
type limitKey struct{ app, tenant, workload string }

func keyOf(app, tenant, workload string) limitKey {
	return limitKey{strings.ToLower(app), strings.ToLower(tenant), workload}
}

// allowance is what may still be asked under one key.
type allowance struct {
	ledgers []ledger
	until   time.Time // Graph asked to wait until then
	next    time.Time // when the next request may go, close to a limit
}

const (
	// calm is the share of a limit up to which nothing is slowed down; above it Graph
	// begins to warn (x-ms-throttle-limit-percentage, throttling limits).
	calm = 0.8
	// MaxPause bounds what one answer can do to a tenant: after that it is asked again,
	// whatever Retry-After said.
	MaxPause = time.Hour
)

// SetUsers tells how many users a tenant has: the directory's limit goes by that. Until
// it is told, the tenant is taken for a small one. A client that lists all users tells it
// by itself.
func (l *Limiter) SetUsers(app, tenant string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users[keyOf(app, tenant, "")] = n
}

// SetUsers tells the client's limiter how many users the tenant has, as an earlier run
// counted them: groups and members are listed before users.
func (c *Client) SetUsers(n int) { c.limiter.SetUsers(c.app, c.tenant, n) }

// atLeast is SetUsers for a listing under way.
func (l *Limiter) atLeast(app, tenant string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key := keyOf(app, tenant, ""); n > l.users[key] {
		l.users[key] = n
	}
}

// ReportBudget is how often a report function can be asked for now, and when all of its
// budget is there again; the zero time says that nothing of it is spent. The budget of 14
// requests in ten minutes is one for the app in the tenant, below one of 40 for all apps.
func (l *Limiter) ReportBudget(app, tenant, function string) (left int, reset time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	left = reportsAppTenant.most
	for _, key := range scopesOf(app, tenant, function) {
		a := l.known[key]
		if a == nil {
			continue
		}
		if a.until.After(now) {
			left, reset = 0, later(reset, a.until)
		}
		for i := range a.ledgers {
			a.ledgers[i].drop(now)
			left = min(left, a.ledgers[i].quota.most-a.ledgers[i].sum-a.ledgers[i].flying)
			reset = later(reset, a.ledgers[i].end(now))
		}
	}
	return max(0, left), reset
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// scopesOf are the three scopes in which Graph throttles: app and tenant, the app in all
// tenants, the tenant for all apps.
func scopesOf(app, tenant, workload string) [3]limitKey {
	return [3]limitKey{keyOf(app, tenant, workload), keyOf(app, "", workload), keyOf("", tenant, workload)}
}

// quotasOf are the quotas of a key. The directory's depends on the tenant's size.
func (l *Limiter) quotasOf(key limitKey) []quota {
	switch {
	case key.workload == workloadAll:
		return []quota{requestsApp}
	case key.workload == workloadAdmin:
		return nil // none is documented
	case key.workload == workloadDirectory && key.tenant == "":
		return []quota{unitsApp}
	case key.workload == workloadDirectory && key.app != "":
		return []quota{unitsOfSize(l.users[limitKey{app: key.app, tenant: key.tenant}])}
	case key.workload == workloadDirectory:
		return nil
	case key.workload == workloadSignIns && key.tenant == "":
		return signInsApp
	case key.workload == workloadSignIns && key.app != "":
		return signInsAppTenant
	case key.workload == workloadSignIns:
		return nil
	case key.app == "":
		return []quota{reportsTenant}
	case key.tenant != "":
		return []quota{reportsAppTenant}
	}
	return nil
}

// at returns the allowance of a key, made where there is none.
func (l *Limiter) at(key limitKey) *allowance {
	quotas := l.quotasOf(key)
	a := l.known[key]
	if a == nil {
		if len(l.known) >= l.sweep {
			l.dropIdle()
		}
		a = &allowance{ledgers: make([]ledger, len(quotas))}
		l.known[key] = a
	}
	for i, q := range quotas {
		a.ledgers[i].quota = q // a tenant's size may have become known
	}
	return a
}

// dropIdle forgets keys that say nothing, so that a process which has read many tenants
// holds only those it reads.
func (l *Limiter) dropIdle() {
	now := l.now()
	for key, a := range l.known {
		idle := !a.until.After(now) && !a.next.After(now)
		for i := range a.ledgers {
			a.ledgers[i].drop(now)
			idle = idle && a.ledgers[i].idle()
		}
		if idle {
			delete(l.known, key)
		}
	}
	l.sweep = max(1024, 2*len(l.known))
}
