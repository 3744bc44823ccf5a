package answers

import "time"

func init() {
	tests["overlaps and bundles"] = overlaps
	tests["downgrades"] = downgrades
	tests["frontline"] = frontline
	tests["copilot idle"] = copilotIdle
	tests["activations"] = activations
}

// overlaps. both has E3 and E1: E1's mail (P1) is superseded by E3's (P2), Teams is in both,
// so E1 is superfluous. off has mail switched off in E3: P2 supersedes nothing, no overlap.
// visio holds VISIO, which shares nothing. E3 + VISIO cost 30 + 15 = 45 a month; E5, at 40,
// would cover E3 but not VISIO's plan. E1 and COPILOT (8 + 40) are not covered by any.
func overlaps(w *world) {
	w.sku("E3", 10, 2)
	w.sku("E1", 10, 3)
	w.sku("VISIO", 10, 1)
	w.sku("E5", 10, 0, row{"plan_ids": []string{exchange2, teams, apps, defender, visio}})
	for sku, price := range map[string]string{"E3": "30", "E1": "8", "VISIO": "15", "E5": "40"} {
		w.price(sku, price, "EUR", "2025-01-01")
	}
	w.user("both", "E1 E3")
	w.user("off", "E1 E3", row{})
	c := w.users["off"]
	c["sku_disabled_plans"] = [][]string{{}, {exchange2}}
	w.add("user_changes", c)
	w.user("visio", "E3 VISIO")
	w.collected()
	w.want(w.ask("overlaps"), "display_name sku contained_in superseded_plans saving currency", "both | STANDARDPACK | SPE_E3 | 1 | 8 | EUR")
	// E5 here has the plan of VISIO too: 45 for E3 and VISIO against 40.
	w.want(w.ask("bundles"), "held people price_held sku price saving", "SPE_E3, VISIOCLIENT | 1 | 45 | SPE_E5 | 40 | 5")
	// E1 goes to waste once: 8; 5 seats are unassigned beside.
	w.want(w.ask("savings"), "sku kind seats saving", "SPE_E3 | unassigned | 8 | 240", "STANDARDPACK | unassigned | 7 | 56", "VISIOCLIENT | unassigned | 9 | 135",
		"SPE_E5 | unassigned | 10 | 400", "STANDARDPACK | contained in another licence | 1 | 8")
}

// downgrades. E5 has WINDEFATP beyond E3, which no report covers: a candidate, never proven.
// with has an E5 whose extra plan is one for Copilot, which he uses: blocked. E3 to E1: apps
// on the desktop block; web is a candidate; dark has no row, so the evidence is missing.
func downgrades(w *world) {
	w.sku("E5", 10, 2)
	w.sku("E3", 10, 3)
	w.sku("E1", 10, 0)
	w.price("E3", "30", "EUR", "2025-01-01")
	w.price("E1", "8", "EUR", "2025-01-01")
	w.user("five", "E5")
	w.user("desk", "E3")
	w.user("web", "E3")
	w.user("dark", "E3")
	w.report(appUsers, "desk@x.example", "2026-02-20", row{"Last Activity Date": "2026-02-20"}, row{"flags": row{"Windows": true, "Mac": false}})
	w.report(appUsers, "web@x.example", "2026-02-20", row{"Last Activity Date": "2026-02-20"}, row{"flags": row{"Windows": false, "Mac": false}})
	w.collected()
	w.want(w.ask("downgrade-candidates"), "display_name sku to_sku kind verdict blockers missing_evidence saving",
		"five | SPE_E5 | SPE_E3 | E5-E3 | candidate |  | no report covers WINDEFATP | -",
		"desk | SPE_E3 | STANDARDPACK | E3-E1 | blocked | desktop apps are used |  | 22",
		"web | SPE_E3 | STANDARDPACK | E3-E1 | candidate |  |  | 22",
		"desk | SPE_E3 | SPE_F1 | E3-F3 | blocked | desktop apps are used | size of the mailbox, size of OneDrive | -",
		"web | SPE_E3 | SPE_F1 | E3-F3 | candidate |  | size of the mailbox, size of OneDrive | -",
		"dark | SPE_E3 | SPE_F1 | E3-F3 | candidate |  | use of desktop apps, size of the mailbox, size of OneDrive | -",
		"dark | SPE_E3 | STANDARDPACK | E3-E1 | candidate |  | use of desktop apps | 22")
	w.on("2026-03-03") // an E5 with Copilot, which the person uses
	w.sku("E5", 10, 2, row{"plan_ids": []string{exchange2, teams, apps, copilot}})
	w.refer("plan_names", row{"service_plan_id": copilot, "plan_name": "M365_COPILOT_APPS", "source": "shipped", "imported_at": "2026-01-01 00:00:00"})
	w.used("five", "", "", "", "2026-02-20", "")
	w.collected()
	for _, r := range w.ask("downgrade-candidates") {
		if r["display_name"] == "five" {
			w.want([]row{r}, "verdict blockers missing_evidence", "blocked | M365_COPILOT_APPS is used | ")
		}
	}
}

// frontline: O3 (21) to F3 (8) saves 13 for who uses no desktop apps and fits in 2 GB of mail and
// of OneDrive. desk uses Windows; mail has 2 GB and a byte, drive too; fits has just 2 GB of
// both. sizes has a row about apps alone. Sizes in a report that is late are not known.
func frontline(w *world) {
	const most = 2147483648
	w.sku("O3", 10, 5)
	w.sku("F3", 10, 0)
	w.price("O3", "21", "EUR", "2025-01-01")
	w.price("F3", "8", "EUR", "2025-01-01")
	add := func(name string, windows bool, mail, drive int) {
		upn := name + "@x.example"
		w.user(name, "O3")
		w.report(appUsers, upn, "2026-02-20", row{"Last Activity Date": "2026-02-20"}, row{"flags": row{"Windows": windows, "Mac": false}})
		if mail > 0 {
			w.report("getMailboxUsageDetail", upn, "", row{}, row{"counts": row{"Storage Used (Byte)": mail}})
			w.report("getOneDriveUsageAccountDetail", upn, "", row{}, row{"counts": row{"Storage Used (Byte)": drive}})
		}
	}
	add("desk", true, 1, 1)
	add("mail", false, most+1, 1)
	add("drive", false, 1, most+1)
	add("fits", false, most, most)
	add("sizes", false, 0, 0)
	sizes := func() {
		for _, feed := range []string{"getMailboxUsageDetail", "getOneDriveUsageAccountDetail"} {
			w.add("run_changes", row{"feed": feed, "status": "complete", "started_at": w.now.Format(clock), "finished_at": w.now.Format(clock), "refresh_date": w.now.AddDate(0, 0, -2).Format(time.DateOnly)})
		}
	}
	sizes()
	w.collected()
	toF3 := func(who string) (found []row) { // the shipped list has other smaller editions too
		for _, r := range w.ask("downgrade-candidates") {
			if r["to_sku"] == "SPE_F1" && (who == "" || r["display_name"] == who) {
				found = append(found, r)
			}
		}
		return found
	}
	const columns = "display_name to_sku verdict blockers missing_evidence saving"
	w.want(toF3(""), columns,
		"desk | SPE_F1 | blocked | desktop apps are used |  | 13", "mail | SPE_F1 | blocked | mailbox over 2 GB |  | 13",
		"drive | SPE_F1 | blocked | OneDrive over 2 GB |  | 13", "fits | SPE_F1 | candidate |  |  | 13",
		"sizes | SPE_F1 | candidate |  | size of the mailbox, size of OneDrive | 13")
	w.on("2026-03-12") // ten days later without those two reports
	w.collected()
	w.want(toF3("mail"), columns, "mail | SPE_F1 | candidate |  | size of the mailbox, size of OneDrive | 13")
}

// copilotIdle: idle is covered and blank; busy has a date; fresh is within grace; dark has no row.
func copilotIdle(w *world) {
	w.on("2026-01-10")
	w.sku("COPILOT", 10, 4)
	w.price("COPILOT", "28", "EUR", "2025-01-01")
	w.user("idle", "COPILOT")
	w.user("busy", "COPILOT")
	w.user("dark", "COPILOT")
	w.on("2026-02-20")
	w.user("fresh", "COPILOT")
	w.event("fresh", "COPILOT", "assigned")
	w.on("2026-03-02")
	w.used("idle", "", "", "", "", "")
	w.used("busy", "", "", "", "2026-02-01", "")
	w.used("fresh", "", "", "", "", "")
	w.collected()
	w.want(w.ask("copilot-idle"), "display_name held_since report_date cost", "idle | 2026-01-10 | 2026-02-28 | 28")
	w.on("2026-03-20") // the report is old by now: idle is unknown, not idle
	w.collected(evidence{copilotUse, row{"status": "failed"}})
	w.want(w.ask("copilot-idle"), "display_name")
}

// activations are there where the report is collected, and say nothing of use.
func activations(w *world) {
	w.user("anna", "")
	w.report("getOffice365ActivationsUserDetail", "Anna@x.example", "", row{"Last Activated Date": "2025-01-05"},
		row{"counts": row{"Windows": 2, "Mac": 0, "iOS": 1}, "texts": row{"Product Type": "MICROSOFT 365 APPS"}, "flags": row{"Activated On Shared Computer": false}, "period": ""})
	w.collected()
	w.want(w.ask("activations"), "user_principal_name product") // read, and no run vouches for it
	w.on("2026-03-03")
	w.add("run_changes", row{"feed": "getOffice365ActivationsUserDetail", "status": "complete", "started_at": w.now.Format(clock), "finished_at": w.now.Format(clock), "refresh_date": "2026-03-01"})
	w.want(w.ask("activations"), "user_principal_name product last_activated windows devices", "Anna@x.example | MICROSOFT 365 APPS | 2025-01-05 | 2 | 3")
}
