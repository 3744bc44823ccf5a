package e2e

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// workloadsOf names the workloads that a service plan gives, after Microsoft's service
// plan names. Foundation plans that come along with add-ons give none.
var workloadsOf = map[string][]string{
	"EXCHANGE_S_ENTERPRISE": {"Exchange"}, "EXCHANGE_S_STANDARD": {"Exchange"}, "EXCHANGE_S_DESKLESS": {"Exchange"},
	"SHAREPOINTENTERPRISE": {"OneDrive", "SharePoint"}, "SHAREPOINTSTANDARD": {"OneDrive", "SharePoint"}, "SHAREPOINTDESKLESS": {"OneDrive", "SharePoint"},
	"OFFICESUBSCRIPTION": {"Apps"}, "OFFICE_BUSINESS": {"Apps"}, "TEAMS1": {"Teams"}, "YAMMER_ENTERPRISE": {"Yammer"},
	"MCOSTANDARD": {"SkypeForBusiness"}, "MCOIMP": {"SkypeForBusiness"},
	"M365_COPILOT_APPS": {"Copilot"}, "M365_COPILOT_TEAMS": {"Copilot"}, "M365_COPILOT_BUSINESS_CHAT": {"Copilot"},
}

// services of the active users report: workload and the name its columns begin with.
var services = map[string]string{
	"Exchange": "Exchange", "OneDrive": "OneDrive", "SharePoint": "SharePoint",
	"SkypeForBusiness": "Skype For Business", "Yammer": "Yammer", "Teams": "Teams",
}

func reportOf(workload string) string {
	switch workload {
	case "Apps":
		return "getM365AppUserDetail"
	case "Copilot":
		return "getMicrosoft365CopilotUsageUserDetail"
	}
	return "getOffice365ActiveUserDetail"
}

// use is what a report says of a person and workload; empty dates are blank fields.
type use struct{ last, assigned string }

type useKey struct{ user, workload string }

// newest is the last report of a function that could be read, and whether there is one.
func (o *oracle) newest(function string) (usage, bool) {
	for _, r := range slices.Backward(o.readings) {
		if u, ok := r.reports[function]; ok {
			return u, true
		}
	}
	return usage{}, false
}

// names maps every principal name of a day to the users who had it then: the name of the
// last reading up to that day, or of the first one for who was read later.
func (o *oracle) names(date string) map[string][]string {
	nameOf := map[string]string{}
	for _, r := range o.readings {
		for id, u := range r.users {
			if _, known := nameOf[id]; !known || r.date <= date {
				nameOf[id] = strings.ToLower(u.UPN)
			}
		}
	}
	users := map[string][]string{}
	for id, name := range nameOf {
		users[name] = append(users[name], id)
	}
	return users
}

var concealedName = regexp.MustCompile(`^[0-9A-F]{32}$`)

// uses joins the reports to the people.
func (o *oracle) uses() map[useKey]use {
	all := map[useKey]use{}
	for function := range reportPaths {
		report, ok := o.newest(function)
		if !ok {
			continue
		}
		users := o.names(report.refresh)
		for _, row := range report.rows {
			upn := row["User Principal Name"]
			if concealedName.MatchString(upn) {
				continue
			}
			for _, id := range users[strings.ToLower(upn)] {
				switch function {
				case "getM365AppUserDetail":
					all[useKey{id, "Apps"}] = use{last: row["Last Activity Date"]}
				case "getMicrosoft365CopilotUsageUserDetail":
					all[useKey{id, "Copilot"}] = use{last: row["Last Activity Date"]}
				default:
					for workload, name := range services {
						all[useKey{id, workload}] = use{row[name+" Last Activity Date"], row[name+" License Assign Date"]}
					}
				}
			}
		}
	}
	return all
}

// lastUse answers last-use.
func (o *oracle) lastUse() (lines []string) {
	for key, u := range o.uses() {
		report, _ := o.newest(reportOf(key.workload))
		lines = append(lines, line(key.user, key.workload, orNull(u.last), orNull(u.assigned), report.refresh))
	}
	return lines
}

// unmatched answers how many rows of each report belong to nobody, null where no row has a name.
func (o *oracle) unmatched() (lines []string) {
	for function := range reportPaths {
		report, ok := o.newest(function)
		if !ok {
			continue
		}
		users, named, n := o.names(report.refresh), 0, 0
		for _, row := range report.rows {
			if upn := row["User Principal Name"]; !concealedName.MatchString(upn) {
				named++
				if len(users[strings.ToLower(upn)]) == 0 {
					n++
				}
			}
		}
		if named == 0 {
			lines = append(lines, line(function, report.refresh, nil))
			continue
		}
		lines = append(lines, line(function, report.refresh, n))
	}
	return lines
}

var lastUseColumns = []string{"user_id", "workload", "last_activity", "assigned", "refresh_date"}

func orNull(date string) any {
	if date == "" {
		return nil
	}
	return date
}

// daysBetween counts from one date to another.
func daysBetween(from, to string) int {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		panic("oracle: dates " + from + " and " + to)
	}
	return int(b.Sub(a) / (24 * time.Hour))
}

// needed lists the workloads that a licence gives a person, the plans switched off left out.
func (r *reading) needed(u *person, id string) map[string]bool {
	workloads := map[string]bool{}
	for _, s := range r.skus {
		for _, p := range s.Plans {
			if s.ID != id || slices.Contains(u.disabledPlansOf[id], p.ID) {
				continue
			}
			for _, w := range workloadsOf[p.Name] {
				workloads[w] = true
			}
		}
	}
	return workloads
}

// seenAssigned is the day on which the oracle saw a licence come that was not there
// before; nothing is known of the time before the first reading.
func (o *oracle) seenAssigned(user, id string) (date string) {
	for i, r := range o.readings[1:] {
		u, before := r.users[user], o.readings[i].users[user]
		if u != nil && u.holds(id) && (before == nil || !before.holds(id)) {
			date = r.date
		}
	}
	return date
}
