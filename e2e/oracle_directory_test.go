package e2e

import (
	"slices"
	"strings"

	"github.com/seatstream/seatstream/graphsim"
)

// reading is what the oracle found on one day.
type reading struct {
	date          string // YYYY-MM-DD, the simulated day
	users         map[string]*person
	skus          []sku
	subscriptions []subscription
	members       []member
	groups        map[string]string // names of those that carry licences
	reports       map[string]usage  // by function; absent where not permitted
	order         []string          // ids of users as they were listed
	broken        bool              // only part of the users is known to be as read
	oldSKUs       bool              // the SKUs are those of an earlier run
}

// status is that of a run that saw what the reading saw.
func (r *reading) status() string {
	if r.broken || r.oldSKUs || len(r.reports) < len(reportPaths) {
		return "incomplete"
	}
	return "complete"
}

// cut is the reading as a listing leaves it that broke off behind n users: the others are
// as they were before, if anything is known of them.
func (r *reading) cut(n int, before *reading) *reading {
	c := *r
	c.broken, c.users = true, map[string]*person{}
	if before != nil {
		for id, u := range before.users {
			c.users[id] = u
		}
	}
	for _, id := range r.order[:n] {
		c.users[id] = r.users[id]
	}
	return &c
}

type person struct {
	ID              string    `json:"id"`
	UPN             string    `json:"userPrincipalName"`
	Department      string    `json:"department"`
	Enabled         *bool     `json:"accountEnabled"`
	Type            string    `json:"userType"`
	Licences        []licence `json:"assignedLicenses"`
	AssignmentPaths []path    `json:"licenseAssignmentStates"`
	disabledPlansOf map[string][]string
	pathsOf         map[string][]path
	held            []string
}

type licence struct {
	SKU      string   `json:"skuId"`
	Disabled []string `json:"disabledPlans"`
}

type path struct {
	SKU   string  `json:"skuId"`
	Group *string `json:"assignedByGroup"`
	State string  `json:"state"`
	Error *string `json:"error"`
	Since string  `json:"lastUpdatedDateTime"`
}

type sku struct {
	ID       string `json:"skuId"`
	Part     string `json:"skuPartNumber"`
	Applies  string `json:"appliesTo"`
	Status   string `json:"capabilityStatus"`
	Consumed int    `json:"consumedUnits"`
	Units    struct {
		Enabled   int `json:"enabled"`
		Warning   int `json:"warning"`
		Suspended int `json:"suspended"`
		LockedOut int `json:"lockedOut"`
	} `json:"prepaidUnits"`
	Plans []struct {
		ID   string `json:"servicePlanId"`
		Name string `json:"servicePlanName"`
	} `json:"servicePlans"`
}

type subscription struct {
	ID      string  `json:"id"`
	SKU     string  `json:"skuId"`
	Status  string  `json:"status"`
	IsTrial bool    `json:"isTrial"`
	Total   int     `json:"totalLicenses"`
	Next    *string `json:"nextLifecycleDateTime"`
}

type member struct {
	ID    string `json:"id"`
	group string
}

// usage is one report: its rows and the date of its data.
type usage struct {
	refresh string
	rows    []map[string]string
}

// reports the shipped queries rest on.
var reportPaths = map[string]string{
	"getOffice365ActiveUserDetail":          "/reports/getOffice365ActiveUserDetail",
	"getM365AppUserDetail":                  "/reports/getM365AppUserDetail",
	"getMicrosoft365CopilotUsageUserDetail": "/copilot/reports/getMicrosoft365CopilotUsageUserDetail",
}

// read takes a reading of the simulated day and remembers it.
func (o *oracle) read(sim *graphsim.Server) *reading {
	o.t.Helper()
	o.login()
	r := &reading{date: sim.Now().Format("2006-01-02"), users: map[string]*person{}, groups: map[string]string{}, reports: map[string]usage{}}
	for _, u := range list[person](o, "/users?$top=70&$select=id,userPrincipalName,department,accountEnabled,userType,assignedLicenses,licenseAssignmentStates") {
		u.index()
		r.users[u.ID], r.order = &u, append(r.order, u.ID)
	}
	r.skus = list[sku](o, "/subscribedSkus")
	r.subscriptions = list[subscription](o, "/directory/subscriptions")
	type group struct {
		ID       string    `json:"id"`
		Name     string    `json:"displayName"`
		Licences []licence `json:"assignedLicenses"`
	}
	for _, g := range list[group](o, "/groups?$top=5&$select=id,displayName,assignedLicenses") {
		if len(g.Licences) == 0 {
			continue
		}
		r.groups[g.ID] = g.Name
		for _, m := range list[member](o, "/groups/"+g.ID+"/members?$select=id") {
			m.group = g.ID
			r.members = append(r.members, m)
		}
	}
	for function, path := range reportPaths {
		if rows, ok := o.report(path); ok {
			u := usage{rows: rows}
			for _, row := range rows {
				u.refresh = max(u.refresh, row["Report Refresh Date"])
			}
			r.reports[function] = u
		}
	}
	o.readings = append(o.readings, r)
	return r
}

// index brings licences and paths into a form that is asked by SKU.
func (p *person) index() {
	p.disabledPlansOf, p.pathsOf = map[string][]string{}, map[string][]path{}
	for _, l := range p.Licences {
		p.held = append(p.held, l.SKU)
		p.disabledPlansOf[l.SKU] = slices.Sorted(slices.Values(l.Disabled))
	}
	for _, s := range p.AssignmentPaths {
		p.pathsOf[s.SKU] = append(p.pathsOf[s.SKU], s)
	}
}

func (p *person) holds(sku string) bool { return slices.Contains(p.held, sku) }

// last is the newest reading.
func (o *oracle) last() *reading { return o.readings[len(o.readings)-1] }

// fault is the error of a path, empty where it has none.
func (p path) fault() string {
	if p.Error == nil || strings.EqualFold(*p.Error, "None") {
		return ""
	}
	return *p.Error
}

// holdersOf counts who holds a SKU.
func (r *reading) holdersOf(id string) int {
	n := 0
	for _, u := range r.users {
		if u.holds(id) {
			n++
		}
	}
	return n
}
