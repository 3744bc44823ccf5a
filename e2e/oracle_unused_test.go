package e2e

import (
	"strings"
)

// verdict is what the oracle thinks of one holding.
type verdict struct {
	user, sku, state          string
	last, anchor, since       string // dates, empty for unknown
	doubts                    []string
	covered, enabled, isGuest bool
}

// judge decides one holding after the definition of unused-licences: active where the
// last use is nearer than the limit; inactive where it is not, nothing about the evidence
// is in doubt and the licence is one that somebody could be expected to use by now;
// unknown in all other cases. uses are the oracle's own.
func (o *oracle) judge(u *person, id string, limit int, uses map[useKey]use) verdict {
	r := o.last()
	v := verdict{user: u.ID, sku: id, isGuest: u.Type == "Guest", enabled: u.Enabled != nil && *u.Enabled}
	doubt := func(why string, is bool) {
		if is {
			v.doubts = append(v.doubts, why)
		}
	}
	assigned, blank := "", false
	for workload := range r.needed(u, id) {
		v.covered = true
		report, collected := o.newest(reportOf(workload))
		doubt("report not collected", !collected)
		if !collected {
			continue
		}
		if v.anchor == "" || report.refresh < v.anchor {
			v.anchor = report.refresh
		}
		doubt("report late", daysBetween(report.refresh, r.date) > 7)
		found, row := uses[useKey{u.ID, workload}]
		doubt("names concealed", !row && report.concealed())
		doubt("no row for the person", !row)
		v.last = max(v.last, found.last)
		blank = blank || row && found.last == ""
		if found.assigned != "" && (assigned == "" || found.assigned < assigned) {
			assigned = found.assigned
		}
	}
	doubt("no report covers this SKU", !v.covered)
	v.since = o.seenAssigned(u.ID, id)
	for _, other := range []string{assigned, o.surelyHeld(u, id)} {
		if v.since == "" {
			v.since = other
		}
	}
	untouched := v.anchor != "" && daysBetween(v.since, v.anchor) <= reach && v.last < v.since
	doubt("listing of users incomplete", r.broken)
	doubt("account state unknown", u.Enabled == nil)
	doubt("account disabled", u.Enabled != nil && !*u.Enabled)
	doubt("guest account", v.isGuest)
	doubt("user type unknown", u.Type != "Guest" && u.Type != "Member")
	doubt("held for less than 30 days", v.anchor != "" && daysBetween(v.since, v.anchor) < 30)
	doubt("reports reach back 180 days only", !untouched && limit > reach && blank)
	switch {
	case v.last != "" && daysBetween(v.last, v.anchor) < limit:
		v.state = "active"
	case len(v.doubts) > 0:
		v.state = "unknown"
	case untouched:
		v.state = "never used"
	default:
		v.state = "inactive"
	}
	return v
}

// reach is how many days back the reports tell of activity.
const reach = 180

// surelyHeld is a day by which a licence that was never seen to come was held: the oldest of
// the last changes of its paths, or the first reading of the person if that is earlier.
func (o *oracle) surelyHeld(u *person, id string) (date string) {
	for _, r := range o.readings {
		if r.users[u.ID] != nil {
			date = r.date
			break
		}
	}
	for _, p := range u.pathsOf[id] {
		if day := strings.Split(p.Since, "T")[0]; day < date {
			date = day
		}
	}
	return date
}

// concealed tells whether any name of the report is hidden.
func (u usage) concealed() bool {
	for _, row := range u.rows {
		if concealedName.MatchString(row["User Principal Name"]) {
			return true
		}
	}
	return false
}

// verdicts judges every holding of the tenant.
func (o *oracle) verdicts(limit int) (all []verdict) {
	uses := o.uses()
	for _, u := range o.last().users {
		for _, id := range u.held {
			all = append(all, o.judge(u, id, limit, uses))
		}
	}
	return all
}

// unused answers unused-licences.
func (o *oracle) unused(limit int) (lines []string) {
	for _, v := range o.verdicts(limit) {
		lines = append(lines, line(v.user, v.sku, v.state, orNull(v.last), orNull(v.anchor), v.since))
	}
	return lines
}

var unusedColumns = []string{"user_id", "sku_id", "state", "last_use", "report_date", "held_since"}

// summary answers use-summary.
func (o *oracle) summary(limit int) (lines []string) {
	for id, n := range o.counted(limit) {
		lines = append(lines, line(id, o.last().holdersOf(id), n["active"], n["inactive"], n["never used"], n["unknown"]))
	}
	return lines
}

// counted is how many holders of each SKU are in each state.
func (o *oracle) counted(limit int) map[string]map[string]int {
	counts := map[string]map[string]int{}
	for _, v := range o.verdicts(limit) {
		if counts[v.sku] == nil {
			counts[v.sku] = map[string]int{}
		}
		counts[v.sku][v.state]++
	}
	return counts
}

var summaryColumns = []string{"sku_id", "holders", "active", "inactive", "never_used", "unknown"}
