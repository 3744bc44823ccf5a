package graphsim

import "strings"

// groupDefaults are properties /groups returns without $select; licences are
// not among them (Microsoft docs: group resource type).
var groupDefaults = []string{"id", "deletedDateTime", "classification", "createdDateTime", "description", "displayName", "groupTypes", "mail", "mailEnabled", "mailNickname", "membershipRule", "membershipRuleProcessingState", "onPremisesSyncEnabled", "renewedDateTime", "securityEnabled", "visibility"}

type groupField func(w *world, b []byte, g *group) []byte

func nullGroup(_ *world, b []byte, _ *group) []byte { return append(b, "null"...) }

var groupFields = map[string]groupField{
	"id":              func(w *world, b []byte, g *group) []byte { return appendJSONString(b, g.id) },
	"displayName":     func(w *world, b []byte, g *group) []byte { return appendJSONString(b, g.name) },
	"description":     nullGroup,
	"classification":  nullGroup,
	"deletedDateTime": nullGroup,
	"mail": func(w *world, b []byte, g *group) []byte {
		if g.slug == "" {
			return append(b, "null"...)
		}
		return appendJSONString(b, strings.ToLower(g.slug)+"@"+w.domain)
	},
	"mailNickname": func(w *world, b []byte, g *group) []byte {
		return appendJSONString(b, strings.ToLower(strings.ReplaceAll(g.name, " ", "")))
	},
	"mailEnabled":     func(w *world, b []byte, g *group) []byte { return appendBool(b, g.slug != "") },
	"securityEnabled": func(w *world, b []byte, g *group) []byte { return appendBool(b, g.kind != groupTeam) },
	"groupTypes": func(w *world, b []byte, g *group) []byte {
		switch {
		case g.kind == groupTeam:
			return append(b, `["Unified"]`...)
		case g.rule != "":
			return append(b, `["DynamicMembership"]`...)
		}
		return append(b, `[]`...)
	},
	"visibility": func(w *world, b []byte, g *group) []byte {
		if g.kind != groupTeam {
			return append(b, "null"...)
		}
		if g.first/teamSize%3 == 0 {
			return append(b, `"Public"`...)
		}
		return append(b, `"Private"`...)
	},
	"membershipRule": func(w *world, b []byte, g *group) []byte { return appendOrNull(b, g.rule) },
	"membershipRuleProcessingState": func(w *world, b []byte, g *group) []byte {
		if g.rule == "" {
			return append(b, "null"...)
		}
		return append(b, `"On"`...)
	},
	"onPremisesSyncEnabled": func(w *world, b []byte, g *group) []byte {
		if !g.synced {
			return append(b, "null"...)
		}
		return append(b, "true"...)
	},
	"createdDateTime": appendGroupCreated,
	"renewedDateTime": appendGroupCreated,
	"assignedLicenses": func(w *world, b []byte, g *group) []byte {
		if g.sku < 0 || w.lacks(g.sku, never) {
			return append(b, `[]`...)
		}
		b = append(b, `[{"disabledPlans":`...)
		b = appendPlanIDs(b, g.sku, w.groupOff(g.sku))
		b = append(b, `,"skuId":"`...)
		b = append(b, products[g.sku].id...)
		return append(b, `"}]`...)
	},
	"licenseProcessingState": func(w *world, b []byte, g *group) []byte {
		if g.sku < 0 {
			return append(b, "null"...)
		}
		return append(b, `{"state":"ProcessingComplete"}`...)
	},
}

func appendGroupCreated(w *world, b []byte, g *group) []byte {
	b = append(b, '"')
	b = w.cal.appendTime(b, g.created, uint64(-g.created)*977)
	return append(b, '"')
}

// appendGroup writes one group as a JSON object.
func (w *world) appendGroup(b []byte, g *group, names []string) []byte {
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSONString(b, name)
		b = append(b, ':')
		b = groupFields[name](w, b, g)
	}
	return append(b, '}')
}
