package answers

func init() {
	tests["paths and errors"] = paths
	tests["reconciliation"] = reconciliation
	tests["service plans"] = servicePlans
	tests["disabled, guests, exclusions"] = accounts
}

// paths. both has E3 directly and from group g: one unit, one thing to clean up. Being a
// member of the group (member) does not license anybody whose assignedLicenses lacks it.
// error: a group path in error gives nothing; odd: held, with a code nobody knows, verbatim.
// unlisted: held, and licenseAssignmentStates omits it.
func paths(w *world) {
	w.sku("E3", 10, 4)
	w.add("group_changes", row{"group_id": guid("g"), "display_name": "Licensed", "sku_ids": []string{skuID("E3")}})
	w.user("both", "E3")
	w.paths("both", path{sku: "E3"}, path{sku: "E3", group: "g"})
	w.user("odd", "E3")
	w.paths("odd", path{sku: "E3", group: "g", state: "ActiveWithError", fault: "NewViolation"})
	w.user("direct", "E3", row{})
	w.paths("direct", path{sku: "E3", fault: "None"})
	w.user("unlisted", "E3")
	w.paths("unlisted")
	w.user("error", "")
	w.paths("error", path{sku: "E3", group: "g", state: "Error", fault: "CountViolation"})
	w.user("member", "")
	for _, name := range []string{"both", "odd", "error", "member"} {
		w.add("member_changes", row{"group_id": guid("g"), "member_id": guid(w.id + name), "member_type": "user"})
	}
	w.collected()
	w.want(w.ask("licence-holders"), "display_name sku direct groups listed error",
		"both | SPE_E3 | true | "+guid("g")+" | true | ", "odd | SPE_E3 | false | "+guid("g")+" | true | NewViolation",
		"direct | SPE_E3 | true |  | true | ", "unlisted | SPE_E3 | false |  | false | ")
	w.want(w.ask("assignment-paths"), "display_name path clean_up group_names",
		"both | both | true | Licensed", "odd | group | false | Licensed", "direct | direct | false | ", "unlisted | unlisted | false | ")
	w.want(w.ask("assignment-paths", "path=both"), "display_name", "both")
	w.want(w.ask("assignment-errors"), "display_name sku state error group_name held",
		"error | SPE_E3 | Error | CountViolation | Licensed | false", "odd | SPE_E3 | ActiveWithError | NewViolation | Licensed | true")
	w.want(w.ask("reconciliation"), "sku consumed holders residual class", "SPE_E3 | 4 | 4 | 0 | none")
}

// reconciliation: consumed less holders, each residual with its class.
func reconciliation(w *world) {
	w.sku("E3", 10, 3) // 1 holder: 2 that nobody explains
	w.sku("E1", 10, 1)
	w.sku("STORAGE", 500, 1) // company-level: nobody holds it
	w.user("a", "E3 E1 VISIO")
	w.collected()
	w.want(w.ask("reconciliation"), "sku consumed holders residual class",
		"SPE_E3 | 3 | 1 | 2 | unexplained", "STANDARDPACK | 1 | 1 | 0 | none", "SHAREPOINTSTORAGE | 1 | 0 | 1 | company-level SKU",
		skuID("VISIO")+" | 0 | 1 | -1 | not subscribed")
	w.on("2026-03-03") // E3 moved while the people were listed
	w.collected(evidence{"skus_after", row{"moved_skus": []string{skuID("E3")}}})
	w.want(w.ask("reconciliation"), "sku class", "SPE_E3 | read skew", "STANDARDPACK | none", "SHAREPOINTSTORAGE | company-level SKU", skuID("VISIO")+" | not subscribed")
	w.on("2026-03-04")
	w.collected(evidence{"users", row{"status": "incomplete"}})
	w.want(w.ask("reconciliation"), "sku class", "SPE_E3 | listing incomplete", "STANDARDPACK | none", "SHAREPOINTSTORAGE | company-level SKU", skuID("VISIO")+" | not subscribed")
	w.on("2026-03-05") // people of this run, SKUs of the one before
	w.collected(evidence{"skus", row{"status": "failed"}}, evidence{"skus_after", row{"status": "failed"}})
	w.want(w.ask("reconciliation"), "sku class", "SPE_E3 | different runs", "STANDARDPACK | none", "SHAREPOINTSTORAGE | company-level SKU", skuID("VISIO")+" | not subscribed")
	w.want(w.ask("reconciliation", "as_of=2026-03-02"), "sku class", "SPE_E3 | unexplained", "STANDARDPACK | none", "SHAREPOINTSTORAGE | company-level SKU", skuID("VISIO")+" | not subscribed")
}

// servicePlans of E1 (mail, Teams), three holders. one: directly with Teams off and from a
// group with mail off: the union has both on. two: Teams off on its only path. three: Teams
// off, and on by a path in error, which gives nothing.
func servicePlans(w *world) {
	w.sku("E1", 10, 3)
	w.user("one", "E1")
	w.paths("one", path{sku: "E1", off: []string{teams}}, path{sku: "E1", group: "g", off: []string{exchange1}})
	w.user("two", "E1")
	w.paths("two", path{sku: "E1", off: []string{teams}})
	w.user("three", "E1")
	w.paths("three", path{sku: "E1", off: []string{teams}}, path{sku: "E1", group: "g", state: "Error", fault: "CountViolation"})
	w.collected()
	w.want(w.ask("service-plans"), "sku plan on off", "STANDARDPACK | EXCHANGE_S_STANDARD | 3 | 0", "STANDARDPACK | TEAMS1 | 1 | 2")
	w.on("2026-03-03") // a plan that waits for the administrator is on for nobody
	w.sku("E1", 10, 3, row{"plan_states": []string{"PendingActivation", "Success"}})
	w.collected()
	w.want(w.ask("service-plans"), "plan provisioning on off", "EXCHANGE_S_STANDARD | PendingActivation | 0 | 3", "TEAMS1 | Success | 1 | 2")
}

// accounts. Disabled people with a paid licence; STORAGE-like SKUs and free ones are not
// paid. A shared mailbox stands apart where its kind is known, else the kind is unknown.
func accounts(w *world) {
	w.sku("E3", 10, 5)
	w.sku("VISIO", 10, 3)
	w.refer("sku_traits", row{"tenant_id": w.id, "sku_id": skuID("VISIO"), "free": true, "imported_at": "2026-01-01 00:00:00"})
	w.price("E3", "30.50", "EUR", "2025-01-01")
	disabled := row{"account_enabled": false}
	w.user("leaver", "E3 VISIO", disabled)
	w.user("shared", "E3", disabled, row{"unknown": `{"mailboxSettings":{"userPurpose":"shared"}}`})
	w.user("archive", "E3", disabled)
	w.user("nobody", "E3", row{"account_enabled": nil})
	w.user("guest", "E3 VISIO", row{"user_type": "Guest"})
	w.user("service", "E3")
	w.used("service", "", "", "", "", "2024-01-01")
	for id, what := range map[string][2]string{"archive": {"leave", "back in May"}, "service": {"service account", ""}} {
		w.refer("exclusions", row{
			"exclusion_id": guid(w.id + id + "x"), "tenant_id": w.id, "user_id": guid(w.id + id), "sku_id": "00000000-0000-0000-0000-000000000000",
			"tag": what[0], "reason": what[1], "who": "me", "created_at": "2026-03-02 00:00:00", "until": "2026-05-31", "deleted": 0,
		})
	}
	w.collected()
	w.want(w.ask("disabled-licensed", "as_of=2026-03-02"), "display_name sku mailbox by_design excluded cost currency",
		"leaver | SPE_E3 | unknown | false |  | 30.5 | EUR", "shared | SPE_E3 | shared | true |  | 30.5 | EUR", "archive | SPE_E3 | unknown | false | leave: back in May | 30.5 | EUR")
	w.want(w.ask("guests-licensed", "as_of=2026-03-02"), "display_name sku cost", "guest | SPE_E3 | 30.5")
	// Before it was made and after its last day an exclusion excludes nothing.
	w.want(w.ask("unused-licences", "as_of=2026-03-02", "state=inactive"), "display_name reclaim excluded", "service | false | service account")
	w.want(w.ask("unused-licences", "as_of=2026-06-01", "state=inactive"), "display_name reclaim excluded", "service | true | ")
	// It is idle and excluded: shown, and no saving. 4 E3 unassigned would be 10 - 5 = 5.
	w.want(w.ask("licence-position", "as_of=2026-03-02"), "sku inactive excluded unassigned unused_cost",
		"SPE_E3 | 1 | 2 | 5 | 152.5", "VISIOCLIENT | 0 | 0 | - | -")
	w.want(w.ask("savings", "as_of=2026-03-02"), "sku kind seats saving", "SPE_E3 | unassigned | 5 | 152.5", "SPE_E3 | disabled account | 2 | 61")
}
