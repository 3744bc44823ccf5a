package answers

import (
	"fmt"
	"time"
)

func init() {
	tests["renewals"] = renewals
	tests["run-out"] = runOut
	tests["cohorts"] = cohorts
	tests["as of a day"] = asOf
	tests["coverage"] = coverage
	tests["outcomes"] = outcomes
}

// renewals on 2026-03-02: today counts (day 0), so does what has passed and is still listed;
// day 91 is beyond 90 days. Three subscriptions of E3: 10 + 5 + 7 seats together, each its own row.
func renewals(w *world) {
	w.sku("E3", 22, 0)
	w.price("E3", "30", "EUR", "2025-01-01")
	for id, s := range map[string][3]any{"today": {10, "2026-03-02 23:00:00", false}, "later": {5, "2026-05-31 00:00:00", true}, "far": {7, "2026-06-01 00:00:00", false}} {
		w.add("subscription_changes", row{"subscription_id": id, "sku_id": skuID("E3"), "sku_part_number": "SPE_E3", "status": "Enabled", "total_licenses": s[0], "next_lifecycle_at": s[1], "is_trial": s[2]})
	}
	w.add("subscription_changes", row{"subscription_id": "past", "sku_part_number": "GONE", "status": "Suspended", "total_licenses": 1, "next_lifecycle_at": "2026-03-01 00:00:00", "is_trial": false})
	w.add("subscription_changes", row{"subscription_id": "never", "sku_part_number": "FREE", "status": "Enabled", "total_licenses": 1})
	w.collected()
	w.want(w.ask("trials-and-renewals", "as_of=2026-03-02"), "subscription_id sku is_trial seats sku_seats days_left at_stake",
		"past | GONE | false | 1 | 1 | -1 | -", "today | SPE_E3 | false | 10 | 22 | 0 | 300", "later | SPE_E3 | true | 5 | 22 | 90 | 150")
	w.want(w.ask("trials-and-renewals", "as_of=2026-03-02", "within=0"), "subscription_id", "past", "today")
	w.want(w.ask("trials-and-renewals", "as_of=2026-03-02", "trials=yes"), "subscription_id", "later")
	w.want(w.ask("trials-and-renewals", "as_of=2026-03-02", "within=91", "trials=no"), "subscription_id", "past", "today", "far")
}

// runOut. Watched from Tuesday 2026-01-06, so that the first complete week begins on 01-12.
// E3: in the weeks of 01-12 to 03-02 (8 weeks) there are 1 2 3 4 5 6 7 8 assigned and in the
// first one 1 removed: nets 0 2 3 4 5 6 7 8, median (upper) 5; 12 are assignable: 2.4 weeks from
// 2026-03-09, 16 days. On 2026-03-08 only 7 weeks are complete. E1 is not growing.
func runOut(w *world) {
	w.on("2026-01-06")
	w.sku("E3", 50, 40, row{"warning_units": 2})
	w.sku("E1", 50, 40)
	w.collected()
	for week := range 8 {
		w.now = at("2026-01-12").AddDate(0, 0, 7*week+week%7)
		for i := range week + 1 {
			w.event(fmt.Sprint(week, i), "E3", "assigned")
		}
		if week == 0 {
			w.event("x", "E3", "removed")
		}
	}
	w.on("2026-03-09")
	w.event("y", "E3", "assigned") // a week that is not complete
	w.collected()
	w.want(w.ask("run-out", "as_of=2026-03-09"), "sku assignable weeks net_adds reason weeks_left run_out",
		"SPE_E3 | 12 | 8 | 5 |  | 2.4 | 2026-03-25", "STANDARDPACK | 10 | 8 | 0 | not growing | - | -")
	w.want(w.ask("run-out", "as_of=2026-03-08"), "sku weeks net_adds reason run_out",
		"SPE_E3 | 7 | - | 7 complete weeks, 8 are needed | -", "STANDARDPACK | 7 | - | 7 complete weeks, 8 are needed | -")
	w.on("2026-03-10")
	w.collected(evidence{"users", row{"status": "failed"}})
	w.want(w.ask("run-out", "as_of=2026-03-10"), "sku reason run_out", "SPE_E3 | listing of users incomplete | -", "STANDARDPACK | listing of users incomplete | -")
}

// cohorts between 2026-03-02 and 2026-04-01. All E1, held since 2024 but for new.
//
//	retained   02-20, then 03-25      lapsed   2025-12-10 (80 days), then the same (110 days)
//	back       2025-10-01, then 03-25 risk     2025-10-01 both times
//	reclaimed  2025-10-01, then gone  left     02-20, then without the licence
//	new        held at the second     dark     no row at the first
func cohorts(w *world) {
	w.sku("E1", 20, 7)
	mail := func(name, day string) {
		w.report(activeUsers, name+"@x.example", "", row{"Exchange Last Activity Date": date(day), "Teams Last Activity Date": nil, "Exchange License Assign Date": "2024-01-01"})
	}
	for name, day := range map[string]string{"retained": "2026-02-20", "lapsed": "2025-12-10", "back": "2025-10-01", "risk": "2025-10-01", "reclaimed": "2025-10-01", "left": "2026-02-20"} {
		w.user(name, "E1")
		mail(name, day)
	}
	w.user("dark", "E1")
	w.collected()
	w.on("2026-04-01")
	w.user("left", "")
	w.event("left", "E1", "removed")
	w.gone("reclaimed")
	w.event("reclaimed", "E1", "removed")
	w.user("new", "E1")
	w.event("new", "E1", "assigned")
	for _, name := range []string{"retained", "back", "dark"} {
		mail(name, "2026-03-25")
	}
	w.collected()
	w.want(w.ask("cohorts", "from=2026-03-02", "to=2026-04-01"), "cohort licences reason", "refused | - | the second period is not closed: no run has ended after it")
	w.on("2026-04-02")
	w.collected()
	w.want(w.ask("cohorts", "from=2026-03-02", "to=2026-04-01"), "sku cohort licences",
		"STANDARDPACK | retained | 1", "STANDARDPACK | lapsed | 1", "STANDARDPACK | reactivated | 1", "STANDARDPACK | still at risk | 1",
		"STANDARDPACK | reclaimed | 1", "STANDARDPACK | removed in use | 1", "STANDARDPACK | newly assigned | 1", "STANDARDPACK | unknown | 1")
	w.want(w.ask("cohorts"), "cohort reason", "refused | give the ends of both periods")
	w.on("2026-05-01")
	w.collected(evidence{copilotUse, row{"status": "failed"}})
	w.on("2026-05-02")
	w.collected()
	w.want(w.ask("cohorts", "from=2026-03-02", "to=2026-05-01"), "cohort reason", "refused | coverage differs: "+copilotUse)
	w.want(w.ask("changes-between", "since=2026-03-02", "until=2026-04-01"), "change user_principal_name sku",
		"removed | left@x.example | STANDARDPACK", "removed | reclaimed@x.example | STANDARDPACK", "assigned | new@x.example | STANDARDPACK")
	w.want(w.ask("changes-between", "since=2026-04-01"), "change")
}

// asOf: what was asked on a day is asked again later, as of that day: the answers are the
// same, whatever changed since, and the newest day's are those of now.
func asOf(w *world) {
	queries := []string{"licence-position", "licence-holders", "unused-licences", "reconciliation", "assignment-errors", "coverage"}
	answers := map[string][]string{}
	columns := map[string]string{
		"licence-position": "sku enabled consumed holders active inactive never_used unknown unassigned unused_cost", "licence-holders": "display_name sku direct error department",
		"unused-licences": "display_name sku state reason last_use report_date held_since", "reconciliation": "sku residual class",
		"assignment-errors": "display_name sku error", "coverage": "feed status report_date doubt",
	}
	w.price("E3", "30", "EUR", "2025-01-01")
	days := []string{"2026-03-02", "2026-03-05", "2026-03-20"}
	for i, day := range days {
		w.on(day)
		w.sku("E3", 10+i, 2+i)
		w.user("anna", []string{"E3", "E3 E1", "E1"}[i], row{"department": day, "user_principal_name": fmt.Sprint("anna", i, "@x.example")})
		w.used("anna0", []string{"", "2026-03-01", "2026-03-10"}[i], "", "", "", "2024-01-01")
		switch i {
		case 0:
			w.user("bert", "E3")
		case 1:
			w.paths("bert", path{sku: "E3", group: "g", state: "Error", fault: "CountViolation"})
		case 2:
			w.gone("bert")
		}
		w.collected(evidence{appUsers, row{"status": []string{"complete", "failed", "complete"}[i]}})
		for _, q := range queries {
			answers[day+q] = lines(w.t, w.ask(q), columns[q])
		}
	}
	for _, day := range days {
		for _, q := range queries {
			w.want(w.ask(q, "as_of="+day), columns[q], answers[day+q]...)
		}
	}
	w.want(w.ask("licence-holders", "as_of=2026-03-01"), "display_name")
	w.want(w.ask("licence-holders", "as_of="+at("2026-03-02").Add(-time.Millisecond).Format(clock)), "display_name")
	w.want(w.ask("licence-holders", "as_of=2026-03-02T06:00:00Z"), "display_name", "anna", "bert")
}

// coverage says of every feed what is in doubt, and a feed that failed has not become empty.
func coverage(w *world) {
	w.sku("ODD", 5, 1)
	w.sku("E3", 5, 1)
	w.user("a", "E3 ODD")
	w.collected(evidence{copilotUse, row{"status": "unavailable", "error_code": "Forbidden", "error_message": "no", "error_remedy": "grant Reports.Read.All"}})
	w.on("2026-03-12")
	w.collected(evidence{activeUsers, row{"status": "failed", "entities": 0}}, evidence{copilotUse, row{"status": "failed"}},
		evidence{appUsers, row{"concealed_rows": 5}}, evidence{"users", row{"status": "incomplete", "entities": 3}})
	var rows []row
	for _, r := range w.ask("coverage") {
		if r["doubt"] != "" {
			rows = append(rows, r)
		}
	}
	w.want(rows, "feed status doubt report_date days_behind rows concealed_share",
		activeUsers+" | failed | late | 2026-02-28 | 12 | 10 | 0", copilotUse+" | failed | never complete | - | - | - | -",
		appUsers+" | complete | names concealed | 2026-03-10 | 2 | 10 | 0.5", "users | incomplete | listing incomplete | - | 10 | 10 | 0")
	w.want(w.ask("unknown-skus"), "sku enabled consumed holders", "ODD_SKU | 5 | 1 | 1")
}

// outcomes of recommendations of 2026-03-02: taken was removed on 03-10, gone left altogether,
// kept is in use again, idle still is not, and none of it is known once the listing fails.
func outcomes(w *world) {
	w.sku("E1", 10, 4)
	for _, name := range []string{"taken", "gone", "kept", "idle"} {
		w.user(name, "E1")
		w.used(name, "", "", "", "", "2024-01-01")
		w.refer("recommendations", row{
			"recommendation_id": guid(w.id + name), "tenant_id": w.id, "user_id": guid(w.id + name), "sku_id": skuID("E1"), "kind": "reclaim",
			"made_at": w.now.Format(clock), "made_by": "me", "reason": name, "price": "8.5", "currency": "EUR",
		})
	}
	w.collected()
	w.on("2026-03-10")
	w.user("taken", "")
	w.event("taken", "E1", "removed")
	w.gone("gone")
	w.event("gone", "E1", "removed")
	w.used("kept", "2026-03-08", "", "", "", "2024-01-01")
	w.collected()
	w.want(w.ask("reclaim-outcomes"), "reason outcome saved currency", "taken | reclaimed | 8.5 | EUR", "gone | reclaimed | 8.5 | EUR", "kept | kept, in use | - | EUR", "idle | open | - | EUR")
	w.on("2026-03-11")
	w.collected(evidence{"users", row{"status": "failed"}})
	w.want(w.ask("reclaim-outcomes"), "reason outcome saved", "taken | unknown | -", "gone | unknown | -", "kept | unknown | -", "idle | unknown | -")
}
