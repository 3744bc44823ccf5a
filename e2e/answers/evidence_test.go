package answers

func init() {
	tests["tenants and runs"] = tenantsAndRuns
	tests["active people by day"] = daily
	tests["edges of time"] = edges
	tests["failed paths"] = failedPaths
	tests["plans of the company"] = companyPlans
}

// tenantsAndRuns: a run that was whole, then one that was not and says why. The tenant has the
// status of the last; the evidence of both stands, newest first.
func tenantsAndRuns(w *world) {
	w.want(w.ask("tenants"), "tenant") // nothing is known of before the first run
	w.collected()
	w.add("run_changes", row{"feed": "all", "status": "complete", "started_at": w.now.Format(clock), "finished_at": w.now.Format(clock)})
	w.want(w.ask("tenants"), "tenant display_name status last_run notes", "x.example | X | complete | 2026-03-02T06:00:00Z | ")
	w.on("2026-03-03")
	w.collected(evidence{"users", row{"status": "incomplete", "entities": 3, "deletes": 0, "error_code": "bad-body", "error_message": "the answer breaks off", "error_remedy": "run again"}})
	w.add("run_changes", row{
		"feed": "all", "status": "incomplete", "started_at": w.now.Format(clock), "finished_at": w.now.Format(clock), "notes": []string{"users: incomplete: the answer breaks off"},
	})
	w.want(w.ask("tenants"), "tenant status last_run notes", "x.example | incomplete | 2026-03-03T06:00:00Z | users: incomplete: the answer breaks off")
	got := w.ask("runs", "feed=users")
	w.want(got, "run_id feed status pages entities error message remedy",
		"run0 | users | complete | 1 | 10 |  |  | ", "run1 | users | incomplete | 1 | 3 | bad-body | the answer breaks off | run again")
	if len(got) == 2 && got[0]["run_id"] != "run1" {
		w.t.Errorf("the newest evidence is not the first: %v", got)
	}
	w.want(w.ask("runs", "feed=all"), "status", "complete", "incomplete")
	w.want(w.ask("runs", "feed="+activeUsers), "status report_date", "complete | 2026-02-28", "complete | 2026-03-01")
	w.want(w.ask("runs", "feed=nothing"), "status")
}

// daily: two people on 02-26, one of them concealed; one on 02-27, whose row came twice, the
// second time corrected. The row of the period's report (no date) is no day; nor is a day
// without anybody.
func daily(w *world) {
	on := func(upn, day string, more ...row) {
		w.report(activeUsers+"-daily", upn, day, row{}, append([]row{{"report_date": day, "row_key": guid(upn + day)[:8]}}, more...)...)
	}
	on("anna@x.example", "2026-02-26")
	on("0123456789ABCDEF0123456789ABCDEF", "2026-02-26", row{"concealed": true})
	on("anna@x.example", "2026-02-27")
	on("anna@x.example", "2026-02-27", row{"last_activity_date": "2026-02-27"})
	w.report(activeUsers, "bert@x.example", "2026-02-27", row{})
	w.collected()
	w.want(w.ask("daily-activity"), "report day people concealed", activeUsers+"-daily | 2026-02-26 | 2 | 1", activeUsers+"-daily | 2026-02-27 | 1 | 0")
}

// edges: the reports are of 2026-02-28, N is 90 days, grace 30, and they reach back 180 days.
//
//	today   used on 02-28: 0 days, and not the same as never    near    2025-12-01, 89 days: active
//	ninety  used on 2025-11-30: 90 days, inactive               starter assigned 01-30, 29 days: unknown
//	settled assigned 01-29, 30 days: never used                 reach   assigned 2025-09-01, 180 days: never used
//	beyond  assigned 2025-08-31: before what the reports tell of: inactive
func edges(w *world) {
	w.sku("E1", 10, 7)
	for _, p := range [][3]string{
		{"today", "2026-02-28", "2024-01-01"}, {"near", "2025-12-01", "2024-01-01"}, {"ninety", "2025-11-30", "2024-01-01"},
		{"starter", "", "2026-01-30"}, {"settled", "", "2026-01-29"}, {"reach", "", "2025-09-01"}, {"beyond", "", "2025-08-31"},
	} {
		w.user(p[0], "E1")
		w.used(p[0], p[1], "", "", "", p[2])
	}
	w.collected()
	w.want(w.ask("unused-licences"), "display_name state reason",
		"today | active | last active 0 days before the report", "near | active | last active 89 days before the report",
		"ninety | inactive | last active 90 days before the report", "starter | unknown | held for less than 30 days",
		"settled | never used | no activity since it was assigned 30 days before the report",
		"reach | never used | no activity since it was assigned 180 days before the report", "beyond | inactive | no activity in 180 days")
}

// failedPaths: direct has E3 directly, and a group that fails for want of seats. Only the direct
// path gives it: taking that away would take the licence, so there is nothing to clean up.
// two is in two groups, one of which fails. lost is held though its only path fails.
func failedPaths(w *world) {
	w.sku("E3", 10, 3)
	for _, g := range []string{"g", "h"} {
		w.add("group_changes", row{"group_id": guid(g), "display_name": "Group " + g})
	}
	failed := path{sku: "E3", group: "g", state: "Error", fault: "CountViolation"}
	for name, paths := range map[string][]path{"direct": {{sku: "E3"}, failed}, "two": {failed, {sku: "E3", group: "h"}}, "lost": {failed}} {
		w.user(name, "E3")
		w.paths(name, paths...)
	}
	w.collected()
	w.want(w.ask("assignment-paths"), "display_name path clean_up group_names groups",
		"direct | direct | false |  | ", "two | group | false | Group h | "+guid("h"), "lost | unlisted | false |  | ")
	w.want(w.ask("assignment-errors"), "display_name error held", "direct | CountViolation | true", "two | CountViolation | true", "lost | CountViolation | true")
}

// companyPlans: VISIO brings a plan that applies to the company and that E5 lacks. Plans of the
// company are nobody's: E5 contains what a person has of VISIO, and covers E3 (30) and VISIO (15).
func companyPlans(w *world) {
	w.sku("E5", 10, 1, row{"plan_ids": []string{exchange2, teams, apps, visio}})
	w.sku("E3", 10, 1)
	w.sku("VISIO", 10, 2, row{"plan_ids": []string{visio, defender}, "plan_applies_to": []string{"User", "Company"}})
	for sku, price := range map[string]string{"E5": "40", "E3": "30", "VISIO": "15"} {
		w.price(sku, price, "EUR", "2025-01-01")
	}
	w.user("both", "E5 VISIO")
	w.user("set", "E3 VISIO")
	w.collected()
	w.want(w.ask("overlaps"), "display_name sku contained_in saving", "both | VISIOCLIENT | SPE_E5 | 15")
	w.want(w.ask("bundles"), "held sku saving", "SPE_E3, VISIOCLIENT | SPE_E5 | 5")
	w.want(w.ask("service-plans", "sku=VISIOCLIENT"), "plan on off", "VISIO_CLIENT_SUBSCRIPTION | 2 | 0")
}
