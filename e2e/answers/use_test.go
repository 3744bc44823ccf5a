package answers

func init() {
	tests["use in four states"] = useStates
	tests["unknown is never unused"] = unknownUse
	tests["names of reports"] = reportNames
	tests["position"] = position
}

// useStates. The reports are of 2026-02-28 and reach back 180 days, to 2025-09-01. All hold
// E3 (mail, Teams, apps) from before.
//
//	anna  mail 02-20                     8 days: active
//	bert  mail 2025-11-01                119 days, held since 2024: inactive; active at N = 120
//	cleo  nothing, held since 2024       nothing in the window, before it unknown: inactive
//	dora  nothing, assigned 2026-01-05   54 days held, all inside the window: never used
//	emil  mail 2025-12-01, assigned 2026-01-05: 89 days, still active as a person
//	fred  mail 2025-11-01, assigned 2026-01-05: used before it was his, not since: never used
//	gina  nothing, assigned 2026-02-10   18 days: a new starter is unknown, never in a reclaim list
func useStates(w *world) {
	w.sku("E3", 10, 7)
	for _, p := range [][3]string{
		{"anna", "2026-02-20", "2024-01-01"},
		{"bert", "2025-11-01", "2024-01-01"},
		{"cleo", "", "2024-01-01"},
		{"dora", "", "2026-01-05"},
		{"emil", "2025-12-01", "2026-01-05"},
		{"fred", "2025-11-01", "2026-01-05"},
		{"gina", "", "2026-02-10"},
	} {
		w.user(p[0], "E3")
		w.used(p[0], p[1], "", "", "", p[2])
	}
	w.collected()
	w.want(w.ask("unused-licences"), "display_name state reason reclaim",
		"anna | active | last active 8 days before the report | false",
		"bert | inactive | last active 119 days before the report | true",
		"cleo | inactive | no activity in 180 days | true",
		"dora | never used | no activity since it was assigned 54 days before the report | true",
		"emil | active | last active 89 days before the report | false",
		"fred | never used | no activity since it was assigned 54 days before the report | true",
		"gina | unknown | held for less than 30 days | false")
	w.want(w.ask("use-summary"), "sku holders active inactive never_used unknown why_unknown", "SPE_E3 | 7 | 2 | 2 | 2 | 1 | held for less than 30 days")
	w.want(w.ask("inactive-licences"), "display_name", "bert", "cleo")
	w.want(w.ask("never-used-licences"), "display_name", "dora", "fred")
	w.want(w.ask("unused-licences", "days=119", "state=inactive"), "display_name", "bert", "cleo")
	w.want(w.ask("unused-licences", "days=120", "state=active"), "display_name", "anna", "bert", "emil", "fred")
	// A report that reaches back 180 days cannot say that somebody was idle for 200.
	w.want(w.ask("unused-licences", "days=200", "state=unknown"), "display_name reason",
		"cleo | reports reach back 180 days only", "gina | held for less than 30 days")
	w.want(w.ask("unused-licences", "grace=10", "state=never used"), "display_name", "dora", "fred", "gina")
	w.want(w.ask("last-use"), "user_principal_name workload last_activity", lastUses()...)
}

func lastUses() (all []string) {
	for name, mail := range map[string]string{"anna": "2026-02-20", "bert": "2025-11-01", "cleo": "-", "dora": "-", "emil": "2025-12-01", "fred": "2025-11-01", "gina": "-"} {
		all = append(all, name+"@x.example | Exchange | "+mail)
		for _, other := range []string{"Teams", "Apps", "Copilot"} {
			all = append(all, name+"@x.example | "+other+" | -")
		}
	}
	return all
}

// unknownUse. Nobody here used anything, and of nobody may it be said: each lacks one thing.
func unknownUse(w *world) {
	w.sku("E3", 10, 9)
	w.sku("VISIO", 5, 1)
	idle := func(name, skus string, more ...row) {
		w.user(name, skus, more...)
		w.used(name, "", "", "", "", "2024-01-01")
	}
	idle("idle", "E3")
	idle("disabled", "E3", row{"account_enabled": false})
	idle("state", "E3", row{"account_enabled": nil})
	idle("guest", "E3", row{"user_type": "Guest"})
	idle("kind", "E3", row{"user_type": ""})
	idle("visio", "VISIO")
	w.user("norow", "E3")
	w.user("column", "E3")
	w.report(activeUsers, "column@x.example", "", row{"Exchange Last Activity Date": nil}) // Teams is missing, not blank
	w.report(appUsers, "column@x.example", "", row{"Last Activity Date": nil})
	w.collected()
	unknown := func(w *world) []row { return w.ask("unused-licences", "state=unknown") }
	want := []string{
		"column | no row for the person: Teams", "disabled | account disabled", "guest | guest account", "kind | user type unknown",
		"norow | no row for the person: Apps, Exchange, Teams", "state | account state unknown", "visio | no report covers this SKU",
	}
	w.want(unknown(w), "display_name reason", want...)
	w.want(w.ask("unused-licences", "state=inactive"), "display_name", "idle")
	w.want(w.ask("use-summary"), "sku holders active inactive never_used unknown", "SPE_E3 | 7 | 0 | 1 | 0 | 6", "VISIOCLIENT | 1 | 0 | 0 | 0 | 1")

	// From here on the evidence fails in turn: nobody is unused any more.
	for _, c := range []struct {
		day, reason string
		evidence    evidence
	}{
		{"2026-03-03", "no row for the person: Teams", evidence{activeUsers, row{"concealed_rows": 10}}},
		{"2026-03-12", "report late", evidence{activeUsers, row{"status": "failed"}}}, // the last complete one is of March 1
		{"2026-03-13", "listing of users incomplete", evidence{"users", row{"status": "failed", "entities": 0}}},
	} {
		w.on(c.day)
		w.collected(c.evidence)
		switch c.reason {
		case "no row for the person: Teams": // concealed names explain who has no row, and only those
			w.want(unknown(w), "display_name reason", "column | names concealed", want[1], want[2], want[3], "norow | names concealed", want[5], want[6])
		default:
			for _, r := range w.ask("unused-licences", "sku=SPE_E3") {
				if r["state"] != "unknown" || r["display_name"] == "idle" && r["reason"] != c.reason {
					w.t.Errorf("%s: %s is %s: %s, want %s", c.day, r["display_name"], r["state"], r["reason"], c.reason)
				}
			}
		}
		w.want(w.ask("licence-position"), "sku holders active inactive never_used unassigned", position0(c.reason)...)
	}
}

// position0: a listing that failed keeps the holders that are known; it is not "no users".
func position0(reason string) []string {
	inactive := "0"
	if reason == "no row for the person: Teams" {
		inactive = "1"
	}
	return []string{"SPE_E3 | 7 | 0 | " + inactive + " | 0 | 1", "VISIOCLIENT | 1 | 0 | 0 | 0 | 4"}
}

// reportNames. A row belongs to who had its name on the report's date, 2026-02-28. Old's
// name was given to new after that; renamed is in the report under the name of then, which
// is written in other letters.
func reportNames(w *world) {
	w.on("2026-02-01")
	w.sku("E1", 10, 3)
	w.user("old", "E1", row{"user_principal_name": "Same@X.example"})
	w.user("renamed", "E1", row{"user_principal_name": "before@x.example"})
	w.on("2026-03-01")
	w.user("old", "E1", row{"user_principal_name": "other@x.example"})
	w.user("new", "E1", row{"user_principal_name": "same@x.example"})
	w.user("renamed", "E1", row{"user_principal_name": "after@x.example"})
	w.on("2026-03-02")
	dates := row{"Exchange Last Activity Date": "2026-02-27", "Teams Last Activity Date": nil}
	w.report(activeUsers, "SAME@x.example", "", dates)
	w.report(activeUsers, "Before@x.example", "", dates)
	w.report(activeUsers, "nobody@x.example", "", dates)
	w.collected()
	w.want(w.ask("unused-licences"), "display_name state reason",
		"old | active | last active 1 days before the report",
		"renamed | active | last active 1 days before the report",
		"new | unknown | no row for the person: Exchange, Teams")
	for _, r := range w.ask("coverage") {
		if r["feed"] == activeUsers { // nobody's row is kept, and counted
			w.want([]row{r}, "unmatched_rows doubt", "1 | ")
		}
	}
}

// position. E3: 10 enabled, 5 in grace, 3 suspended, 2 locked out, 12 consumed: 3 can still be
// assigned, nothing is over-allocated (12 - 10 would read grace units as overuse). E1: 20
// bought, 4 consumed: 16 unassigned; 1 reclaim; price 8: 17 x 8 = 136. VISIO: 2 bought and 1
// in grace, 5 consumed: 2 over. STORAGE is company-level, COPILOT free by a trait: their
// unassigned seats are no saving. A SKU that is held and no longer subscribed is shown.
func position(w *world) {
	w.sku("E3", 10, 12, row{"warning_units": 5, "suspended_units": 3, "locked_out_units": 2, "capability_status": "Warning"})
	w.sku("E1", 20, 4)
	w.sku("VISIO", 2, 5, row{"warning_units": 1})
	w.sku("STORAGE", 500, 1)
	w.sku("COPILOT", 1000, 0)
	w.price("E1", "8", "EUR", "2025-01-01")
	w.price("E1", "9", "EUR", "2026-04-01") // not yet
	w.refer("sku_traits", row{"tenant_id": w.id, "sku_id": skuID("COPILOT"), "free": true, "viral": false, "company_level": false, "family": "", "tier": 0, "imported_at": "2026-01-01 00:00:00"})
	w.refer("sku_names", row{"tenant_id": w.id, "sku_id": skuID("E1"), "name": "Mail and Teams", "source": "override", "imported_at": "2026-01-01 00:00:00"})
	w.user("idle", "E1 E5")
	w.used("idle", "", "", "", "", "2024-01-01")
	w.collected()
	w.want(w.ask("licence-position", "as_of=2026-03-02"), "sku status enabled warning consumed holders unassigned assignable over_allocated trait unused_cost currency",
		"SPE_E3 | Warning | 10 | 5 | 12 | 0 | 0 | 3 | 0 |  | - | ",
		"STANDARDPACK | Enabled | 20 | 0 | 4 | 1 | 16 | 16 | 0 |  | 136 | EUR",
		"VISIOCLIENT | Enabled | 2 | 1 | 5 | 0 | 0 | -2 | 2 |  | - | ",
		"SHAREPOINTSTORAGE | Enabled | 500 | 0 | 1 | 0 | - | 499 | 0 | company-level | - | ",
		"Microsoft_365_Copilot | Enabled | 1000 | 0 | 0 | 0 | - | 1000 | 0 | free | - | ",
		skuID("E5")+" | not subscribed | 0 | 0 | 0 | 1 | - | 0 | 0 |  | - | ")
	w.want(w.ask("unassigned", "as_of=2026-03-02"), "name unassigned cost", "Mail and Teams | 16 | 128")
	w.want(w.ask("over-allocated"), "sku over_allocated", "VISIOCLIENT | 2")
	w.want(w.ask("assignable"), "sku assignable", "SPE_E3 | 3", "STANDARDPACK | 16", "VISIOCLIENT | -2", "Microsoft_365_Copilot | 1000")
}
