package graphsim

import (
	"fmt"
	"strings"
	"testing"
)

// Edits show everywhere alike, from their day on.
func TestEdits(t *testing.T) {
	t.Parallel()
	r := newRig(t, 300)
	r.login()
	r.Advance(10)
	const domain, part = "contoso.onmicrosoft.com", "VISIOCLIENT"
	users := "/users?$select=id,userPrincipalName,accountEnabled,assignedLicenses,licenseAssignmentStates"
	gone := r.all("/directory/deletedItems/microsoft.graph.user?$top=3")
	who := r.all(users)[8]
	before := r.table("getOffice365ActiveUserDetail(period='D180')")
	var visio string
	for _, s := range r.all("/subscribedSkus") {
		if s["skuPartNumber"] == part {
			visio = s["skuId"].(string)
		}
	}
	for _, e := range []Edit{
		DropSKU(part), SKUStatus("SPE_E3", "Odd"), RestoreUser(gone[0]["id"].(string)), RenameUser(who["id"].(string), "new.name"),
		RenameTenant(`New "Name"`, "new.example"), AssignmentState(who["id"].(string), "SPE_E3", `St"range`, "Peculiar"), LateUse(),
	} {
		if err := r.Edit(domain, e); err != nil {
			t.Fatal(err)
		}
	}
	holders := map[string]int{}
	ids := map[string]map[string]any{}
	for _, u := range r.all(users) {
		ids[u["id"].(string)] = u
		for _, l := range u["assignedLicenses"].([]any) {
			holders[l.(map[string]any)["skuId"].(string)]++
		}
	}
	if holders[visio] != 0 || strings.Contains(fmt.Sprint(r.all("/groups?$select=assignedLicenses")), visio) {
		t.Errorf("%d hold what was dropped", holders[visio])
	}
	for _, s := range r.all("/subscribedSkus") {
		id, status := s["skuId"].(string), s["capabilityStatus"]
		if id == visio || s["appliesTo"] == "User" && int(s["consumedUnits"].(float64)) != holders[id] || (s["skuPartNumber"] == "SPE_E3") != (status == "Odd") {
			t.Errorf("SKU %v with %d holders", s, holders[id])
		}
	}
	if ids[gone[0]["id"].(string)] == nil || ids[gone[1]["id"].(string)] != nil {
		t.Error("the restored user is not among the users, or another is")
	}
	if left := r.all("/directory/deletedItems/microsoft.graph.user?$top=3"); len(left) != len(gone)-1 || left[0]["id"] != gone[1]["id"] {
		t.Errorf("%d in the recycle bin of %d", len(left), len(gone))
	}
	now := ids[who["id"].(string)]
	if now["userPrincipalName"] != "new.name@"+domain || !strings.Contains(fmt.Sprint(now["licenseAssignmentStates"]), `St"range`) {
		t.Errorf("renamed: %v", now)
	}
	org := r.all("/organization")[0]
	if text := fmt.Sprint(org["verifiedDomains"]); org["displayName"] != `New "Name"` || !strings.Contains(text, "new.example") || !strings.Contains(text, domain) {
		t.Errorf("organization %v", org)
	}
	again := r.table("getOffice365ActiveUserDetail(period='D180')")
	changed := 0
	for i := range before {
		if fmt.Sprint(before[i]) != fmt.Sprint(again[i]) {
			changed++
		}
	}
	if changed < len(before)/20 || changed > len(before)/3 || again[0]["Report Refresh Date"] != before[0]["Report Refresh Date"] {
		t.Errorf("%d of %d rows issued again", changed, len(before))
	}
	if text := fmt.Sprint(again); strings.Contains(text, "new.name@") {
		t.Error("the report has the new name already")
	}
	r.Advance(2)
	if text := fmt.Sprint(r.table("getOffice365ActiveUserDetail(period='D180')")); !strings.Contains(text, "new.name@") {
		t.Error("the report does not follow the rename")
	}
	for _, e := range []Edit{{Kind: "nothing"}, DropSKU("NOSUCH"), RestoreUser(who["id"].(string)), RenameUser("nobody", "x")} {
		if err := r.Edit(domain, e); err == nil {
			t.Errorf("%+v is taken", e)
		}
	}
	var made Edit
	if status := r.control("POST", "tenants/"+domain+"/edits", `{"kind":"rename_tenant","name":"By control","domain":"a.example"}`, &made); status != 200 || r.all("/organization")[0]["displayName"] != "By control" {
		t.Errorf("edit by control: %d", status)
	}
}
