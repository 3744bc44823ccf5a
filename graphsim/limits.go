package graphsim

import (
	"strconv"
	"strings"
	"time"
)

// Budgets per app and tenant as documented (Microsoft docs: Graph throttling
// limits): resource units per ten seconds by tenant size for the directory, CSV
// requests per ten minutes for each report function, and requests per minute
// for users with their sign-ins.
const (
	identityWindow = 10 * time.Second
	reportWindow   = 10 * time.Minute
	reportRequests = 14
	signInWindow   = time.Minute
	signInRequests = 10
)

func identityUnits(users int) int {
	switch {
	case users < 50:
		return 3500
	case users <= 500:
		return 5000
	default:
		return 8000
	}
}

// budget holds what was spent in the running window of each limit.
type budget struct{ windows map[string]*window }

type window struct {
	began time.Time
	spent int
}

// spend adds a cost to a limit. Requests made while throttled count too, as
// Microsoft documents. wait is how long the window lasts when it is overspent.
func (b *budget) spend(limit string, cost, most int, every time.Duration, now time.Time) (share float64, wait time.Duration) {
	if b.windows == nil {
		b.windows = map[string]*window{}
	}
	w := b.windows[limit]
	if w == nil || now.Sub(w.began) >= every {
		w = &window{began: now}
		b.windows[limit] = w
	}
	w.spent += cost
	share = float64(w.spent) / float64(most)
	if w.spent > most {
		wait = every - now.Sub(w.began)
	}
	return share, wait
}

// unitsOf is the documented cost of a directory request in resource units.
func unitsOf(template string, c *call) int {
	cost := 1
	switch {
	case template == "/users":
		cost = 2
	case template == "/subscribedSkus", strings.HasPrefix(template, "/groups/{id}/members"):
		cost = 3
	}
	if c.query.Has("$select") {
		cost--
	}
	if top, err := strconv.Atoi(c.query.Get("$top")); err == nil && top < 20 {
		cost--
	}
	return max(cost, 1)
}

// spend charges a request, sets the headers that tell of it, and answers 429
// when limits are enforced and used up.
func (c *call) spend(template string) bool {
	limit, cost, most, every := "identity", unitsOf(template, c), identityUnits(c.t.info.Users), identityWindow
	if strings.Contains(template, "/reports/") {
		limit, cost, most, every = template, 1, reportRequests, reportWindow
	} else {
		c.w.Header().Set("x-ms-resource-unit", strconv.Itoa(cost))
	}
	c.t.mu.Lock()
	share, wait := c.t.budget.spend(limit, cost, most, every, time.Now())
	if strings.Contains(c.query.Get("$select"), "signInActivity") {
		if s, w := c.t.budget.spend("sign-ins", 1, signInRequests, signInWindow, time.Now()); w > wait {
			share, wait = s, w
		}
	}
	enforce := c.t.switches.EnforceLimits
	c.t.mu.Unlock()
	if !enforce {
		return true
	}
	if wait > 0 {
		c.throttle(strconv.Itoa(int(wait/time.Second) + 1))
		return false
	}
	if share >= 0.8 {
		c.w.Header().Set("x-ms-throttle-limit-percentage", strconv.FormatFloat(share, 'f', 1, 64))
	}
	return true
}
