package graph

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// quota is a limit of Graph's: so much within every window. All figures here are from
// the Microsoft Graph documentation, "Microsoft Graph service-specific throttling limits".
type quota struct {
	most   int
	window time.Duration
}

// Limits of the directory, in resource units. What an app may spend on one tenant goes by
// the tenant's size.
var (
	unitsSmall  = quota{3500, 10 * time.Second} // fewer than 50 users
	unitsMiddle = quota{5000, 10 * time.Second} // 50 to 500
	unitsLarge  = quota{8000, 10 * time.Second} // more than 500
	unitsApp    = quota{150_000, 20 * time.Second}
)

// Limits of the usage reports as CSV, in requests, for each report function.
var (
	reportsAppTenant = quota{14, 10 * time.Minute}
	reportsTenant    = quota{40, 10 * time.Minute} // of all apps together
)

// Limits of what reads sign-ins, in requests.
var (
	signInsAppTenant = []quota{{5, 10 * time.Second}, {10, time.Minute}}
	signInsApp       = []quota{{122, 10 * time.Second}, {10, time.Minute}}
)

// requestsApp is what an app may ask of all of Graph, in requests.
var requestsApp = quota{130_000, 10 * time.Second}

// Workloads that Graph counts apart. A usage report's is the name of its function.
const (
	workloadDirectory = "directory"
	workloadSignIns   = "sign-ins"
	workloadAdmin     = "admin"
	workloadAll       = "all"
)

// unitsOfSize is the directory's limit for a tenant of n users.
func unitsOfSize(n int) quota {
	switch {
	case n < 50:
		return unitsSmall
	case n <= 500:
		return unitsMiddle
	}
	return unitsLarge
}

// baseCost is what a GET costs in resource units before its options are looked at; what
// is not here costs one. The documentation names paths below me, and says that they count
// for users/{id} as well.
var baseCost = map[string]int{
	"applications": 2, "applications/{id}/extensionProperties": 2, "contracts": 3,
	"domains/{id}/domainNameReferences": 4,
	"groups/{id}/members":               3, "groups/{id}/transitiveMembers": 5,
	"users/{id}/licenseDetails": 2, "users/{id}/memberOf": 2, "users/{id}/ownedObjects": 2,
	"users/{id}/transitiveMemberOf": 2,
	"oauth2PermissionGrants":        2, "oauth2PermissionGrants/{id}": 2,
	"servicePrincipals/{id}/appRoleAssignments": 2,
	"subscribedSkus": 3, "users": 2,
}

// cheap is the page size below which a request costs a unit less.
const cheap = 20

// demand is what a request takes of Graph's limits.
type demand struct {
	workload string
	shape    string // names requests of one cost; empty where it is not known to
	units    int    // resource units of the directory; 0 for the reports
}

// below splits a path into what follows the version. It has one element at least.
func below(path string) []string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if part == "v1.0" || part == "beta" {
			return append(parts[i+1:], "")[:max(1, len(parts)-i-1)]
		}
	}
	return parts
}

// demandOf reads a request's demand out of its address.
func demandOf(u *url.URL) demand {
	parts := below(u.Path)
	if parts[0] == "copilot" && len(parts) > 1 {
		parts = parts[1:]
	}
	if parts[0] == "reports" && len(parts) > 1 {
		function, _, _ := strings.Cut(parts[1], "(")
		return demand{workload: function}
	}
	query := u.Query()
	d := demand{workload: workloadDirectory, units: 1}
	switch {
	case parts[0] == "admin":
		d.workload = workloadAdmin
	case strings.Contains(query.Get("$select"), "signInActivity"):
		d.workload = workloadSignIns
	}
	if len(parts) > 1 {
		parts[1] = "{id}"
	}
	path := strings.Join(parts, "/")
	if base, known := baseCost[path]; known {
		d.units, d.shape = base, path
	}
	for _, option := range []struct {
		name   string
		on     bool
		change int
	}{
		{"$select", query.Has("$select"), -1},
		{"$expand", query.Has("$expand"), 1},
		{"$top", isCheap(query.Get("$top")), -1},
	} {
		if option.on {
			d.units += option.change
			if d.shape != "" {
				d.shape += " " + option.name
			}
		}
	}
	d.units = max(1, d.units)
	return d
}

func isCheap(top string) bool {
	n, err := strconv.Atoi(top)
	return err == nil && n < cheap
}
