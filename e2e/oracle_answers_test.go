package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Both sides say every row as one line of text: values in JSON, in the order of the
// query's columns named below. Lines are compared as sets with repetition.

// line renders the values of a row.
func line(values ...any) string {
	parts := make([]string, len(values))
	for i, v := range values {
		if list, ok := v.([]string); ok {
			v = append([]string{}, slices.Sorted(slices.Values(list))...) // no order is promised
		}
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // strings, numbers and lists of them
		}
		parts[i] = string(b)
	}
	return strings.Join(parts, " ")
}

// positions answers licence-position.
func (o *oracle) positions() (lines []string) {
	r, used := o.last(), o.counted(90)
	for _, s := range r.skus {
		var unassigned any
		if s.Applies == "User" && !slices.Contains(freeOnes, s.Part) {
			unassigned = max(0, s.Units.Enabled-s.Consumed)
		}
		n := used[s.ID]
		lines = append(lines, line(o.tenant.ID, o.tenant.Domain, s.ID, s.Part, s.Applies, s.Status,
			s.Units.Enabled, s.Units.Warning, s.Units.Suspended, s.Units.LockedOut, s.Consumed, r.holdersOf(s.ID),
			n["active"], n["inactive"], n["never used"], n["unknown"], unassigned,
			s.Units.Enabled+s.Units.Warning-s.Consumed, max(0, s.Consumed-s.Units.Enabled-s.Units.Warning)))
	}
	return lines
}

var positionColumns = []string{
	"tenant_id", "tenant", "sku_id", "sku", "applies_to", "status", "enabled", "warning", "suspended", "locked_out",
	"consumed", "holders", "active", "inactive", "never_used", "unknown", "unassigned", "assignable", "over_allocated",
}

// freeOnes are the simulator's SKUs that cost nothing or that people sign up for themselves: no
// seat of theirs counts as unassigned.
var freeOnes = []string{"TEAMS_EXPLORATORY", "POWER_BI_STANDARD", "FLOW_FREE"}

// holders answers licence-holders.
func (o *oracle) holders() (lines []string) {
	r := o.last()
	for _, u := range r.users {
		for _, id := range u.held {
			direct, groups, states, errors := false, []string{}, []string{}, []string{}
			for _, p := range u.pathsOf[id] {
				if p.Group == nil {
					direct = true
				} else {
					groups = append(groups, *p.Group)
				}
				states = append(states, p.State)
				if e := p.fault(); e != "" {
					errors = append(errors, e)
				}
			}
			lines = append(lines, line(u.ID, u.UPN, id, r.part(id), direct, groups, states, errors, u.Enabled, u.Type, u.Department))
		}
	}
	return lines
}

var holderColumns = []string{
	"user_id", "user_principal_name", "sku_id", "sku", "direct", "groups", "states", "error", "account_enabled", "user_type", "department",
}

func (r *reading) part(id string) string {
	for _, s := range r.skus {
		if s.ID == id {
			return s.Part
		}
	}
	return ""
}

// paths answers assignment-paths: those that give the licence.
func (o *oracle) paths() (lines []string) {
	r := o.last()
	for _, u := range r.users {
		for _, id := range u.held {
			direct, groups, names := false, []string{}, []string{}
			for _, p := range u.pathsOf[id] {
				switch {
				case p.State == "Error":
				case p.Group == nil:
					direct = true
				default:
					groups, names = append(groups, *p.Group), append(names, r.groups[*p.Group])
				}
			}
			how := "group"
			switch {
			case len(groups) > 1, direct && len(groups) > 0:
				how = "both"
			case direct:
				how = "direct"
			case len(groups) == 0:
				how = "unlisted"
			}
			lines = append(lines, line(u.ID, id, r.part(id), how, how == "both", names, groups))
		}
	}
	return lines
}

var pathColumns = []string{"user_id", "sku_id", "sku", "path", "clean_up", "group_names", "groups"}

// failed answers assignment-errors.
func (o *oracle) failed() (lines []string) {
	r := o.last()
	for _, u := range r.users {
		for _, p := range u.AssignmentPaths {
			if p.fault() == "" && p.State != "Error" && p.State != "ActiveWithError" {
				continue
			}
			group, code := "", "None"
			if p.Group != nil {
				group = *p.Group
			}
			if p.Error != nil {
				code = *p.Error
			}
			lines = append(lines, line(u.ID, p.SKU, p.State, code, group, r.groups[group], u.holds(p.SKU)))
		}
	}
	return lines
}

var failedColumns = []string{"user_id", "sku_id", "state", "error", "group_id", "group_name", "held"}

// memberships answers who belongs to the groups that carry licences.
func (o *oracle) memberships() (lines []string) {
	for _, m := range o.last().members {
		lines = append(lines, line(m.group, m.ID, "user"))
	}
	return lines
}

const membersSQL = `SELECT toString(group_id) AS group_id, toString(member_id) AS member_id, member_type
FROM m365.members FINAL WHERE tenant_id = toUUID('%s')`

var memberColumns = []string{"group_id", "member_id", "member_type"}

// purchases answers what stands in /directory/subscriptions.
func (o *oracle) purchases() (lines []string) {
	for _, s := range o.last().subscriptions {
		var next any
		if s.Next != nil {
			at, err := time.Parse(time.RFC3339, *s.Next)
			if err != nil {
				o.t.Fatal(err)
			}
			next = at.UTC().Format("2006-01-02 15:04:05.000")
		}
		lines = append(lines, line(s.ID, s.SKU, s.Status, s.IsTrial, s.Total, next))
	}
	return lines
}

const subscriptionsSQL = `SELECT subscription_id, toString(sku_id) AS sku, status, is_trial, total_licenses, toString(next_lifecycle_at) AS next
FROM m365.subscriptions FINAL WHERE tenant_id = toUUID('%s')`

var subscriptionColumns = []string{"subscription_id", "sku", "status", "is_trial", "total_licenses", "next"}

// reconciled answers reconciliation. The simulator's units in use are its holders, but
// for what belongs to the company; a residual is explained or a finding.
func (o *oracle) reconciled() (lines []string) {
	r := o.last()
	for _, s := range r.skus {
		residual, class := s.Consumed-r.holdersOf(s.ID), "none"
		if residual != 0 {
			switch {
			case s.Applies != "User":
				class = "company-level SKU"
			case r.broken:
				class = "listing incomplete"
			case r.oldSKUs:
				class = "different runs"
			default:
				class = "unexplained"
			}
		}
		lines = append(lines, line(s.ID, s.Consumed, r.holdersOf(s.ID), residual, class))
	}
	return lines
}

var reconciliationColumns = []string{"sku_id", "consumed", "holders", "residual", "class"}

// holding is a user's licence at one moment, as the events compare it.
type holding struct {
	held     bool
	states   []string // one per path, the error behind the state
	disabled []string
}

// holdings of all users, by user and SKU.
func (r *reading) holdings() map[[2]string]holding {
	all := map[[2]string]holding{}
	for _, u := range r.users {
		for _, l := range u.Licences {
			all[[2]string{u.ID, l.SKU}] = holding{held: true, disabled: u.disabledPlansOf[l.SKU]}
		}
		for _, p := range u.AssignmentPaths {
			key := [2]string{u.ID, p.SKU}
			h, text := all[key], p.State
			if e := p.fault(); e != "" {
				text += ":" + e
			}
			h.states = slices.Sorted(slices.Values(append(h.states, text)))
			all[key] = h
		}
	}
	return all
}

// changes lists what happened to the licences between two readings.
func changes(before, after *reading) (lines []string) {
	old, now := before.holdings(), after.holdings()
	keys := map[[2]string]bool{}
	for k := range old {
		keys[k] = true
	}
	for k := range now {
		keys[k] = true
	}
	for k := range keys {
		a, b := old[k], now[k]
		what := ""
		switch {
		case !a.held && b.held:
			what = "assigned"
		case a.held && !b.held:
			what = "removed"
		case inError(b) && !inError(a):
			what = "errored"
		case !slices.Equal(a.states, b.states) || !slices.Equal(a.disabled, b.disabled):
			what = "state_changed"
		default:
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", what, k[0], k[1]))
	}
	return lines
}

func inError(h holding) bool {
	return slices.ContainsFunc(h.states, func(s string) bool { return strings.Contains(s, "Error") || strings.Contains(s, ":") })
}
