package schemas

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// genRawGUID draws a GUID as Graph may give it, from few, so that entries tie.
func genRawGUID() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom([]string{skuE3, skuE5, planExchange, planTeams}).Draw(t, "guid")
		switch rapid.IntRange(0, 4).Draw(t, "form") {
		case 0:
			s = strings.ToUpper(s)
		case 1:
			s += "\u00a0"
		}
		return s
	})
}

func genWord() *rapid.Generator[string] { return rapid.SampledFrom([]string{"", "A", "B"}) }

func genUnknown() *rapid.Generator[jsontext.Value] {
	return rapid.SampledFrom([]jsontext.Value{nil, jsontext.Value(`{"x":1}`), jsontext.Value(`{"x":2}`), jsontext.Value(`{"@odata.type":"#y","x":1}`)})
}

func genGUIDs() *rapid.Generator[[]string] { return rapid.SliceOfN(genRawGUID(), 0, 3) }

func genLicences() *rapid.Generator[[]AssignedLicense] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) AssignedLicense {
		return AssignedLicense{genRawGUID().Draw(t, "sku"), genGUIDs().Draw(t, "disabled"), genUnknown().Draw(t, "unknown")}
	}), 0, 5)
}

func genUser() *rapid.Generator[*User] {
	return rapid.Custom(func(t *rapid.T) *User {
		return &User{
			ID: genRawGUID().Draw(t, "id"), AccountEnabled: Tristate(rapid.IntRange(0, 2).Draw(t, "enabled")),
			AssignedLicenses: genLicences().Draw(t, "licences"),
			LicenseAssignmentStates: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) AssignmentState {
				return AssignmentState{
					genRawGUID().Draw(t, "sku"), rapid.OneOf(rapid.Just(""), genRawGUID()).Draw(t, "group"), genGUIDs().Draw(t, "disabled"),
					genWord().Draw(t, "state"), genWord().Draw(t, "error"), genWord().Draw(t, "updated"), genUnknown().Draw(t, "unknown"),
				}
			}), 0, 5).Draw(t, "states"),
			AssignedPlans: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) AssignedPlan {
				return AssignedPlan{
					genRawGUID().Draw(t, "plan"), genWord().Draw(t, "status"), genWord().Draw(t, "service"), genWord().Draw(t, "at"), genUnknown().Draw(t, "unknown"),
				}
			}), 0, 5).Draw(t, "plans"),
			Unknown: genUnknown().Draw(t, "unknown"),
		}
	})
}

func genSKU() *rapid.Generator[*SKU] {
	return rapid.Custom(func(t *rapid.T) *SKU {
		return &SKU{
			SKUID: genRawGUID().Draw(t, "id"), SubscriptionIDs: genGUIDs().Draw(t, "subscriptions"), PrepaidUnits: PrepaidUnits{Unknown: genUnknown().Draw(t, "unknown")},
			ServicePlans: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ServicePlan {
				return ServicePlan{
					genRawGUID().Draw(t, "plan"), genWord().Draw(t, "name"), genWord().Draw(t, "status"), genWord().Draw(t, "to"), genUnknown().Draw(t, "unknown"),
				}
			}), 0, 5).Draw(t, "plans"),
		}
	})
}

// encodeNormal normalizes twice: the second time must change nothing.
func encodeNormal(t *rapid.T, e Entity) string {
	e.Normalize()
	once, err := NewEncoder().Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	e.Normalize()
	if twice, err := NewEncoder().Encode(e); err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("normalized twice: %v\n got %s\nwant %s", err, twice, once)
	}
	return string(once)
}

func permuted[T any](t *rapid.T, list []T) []T {
	if len(list) == 0 {
		return list // an empty list and none are two things
	}
	return rapid.Permutation(slices.Clone(list)).Draw(t, "order")
}

func TestNormalizeUser(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := genUser().Draw(t, "user")
		v := *u
		v.AssignedLicenses, v.LicenseAssignmentStates = permuted(t, u.AssignedLicenses), permuted(t, u.LicenseAssignmentStates)
		v.AssignedPlans = permuted(t, u.AssignedPlans)
		for i := range v.AssignedLicenses {
			v.AssignedLicenses[i].DisabledPlans = permuted(t, v.AssignedLicenses[i].DisabledPlans)
		}
		for i := range v.LicenseAssignmentStates {
			v.LicenseAssignmentStates[i].DisabledPlans = permuted(t, v.LicenseAssignmentStates[i].DisabledPlans)
		}
		a, b := encodeNormal(t, u), encodeNormal(t, &v)
		if a != b {
			t.Fatalf("the order of Graph's lists shows:\n%s\n%s", a, b)
		}
		if strings.Contains(a, "@odata.") {
			t.Fatalf("an annotation is left: %s", a)
		}
	})
}

func TestNormalizeSKU(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := genSKU().Draw(t, "sku")
		v := *s
		v.ServicePlans, v.SubscriptionIDs = permuted(t, s.ServicePlans), permuted(t, s.SubscriptionIDs)
		a, b := encodeNormal(t, s), encodeNormal(t, &v)
		if a != b || strings.Contains(a, "@odata.") {
			t.Fatalf("got\n%s\n%s", a, b)
		}
	})
}

func TestNormalizeGroup(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := &Group{
			ID: genRawGUID().Draw(t, "id"), AssignedLicenses: genLicences().Draw(t, "licences"),
			GroupTypes: rapid.SliceOfN(genWord(), 0, 3).Draw(t, "types"), LicenseProcessingState: ProcessingState{Unknown: genUnknown().Draw(t, "unknown")},
		}
		v := *g
		v.AssignedLicenses, v.GroupTypes = permuted(t, g.AssignedLicenses), permuted(t, g.GroupTypes)
		a, b := encodeNormal(t, g), encodeNormal(t, &v)
		if a != b || strings.Contains(a, "@odata.") {
			t.Fatalf("got\n%s\n%s", a, b)
		}
	})
}

func TestNormalizeOrganization(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}\.com`), 0, 4, rapid.ID).Draw(t, "names")
		o := &Organization{ID: genRawGUID().Draw(t, "id")}
		for _, n := range names {
			o.VerifiedDomains = append(o.VerifiedDomains, VerifiedDomain{Name: n, Unknown: genUnknown().Draw(t, "unknown")})
		}
		v := *o
		v.VerifiedDomains = permuted(t, o.VerifiedDomains)
		a, b := encodeNormal(t, o), encodeNormal(t, &v)
		if a != b || strings.Contains(a, "@odata.") {
			t.Fatalf("got\n%s\n%s", a, b)
		}
	})
}

func TestNormalizeSmall(t *testing.T) {
	t.Parallel()
	m := &Member{GroupID: strings.ToUpper(sampleGroup), MemberID: sampleUser + " ", Type: "#microsoft.graph.user"}
	if m.Normalize(); m.GroupID != sampleGroup || m.MemberID != sampleUser || m.Type != "user" {
		t.Errorf("got %+v", m)
	}
	s := &Subscription{ID: strings.ToUpper(sampleSub), SKUID: strings.ToUpper(skuE5)}
	if s.Normalize(); s.ID != sampleSub || s.SKUID != skuE5 {
		t.Errorf("got %+v", s)
	}
}
