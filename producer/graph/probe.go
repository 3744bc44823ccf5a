package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seatstream/seatstream/schemas"
)

// Status is the outcome of a check.
type Status string

// Outcomes of a check.
const (
	// StatusOK: it works.
	StatusOK Status = "ok"
	// StatusMissing: a permission is not among those that the token carries.
	StatusMissing Status = "missing"
	// StatusDenied: Microsoft refused it.
	StatusDenied Status = "denied"
	// StatusUnavailable: the tenant or its cloud does not offer it.
	StatusUnavailable Status = "unavailable"
	// StatusFailed: it did not work, and may another time.
	StatusFailed Status = "failed"
	// StatusSkipped: it was not tried, because something it needs is not there.
	StatusSkipped Status = "skipped"
)

// Check is the outcome of one check. Its texts are safe to show and to log.
type Check struct {
	Name     string
	Status   Status
	Optional bool          // a connector works without it
	Detail   string        // what was found, or what went wrong
	Remedy   string        // what the operator can do, empty if nothing
	Took     time.Duration // of the request, zero where there was none
	Err      error         // what went wrong, for errors.As
}

// RequiredPermissions are the application permissions that a connector asks for.
func RequiredPermissions() []string {
	return []string{"Directory.Read.All", "Group.Read.All", "Reports.Read.All", "User.Read.All"}
}

// Probe tries out everything that a run would use, with one small request each, and one
// after the other: sign-in, permissions, listings, the beginning of the given reports, which
// has their dates, what is optional, and the clock. Each report
// costs one of the requests that ReportBudget counts. It returns a check for each, also
// when the context ends before they are made.
func (c *Client) Probe(ctx context.Context, reports []*schemas.ReportSpec) []Check {
	first, roles := c.probeSignIn(ctx)
	checks := []Check{first, c.probeCredential(first)}
	for _, name := range RequiredPermissions() {
		checks = append(checks, granted(first, roles, name, false))
	}
	signedIn := first.Status == StatusOK
	for _, p := range c.feedProbes() {
		checks = append(checks, attempt(ctx, p.name, signedIn, p.try))
	}
	for _, spec := range reports {
		checks = append(checks, attempt(ctx, "report "+spec.Function, signedIn, func(ctx context.Context) (string, error) {
			return c.probeReport(ctx, spec)
		}))
	}
	for _, p := range c.optionalProbes() {
		permitted := granted(first, roles, p.permission, true)
		check := attempt(ctx, p.name, permitted.Status == StatusOK, p.try)
		if check.Optional = true; check.Status == StatusSkipped && signedIn {
			check.Detail = "needs " + p.permission
		}
		checks = append(checks, permitted, check)
	}
	return append(checks, c.probeClock())
}

// attempt makes one check, or passes it over where what it needs is not there.
func attempt(ctx context.Context, name string, ready bool, try func(context.Context) (string, error)) Check {
	if !ready {
		return Check{Name: name, Status: StatusSkipped, Detail: "not tried"}
	}
	start := time.Now()
	detail, err := try(ctx)
	check := Check{Name: name, Status: StatusOK, Detail: detail, Took: time.Since(start)}
	if err != nil {
		check.fail(err)
	}
	return check
}

// fail makes a failed check of an error.
func (k *Check) fail(err error) {
	k.Status, k.Detail, k.Err = StatusFailed, err.Error(), err
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return
	}
	brief := *e
	brief.Remedy = ""
	k.Detail, k.Remedy = brief.Error(), e.Remedy
	switch e.Kind {
	case SignIn, Permission:
		k.Status = StatusDenied
	case TenantLicence, Unsupported, NotFound:
		k.Status = StatusUnavailable
	}
}

func (c *Client) probeSignIn(ctx context.Context) (Check, []string) {
	var roles []string
	check := attempt(ctx, "sign-in", true, func(ctx context.Context) (string, error) {
		var err error
		if roles, err = c.Permissions(ctx); err != nil {
			return "", err
		}
		if len(roles) == 0 {
			return "the token carries no application permission", nil
		}
		return fmt.Sprintf("the token carries %d application permissions", len(roles)), nil
	})
	return check, roles
}

// covers names, for a permission, a wider one that does for it in Graph (Microsoft Graph
// permissions reference).
var covers = map[string]string{"Group.Read.All": "Directory.Read.All", "User.Read.All": "Directory.Read.All"}

// granted looks for a permission among those of the token.
func granted(signIn Check, roles []string, name string, optional bool) Check {
	check := Check{Name: "permission " + name, Optional: optional, Status: StatusOK}
	switch {
	case signIn.Status != StatusOK:
		check.Status, check.Detail = StatusSkipped, "not tried"
	case !slices.Contains(roles, name):
		check.Status, check.Detail = StatusMissing, "not granted"
		if wide := covers[name]; slices.Contains(roles, wide) {
			check.Detail = "not granted; " + wide + " does for it"
		}
		check.Remedy = fmt.Sprintf(consentPlace, name)
	}
	return check
}

// maxSkew is how far apart the clocks may be: the sign-in service allows five minutes
// where it checks a time.
const maxSkew = 5 * time.Minute

func (c *Client) probeClock() Check {
	check := Check{Name: "clock", Status: StatusOK}
	ahead, known := c.ClockSkew()
	switch {
	case !known:
		check.Status, check.Detail = StatusSkipped, "no answer to compare with"
		return check
	case ahead.Abs() < 2*time.Second:
		check.Detail = "agrees with Microsoft's"
	case ahead > 0:
		check.Detail = "this machine is " + ahead.Round(time.Second).String() + " behind Microsoft"
	default:
		check.Detail = "this machine is " + ahead.Abs().Round(time.Second).String() + " ahead of Microsoft"
	}
	if ahead.Abs() > maxSkew {
		check.Status, check.Remedy = StatusFailed, "set this machine's clock: signing in with a certificate depends on it"
	}
	return check
}
