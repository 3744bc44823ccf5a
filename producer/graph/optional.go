package graph

import (
	"slices"
	"strings"
	"time"
)

// SignInsGranted returns nil where sign-in activity may be asked for with these
// permissions, else an error of kind Permission with its remedy.
func SignInsGranted(permissions []string) error { return feedSignIns.granted(permissions) }

// ReportSettingsGranted is SignInsGranted for the tenant's report settings.
func ReportSettingsGranted(permissions []string) error {
	return feedReportSettings.granted(permissions)
}

func (f feed) granted(permissions []string) error {
	if slices.Contains(permissions, f.permission) {
		return nil
	}
	return &Error{
		Kind: Permission, Code: "NotGranted", Message: f.name + " is not read: " + f.permission + " is not granted",
		Remedy: strings.Replace(consentPlace, "%s", f.permission, 1),
	}
}

// ReportBudget is the limiter's ReportBudget for this client's app and tenant.
func (c *Client) ReportBudget(function string) (left int, reset time.Time) {
	return c.limiter.ReportBudget(c.app, c.tenant, function)
}
