package answers

import (
	"fmt"
	"strings"
	"time"
)

// Service plans, by Microsoft's ids: those with a workload, and some that no report covers.
const (
	exchange1  = "9aaf7827-d63c-4b61-89c3-182f06f82e5c"
	exchange2  = "efb87545-963c-4e0d-99df-69c6916d9eb0"
	teams      = "57ff2da0-773e-42df-b2af-ffb7a2317929"
	apps       = "43de0ff5-c92c-492b-9116-175376d08c38"
	copilot    = "a62f8878-de10-42f3-b68f-6149a25ceb97"
	visio      = "663a804f-1c30-4ff0-9915-9db84f0d1cea"
	defender   = "871d91ec-ec1a-452b-a83f-bd76c7d770ef"
	foundation = "113feb6c-3fe4-4440-bddc-54d774bf0318" // EXCHANGE_S_FOUNDATION
)

// SKUs of the worlds, with plans that suit the tests.
var products = map[string]row{
	"E5":      {"sku_id": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "sku_part_number": "SPE_E5", "plan_ids": []string{exchange2, teams, apps, defender}},
	"E3":      {"sku_id": "05e9a617-0261-4cee-bb44-138d3ef5d965", "sku_part_number": "SPE_E3", "plan_ids": []string{exchange2, teams, apps}},
	"E1":      {"sku_id": "18181a46-0d4e-45cd-891e-60aabd171b4e", "sku_part_number": "STANDARDPACK", "plan_ids": []string{exchange1, teams}},
	"COPILOT": {"sku_id": "639dec6b-bb19-468b-871c-c5c441c4b0cb", "sku_part_number": "Microsoft_365_Copilot", "plan_ids": []string{copilot}},
	"VISIO":   {"sku_id": "c5928f49-12ba-48f7-ada3-0d743a3601d5", "sku_part_number": "VISIOCLIENT", "plan_ids": []string{visio, foundation}},
	"O3":      {"sku_id": "6fd2c87f-b296-42f0-b197-1e91e994b900", "sku_part_number": "ENTERPRISEPACK", "plan_ids": []string{exchange2, teams, apps}},
	"F3":      {"sku_id": "66b55226-6b4f-492c-910c-a3b7a3c9d993", "sku_part_number": "SPE_F1", "plan_ids": []string{teams}},
	"ODD":     {"sku_id": guid("a SKU that no list names"), "sku_part_number": "ODD_SKU", "plan_ids": []string{}},
	"STORAGE": {"sku_id": "99049c9c-6011-4908-bf17-15f496e6519d", "sku_part_number": "SHAREPOINTSTORAGE", "applies_to": "Company", "plan_ids": []string{}},
}

func skuID(name string) string { return fmt.Sprint(products[name]["sku_id"]) }

// sku adds a SKU with enabled and consumed units; more columns come last.
func (w *world) sku(name string, enabled, consumed int, more ...row) {
	r := row{"applies_to": "User", "capability_status": "Enabled", "enabled_units": enabled, "consumed_units": consumed}
	for _, m := range append([]row{products[name]}, more...) {
		for k, v := range m {
			r[k] = v
		}
	}
	plans, _ := r["plan_ids"].([]string)
	states := make([]string, len(plans))
	for i := range states {
		states[i] = "Success"
	}
	if r["plan_states"] == nil {
		r["plan_states"] = states
	}
	w.add("sku_changes", r)
}

// path is one way to a licence.
type path struct {
	sku, group, state, fault string // group empty: direct; state empty: Active
	off                      []string
}

// user adds or changes a person: skus are names of products held, directly unless a path
// says otherwise. What was given before stays.
func (w *world) user(name string, skus string, more ...row) {
	r := row{"user_principal_name": name + "@x.example", "display_name": name, "account_enabled": true, "user_type": "Member"}
	for k, v := range w.users[name] {
		r[k] = v
	}
	r["user_id"] = guid(w.id + name)
	for _, m := range more {
		for k, v := range m {
			r[k] = v
		}
	}
	var ids []string
	var paths []path
	off := [][]string{}
	for _, s := range strings.Fields(skus) {
		ids, paths, off = append(ids, skuID(s)), append(paths, path{sku: s}), append(off, []string{})
	}
	r["sku_ids"], r["sku_disabled_plans"] = ids, off
	w.users[name] = r
	w.paths(name, paths...)
}

// paths gives a person's paths and adds the record.
func (w *world) paths(name string, paths ...path) {
	r := w.users[name]
	var ids, states, faults []string
	var groups []any
	off, since := [][]string{}, []string{}
	for _, p := range paths {
		var group any
		if p.group != "" {
			group = guid(p.group)
		}
		state := p.state
		if state == "" {
			state = "Active"
		}
		ids, states, faults, groups = append(ids, skuID(p.sku)), append(states, state), append(faults, p.fault), append(groups, group)
		off, since = append(off, append([]string{}, p.off...)), append(since, w.now.Format(clock))
	}
	c := row{"path_sku_ids": ids, "path_groups": groups, "path_states": states, "path_errors": faults, "path_disabled_plans": off, "path_updated_at": since}
	for k, v := range r {
		if c[k] == nil {
			c[k] = v
		}
	}
	w.users[name] = c
	w.add("user_changes", c)
}

// gone deletes a person.
func (w *world) gone(name string) {
	w.add("user_changes", row{"user_id": guid(w.id + name), "op": "delete", "deleted": 1})
	delete(w.users, name)
}

// event adds a licence event.
func (w *world) event(name, sku, change string) {
	w.add("licence_changes", row{
		"user_id": guid(w.id + name), "sku_id": skuID(sku), "change": change, "held_before": change != "assigned", "held_after": change != "removed",
	})
}

const (
	activeUsers = "getOffice365ActiveUserDetail"
	appUsers    = "getM365AppUserDetail"
	copilotUse  = "getMicrosoft365CopilotUsageUserDetail"
)

// used adds the rows of a person in the three reports: the last day of mail, Teams, apps
// and Copilot; empty for a blank field. assigned is the licence assign date, empty for none.
func (w *world) used(name, mail, teamsDay, appsDay, copilotDay, assigned string) {
	upn := name + "@x.example"
	w.report(activeUsers, upn, "", row{
		"Exchange Last Activity Date": date(mail), "Teams Last Activity Date": date(teamsDay),
		"Exchange License Assign Date": date(assigned), "Teams License Assign Date": date(assigned),
	})
	w.report(appUsers, upn, appsDay, row{"Last Activity Date": date(appsDay)})
	w.report(copilotUse, upn, copilotDay, row{"Last Activity Date": date(copilotDay)})
}

// report adds one row of a report.
func (w *world) report(function, upn, last string, dates row, more ...row) {
	r := row{
		"report": function, "row_key": strings.ReplaceAll(guid(upn), "-", ""), "user_principal_name": upn, "concealed": false,
		"last_activity_date": date(last), "dates": dates, "period": "180",
	}
	if function == activeUsers {
		r["period"] = "" // the report has no such column
	}
	for _, m := range more {
		for k, v := range m {
			r[k] = v
		}
	}
	w.add("report_changes", r)
}

func date(day string) any {
	if day == "" {
		return nil
	}
	return day
}

// feeds of a run that collects everything.
var feeds = []string{"organization", "skus", "subscriptions", "groups", "members", "users", "skus_after", activeUsers, appUsers, copilotUse}

// collected ends a run in which everything was read; reports are two days old. more
// changes the evidence of one feed.
func (w *world) collected(more ...evidence) {
	w.add("organization_changes", row{"display_name": "X", "default_domain": "x.example", "domains": []string{"x.example"}})
	for _, feed := range feeds {
		r := row{
			"feed": feed, "status": "complete", "started_at": w.now.Format(clock), "finished_at": w.now.Format(clock), "entities": 10, "pages": 1,
		}
		if strings.HasPrefix(feed, "get") {
			r["refresh_date"] = w.now.AddDate(0, 0, -2).Format(time.DateOnly)
		}
		for _, e := range more {
			if e.feed == feed {
				for k, v := range e.row {
					r[k] = v
				}
			}
		}
		if r["status"] != "" {
			w.add("run_changes", r)
		}
	}
	w.run++
}

// evidence overrides columns of a feed's run record; status "" leaves the record out.
type evidence struct {
	feed string
	row  row
}

// price sets what a seat costs a month from a day on.
func (w *world) price(sku, price, currency, from string) {
	w.refer("prices", row{
		"tenant_id": w.id, "sku_id": skuID(sku), "price": price, "currency": currency, "term": "monthly", "valid_from": from,
		"imported_at": w.now.Format(clock), "deleted": 0,
	})
}
