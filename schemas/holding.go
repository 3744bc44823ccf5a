package schemas

import (
	"slices"
	"strings"
)

// LicenceChanges compares two states of a user and returns one licence record for every
// SKU whose holding changed, in the order of SKU ids. A nil user holds nothing.
func LicenceChanges(before, after *User) []Licence {
	id := ""
	for _, u := range []*User{before, after} {
		if u != nil {
			id = u.ID
		}
	}
	old, now := holdings(before), holdings(after)
	var skus []string
	for sku := range old {
		skus = append(skus, sku)
	}
	for sku := range now {
		if _, ok := old[sku]; !ok {
			skus = append(skus, sku)
		}
	}
	slices.Sort(skus)
	var out []Licence
	for _, sku := range skus {
		l := Licence{UserID: id, SKUID: sku, Before: old[sku], After: now[sku]}
		if l.Change = change(l.Before, l.After); l.Change != "" {
			out = append(out, l)
		}
	}
	return out
}

func change(a, b Holding) string {
	switch {
	case b.Held && !a.Held:
		return LicenceAssigned
	case a.Held && !b.Held:
		return LicenceRemoved
	case hasError(b) && !hasError(a):
		return LicenceErrored
	case !slices.Equal(a.States, b.States) || !slices.Equal(a.DisabledPlans, b.DisabledPlans):
		return LicenceStateChanged
	}
	return ""
}

func hasError(h Holding) bool {
	return slices.ContainsFunc(h.States, func(s string) bool {
		return strings.Contains(s, "Error") || strings.Contains(s, ":")
	})
}

// holdings lists what a user holds or is meant to hold. Held means that the SKU is in
// assignedLicenses; a path in an error state alone does not give it.
func holdings(u *User) map[string]Holding {
	m := map[string]Holding{}
	if u == nil {
		return m
	}
	for _, l := range u.AssignedLicenses {
		m[l.SKUID] = Holding{Held: true, DisabledPlans: l.DisabledPlans}
	}
	for _, s := range u.LicenseAssignmentStates {
		h := m[s.SKUID]
		state := s.State
		if s.Error != "" && !strings.EqualFold(s.Error, "None") {
			state += ":" + s.Error
		}
		h.States = append(h.States, state)
		m[s.SKUID] = h
	}
	for sku, h := range m {
		slices.Sort(h.States)
		m[sku] = h
	}
	return m
}
