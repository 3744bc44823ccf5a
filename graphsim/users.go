package graphsim

// userField writes the value of one property of a user.
type userField func(w *world, b []byte, p *person) []byte

// userDefaults are the properties /users returns without $select (Microsoft
// docs: list users).
var userDefaults = []string{"businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage", "surname", "userPrincipalName", "id"}

// userFields are the properties that can be selected.
var userFields = map[string]userField{
	"id": func(w *world, b []byte, p *person) []byte {
		b = append(b, '"')
		b = w.appendID(b, p)
		return append(b, '"')
	},
	"userPrincipalName": func(w *world, b []byte, p *person) []byte { return appendJSON(b, w.upn(p)) },
	"displayName": func(w *world, b []byte, p *person) []byte {
		var name [128]byte
		return appendJSON(b, w.appendDisplay(name[:0], p))
	},
	"givenName": func(w *world, b []byte, p *person) []byte {
		if p.kind == kindMember {
			return appendJSONString(b, p.first.shown)
		}
		return append(b, "null"...)
	},
	"surname": func(w *world, b []byte, p *person) []byte {
		if p.kind != kindMember {
			return append(b, "null"...)
		}
		if p.extra != nil {
			return appendJSONString(b, p.last.shown+"-"+p.extra.shown)
		}
		return appendJSONString(b, p.last.shown)
	},
	"mail": appendMail,
	"mailNickname": func(w *world, b []byte, p *person) []byte {
		upn := w.upn(p)
		for i, c := range upn {
			if c == '@' || c == '#' {
				upn = upn[:i]
				break
			}
		}
		return appendJSON(b, upn)
	},
	"accountEnabled": func(w *world, b []byte, p *person) []byte { return appendBool(b, p.enabled) },
	"userType": func(w *world, b []byte, p *person) []byte {
		if p.kind == kindGuest {
			return append(b, `"Guest"`...)
		}
		return append(b, `"Member"`...)
	},
	"usageLocation": func(w *world, b []byte, p *person) []byte { return appendOrNull(b, p.usageLocation()) },
	"department": func(w *world, b []byte, p *person) []byte {
		if p.dept == nil {
			return append(b, "null"...)
		}
		return appendJSONString(b, p.dept.name)
	},
	"companyName":           appendCompany,
	"country":               whenMember(func(w *world, p *person) string { return p.place.country }),
	"city":                  whenMember(func(w *world, p *person) string { return p.city }),
	"officeLocation":        appendOffice,
	"employeeId":            appendEmployeeID,
	"jobTitle":              whenMember(func(w *world, p *person) string { return p.dept.titles[p.h>>12%uint64(len(p.dept.titles))] }),
	"preferredLanguage":     whenMember(func(w *world, p *person) string { return p.place.language }),
	"onPremisesSyncEnabled": appendSynced,
	"createdDateTime": func(w *world, b []byte, p *person) []byte {
		b = append(b, '"')
		b = w.cal.appendTime(b, p.created, p.h>>10)
		return append(b, '"')
	},
	"deletedDateTime":         appendDeleted,
	"businessPhones":          func(w *world, b []byte, p *person) []byte { return append(b, "[]"...) },
	"mobilePhone":             func(w *world, b []byte, p *person) []byte { return append(b, "null"...) },
	"assignedLicenses":        appendAssignedLicenses,
	"licenseAssignmentStates": appendAssignmentStates,
	"assignedPlans":           appendAssignedPlans,
	"signInActivity":          appendSignIn,
}

func whenMember(text func(*world, *person) string) userField {
	return func(w *world, b []byte, p *person) []byte {
		if p.kind != kindMember {
			return append(b, "null"...)
		}
		return appendJSONString(b, text(w, p))
	}
}

func appendMail(w *world, b []byte, p *person) []byte {
	switch p.kind {
	case kindResource:
		return append(b, "null"...)
	case kindGuest:
		b = append(b, '"')
		b = append(b, p.first.slug...)
		b = append(b, '.')
		b = append(b, p.last.slug...)
		b = appendNumbered(b, p.twin)
		b = append(b, '@')
		b = append(b, guestDomains[p.idx%len(guestDomains)]...)
		return append(b, '"')
	}
	return appendJSON(b, w.upn(p))
}

func appendCompany(w *world, b []byte, p *person) []byte {
	switch p.kind {
	case kindGuest:
		return appendJSONString(b, guestDomains[p.idx%len(guestDomains)])
	case kindMember:
		b = append(b, '"')
		b = append(b, w.plainName...)
		b = append(b, ' ')
		b = append(b, p.place.suffix...)
		return append(b, '"')
	}
	return append(b, "null"...)
}

func appendOffice(w *world, b []byte, p *person) []byte {
	if p.kind != kindMember {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = append(b, p.city...)
	b = append(b, " Floor "...)
	b = append(b, byte('1'+p.h>>7%7))
	return append(b, '"')
}

// appendEmployeeID writes the cost centre and the personnel number, as many
// companies keep them in this one field.
func appendEmployeeID(w *world, b []byte, p *person) []byte {
	if p.kind != kindMember {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = append(b, p.dept.centre...)
	b = append(b, '-')
	b = appendInt(b, 1_000_000+p.idx)
	return append(b, '"')
}

func appendSynced(w *world, b []byte, p *person) []byte {
	if p.kind == kindMember && p.h>>9%10 < 7 {
		return append(b, "true"...)
	}
	return append(b, "null"...)
}

func appendDeleted(w *world, b []byte, p *person) []byte {
	if p.left > p.day {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = w.cal.appendTime(b, p.left, p.h>>11)
	return append(b, '"')
}

// column is a property of a page with its name ready to write.
type column struct {
	key   string // "name":
	write userField
}

// userColumns compiles a $select; unknown is the first property there is not.
func userColumns(names []string) (out []column, unknown string) {
	for _, name := range names {
		f, ok := userFields[name]
		if !ok {
			return nil, name
		}
		out = append(out, column{`"` + name + `":`, f})
	}
	return out, ""
}

// appendUser writes one user as a JSON object; lead goes before the first
// property, for an @odata.type.
func (w *world) appendUser(b []byte, p *person, cols []column, lead string) []byte {
	b = append(b, '{')
	b = append(b, lead...)
	for i := range cols {
		if i > 0 || lead != "" {
			b = append(b, ',')
		}
		b = append(b, cols[i].key...)
		b = cols[i].write(w, b, p)
	}
	return append(b, '}')
}
