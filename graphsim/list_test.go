package graphsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPagingIsComplete(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1203)
	var want []any
	for _, top := range []string{"", "7", "100", "999"} {
		link := "/users?$select=id,userPrincipalName"
		if top != "" {
			link += "&$top=" + top
		}
		var ids, names []any
		for _, u := range r.all(link) {
			ids = append(ids, u["id"])
			names = append(names, u["userPrincipalName"])
		}
		if want == nil {
			want = ids
		}
		if len(ids) != 1203 || !slices.Equal(ids, want) {
			t.Errorf("$top=%s lists %d users, or in another order", top, len(ids))
		}
		for _, list := range [][]any{ids, names} {
			seen := map[any]bool{}
			for _, v := range list {
				if seen[v] {
					t.Errorf("$top=%s lists %v twice", top, v)
				}
				seen[v] = true
			}
		}
	}
	p := r.page("/users?$select=id&$top=50")
	if len(p.Value) != 50 || !strings.Contains(p.Next, "$select=id&$top=50&$skiptoken=") || !strings.HasSuffix(p.Context, "#users(id)") {
		t.Errorf("page of %d, next %s, context %s", len(p.Value), p.Next, p.Context)
	}
	if p := r.page("/users"); len(p.Value) != 100 {
		t.Errorf("the default page has %d users", len(p.Value))
	}
}

func TestListRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, 120)
	for link, want := range map[string]string{
		"/users?$top=1000":                   "Request_UnsupportedQuery Invalid page size specified: '1000'. Must be between 1 and 999 inclusive.",
		"/users?$top=0":                      "Request_UnsupportedQuery Invalid page size specified: '0'. Must be between 1 and 999 inclusive.",
		"/subscribedSkus?$top=5":             "Request_UnsupportedQuery This resource does not support custom page sizes. Please retry without a page size argument.",
		"/users?$select=id,shoeSize":         "BadRequest Parsing OData Select and Expand failed: Could not find a property named 'shoeSize' on type 'microsoft.graph.user'.",
		"/groups?$select=shoeSize":           "BadRequest Parsing OData Select and Expand failed: Could not find a property named 'shoeSize' on type 'microsoft.graph.group'.",
		"/subscribedSkus?$select=shoeSize":   "BadRequest Parsing OData Select and Expand failed: Could not find a property named 'shoeSize' on type 'microsoft.graph.subscribedSku'.",
		"/users?$skiptoken=bm90IG9uZSBvZiBv": "Directory_ExpiredPageToken The specified page token value has expired and can no longer be included in your request.",
		"/nothing":                           "BadRequest Resource not found for the segment 'nothing'.",
	} {
		status, code, msg := r.code(link)
		if status != 400 || code+" "+msg != want {
			t.Errorf("%s: %d %s %s", link, status, code, msg)
		}
	}
	// A page token belongs to its collection.
	next := r.page("/users?$top=20").Next
	other := strings.Replace(next, "/users?", "/groups?", 1)
	if status, code, _ := r.code(other); status != 400 || code != "Directory_ExpiredPageToken" {
		t.Errorf("token of another collection: %d %s", status, code)
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	r := newRig(t, 120)
	keys := func(m map[string]any) string {
		var out []string
		for k := range m {
			out = append(out, k)
		}
		slices.Sort(out)
		return strings.Join(out, ",")
	}
	want := slices.Clone(userDefaults)
	slices.Sort(want)
	if got := keys(r.page("/users").Value[0]); got != strings.Join(want, ",") {
		t.Errorf("without $select: %s", got)
	}
	if got := keys(r.page("/users?$select=displayName,assignedLicenses").Value[0]); got != "assignedLicenses,displayName" {
		t.Errorf("with $select: %s", got)
	}
	want = strings.Split(fullSelect, ",")
	slices.Sort(want)
	for _, u := range r.all("/users?$top=999&$select=" + fullSelect) {
		if got := keys(u); got != strings.Join(want, ",") {
			t.Fatalf("full $select: %s", got)
		}
	}
	id := r.page("/users").Value[3]["id"].(string)
	status, body, _ := r.get("/users/" + id + "?$select=id")
	var one map[string]any
	if err := json.Unmarshal([]byte(body), &one); err != nil || status != 200 || one["id"] != id || !strings.HasSuffix(one["@odata.context"].(string), "#users(id)/$entity") {
		t.Errorf("single user: %d %s %v", status, body, err)
	}
}

func TestGroupsAndMembers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 400)
	byGroup := map[string]map[string]bool{}
	for _, u := range r.all("/users?$top=999&$select=id,licenseAssignmentStates") {
		for _, s := range u["licenseAssignmentStates"].([]any) {
			if g, ok := s.(map[string]any)["assignedByGroup"].(string); ok {
				if byGroup[g] == nil {
					byGroup[g] = map[string]bool{}
				}
				byGroup[g][u["id"].(string)] = true
			}
		}
	}
	licensed := 0
	for _, g := range r.all("/groups?$select=id,displayName,mail,securityEnabled,mailEnabled,groupTypes,membershipRule,onPremisesSyncEnabled,createdDateTime,assignedLicenses,licenseProcessingState") {
		if len(g["assignedLicenses"].([]any)) == 0 {
			continue
		}
		licensed++
		id := g["id"].(string)
		members := r.all("/groups/" + id + "/members/microsoft.graph.user?$select=id&$top=50")
		plain := r.all("/groups/" + id + "/members?$select=id&$top=999")
		if len(members) != len(plain) || len(plain) > 0 && plain[0]["@odata.type"] != "#microsoft.graph.user" {
			t.Errorf("%s: %d members, %d by cast", g["displayName"], len(plain), len(members))
		}
		// The states of a very few omit a licence, as the service's do.
		missing := 0
		for _, m := range members {
			if !byGroup[id][m["id"].(string)] {
				missing++
			}
		}
		if missing > 1+len(members)/100 || len(byGroup[id]) > len(members) {
			t.Errorf("%s: %d of %d members lack the state, %d users have it", g["displayName"], missing, len(members), len(byGroup[id]))
		}
	}
	if licensed != len(licensedSKUs) {
		t.Errorf("%d licensed groups", licensed)
	}
	if status, code, _ := r.code("/groups/" + zeroGUID + "/members"); status != 404 || code != "Request_ResourceNotFound" {
		t.Errorf("unknown group: %d %s", status, code)
	}
}

func TestConsumedUnitsEqualHolders(t *testing.T) {
	t.Parallel()
	r := newRig(t, 900)
	for _, days := range []int{0, 9} {
		r.Advance(days)
		holders := map[string]int{}
		for _, u := range r.all("/users?$top=999&$select=assignedLicenses") {
			for _, l := range u["assignedLicenses"].([]any) {
				holders[l.(map[string]any)["skuId"].(string)]++
			}
		}
		shape := map[string]string{}
		for _, s := range r.all("/subscribedSkus") {
			id, part := s["skuId"].(string), s["skuPartNumber"].(string)
			units := s["prepaidUnits"].(map[string]any)
			shape[part] = fmt.Sprint(s["capabilityStatus"], s["consumedUnits"].(float64) > units["enabled"].(float64))
			if s["appliesTo"] == "Company" {
				continue
			}
			if int(s["consumedUnits"].(float64)) != holders[id] || holders[id] == 0 {
				t.Errorf("day %d: %s consumes %v, %d hold it", r.Day(), part, s["consumedUnits"], holders[id])
			}
		}
		for part, want := range map[string]string{"SPE_E3": "Enabledfalse", "PROJECTPROFESSIONAL": "Enabledtrue", "VISIOCLIENT": "Warningtrue", "ENTERPRISEPACK": "Suspendedtrue"} {
			if shape[part] != want {
				t.Errorf("day %d: %s is %s", r.Day(), part, shape[part])
			}
		}
	}
	ids := map[string]bool{}
	for _, s := range r.all("/directory/subscriptions") {
		ids[s["id"].(string)] = true
	}
	for _, s := range r.all("/subscribedSkus") {
		for _, id := range s["subscriptionIds"].([]any) {
			if !ids[id.(string)] {
				t.Errorf("%s names a subscription that is not listed", s["skuPartNumber"])
			}
		}
	}
}
