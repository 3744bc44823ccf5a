package graphsim

import (
	"bytes"
	"encoding/json"
	"time"
)

// The collections below are short and answered whole.

func (c *call) writeCollection(entity string, kind string, values []map[string]any) {
	l, ok := c.parseList("")
	if !ok {
		return
	}
	if l.names != nil {
		for i, v := range values {
			kept := map[string]any{}
			for _, name := range l.names {
				value, ok := v[name]
				if !ok {
					c.badSelect(name, kind)
					return
				}
				kept[name] = value
			}
			values[i] = kept
		}
	}
	b := c.appendHead(nil, l, entity, -1)
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(values); err != nil {
		c.fail(500, "InternalServerError", err.Error())
		return
	}
	b = append(b, bytes.TrimSuffix(bytes.TrimPrefix(body.Bytes(), []byte("[")), []byte("]\n"))...)
	c.writeBody(append(b, `]}`...))
}

func serveOrganization(c *call) {
	if !c.allow(roleOrganization, roleDirectory) {
		return
	}
	w := c.t.world
	name, domains := w.name, []any{map[string]any{"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": true, "isInitial": true, "name": w.domain, "type": "Managed"}}
	if e := w.edits.Load(); e != nil && e.name != "" {
		name = e.name
		if e.domain != w.domain {
			domains[0].(map[string]any)["isDefault"] = false
			domains = append(domains, map[string]any{"capabilities": "Email", "isDefault": true, "isInitial": false, "name": e.domain, "type": "Managed"})
		}
	}
	c.writeCollection("organization", "microsoft.graph.organization", []map[string]any{{
		"id": w.id, "displayName": name, "tenantType": "AAD", "countryLetterCode": "DE",
		"createdDateTime": w.cal.date(-3000).Format(time.RFC3339), "deletedDateTime": nil,
		"onPremisesSyncEnabled": true, "preferredLanguage": "en", "businessPhones": []string{},
		"directorySizeQuota": map[string]int{"used": w.count(c.s.Day()).users + len(w.groups), "total": 300_000},
		"verifiedDomains":    domains,
		"assignedPlans":      []any{}, "provisionedPlans": []any{},
	}})
}

func serveSKUs(c *call) {
	if !c.allow(roleOrganization, roleDirectory, roleLicences) {
		return
	}
	if c.query.Has("$top") {
		c.fail(400, "Request_UnsupportedQuery", "This resource does not support custom page sizes. Please retry without a page size argument.")
		return
	}
	w, day := c.t.world, c.s.Day()
	var out []map[string]any
	for sku, prod := range products {
		if w.lacks(sku, day) {
			continue
		}
		st := w.stockOf(sku, day)
		applies := "User"
		if prod.company {
			applies = "Company"
		}
		provisioning := "Success"
		if st.status == "Suspended" {
			provisioning = "Disabled"
		}
		var list []any
		for _, id := range prod.plans {
			list = append(list, map[string]string{"servicePlanId": plans[id].id, "servicePlanName": plans[id].name, "provisioningStatus": provisioning, "appliesTo": applies})
		}
		out = append(out, map[string]any{
			"accountName": w.name, "accountId": w.id, "appliesTo": applies, "capabilityStatus": st.status, "consumedUnits": st.consumed,
			"id": w.id + "_" + prod.id, "skuId": prod.id, "skuPartNumber": prod.part,
			"prepaidUnits":    map[string]int{"enabled": st.enabled, "suspended": st.suspended, "warning": st.warned, "lockedOut": 0},
			"servicePlans":    list,
			"subscriptionIds": w.subscriptionIDs(sku),
		})
	}
	c.writeCollection("subscribedSkus", "microsoft.graph.subscribedSku", out)
}

// subscriptionIDs are the purchases behind a SKU; the main suite was bought
// twice.
func (w *world) subscriptionIDs(sku int) []string {
	h := w.seed ^ saltSubscription + uint64(sku*2)
	if sku == skuE3 {
		return []string{guid(h), guid(h + 1)}
	}
	return []string{guid(h)}
}

func serveSubscriptions(c *call) {
	if !c.allow(roleOrganization, roleDirectory) {
		return
	}
	w, day := c.t.world, c.s.Day()
	var out []map[string]any
	for sku, prod := range products {
		if w.lacks(sku, day) {
			continue
		}
		st := w.stockOf(sku, day)
		total := st.enabled + st.suspended + st.warned
		ids := w.subscriptionIDs(sku)
		for n, id := range ids {
			h := mix(w.seed ^ saltSubscription ^ uint64(sku*16+n))
			share := total / len(ids)
			if n == 0 {
				share = total - share*(len(ids)-1)
			}
			// A term of a year that began at some day before day 0 and renews.
			age := 30 + int(h%300)
			ends := 365 - age
			for ends <= day && st.status == "Enabled" {
				ends += 365
			}
			var lifecycle any = w.cal.date(ends).Format(time.RFC3339)
			if sku == skuFlow || sku == skuPowerBIFree {
				lifecycle = nil // free offers have no term
			}
			out = append(out, map[string]any{
				"id": id, "commerceSubscriptionId": guid(h), "skuId": prod.id, "skuPartNumber": prod.part, "status": st.status,
				"isTrial": sku == skuTeamsTrial, "totalLicenses": share, "createdDateTime": w.cal.date(-age - 365).Format(time.RFC3339),
				"nextLifecycleDateTime": lifecycle, "ownerId": nil, "ownerTenantId": nil, "ownerType": "User", "serviceStatus": []any{},
			})
		}
	}
	c.writeCollection("directory/subscriptions", "microsoft.graph.companySubscription", out)
}

func serveReportSettings(c *call) {
	if !c.allowReports(roleReportSettings) {
		return
	}
	writeJSON(c.w, 200, map[string]any{
		"@odata.context":        c.s.url + "/" + c.version + "/$metadata#admin/reportSettings/$entity",
		"displayConcealedNames": c.t.current().ConcealNames,
	})
}
