package schemas

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func holder(licences []AssignedLicense, states ...AssignmentState) *User {
	return &User{ID: sampleUser, AssignedLicenses: licences, LicenseAssignmentStates: states}
}

func TestLicenceChanges(t *testing.T) {
	t.Parallel()
	e5 := []AssignedLicense{{SKUID: skuE5}}
	active := AssignmentState{SKUID: skuE5, State: "Active", Error: "None"}
	for name, c := range map[string]struct {
		before, after *User
		want          []Licence
	}{
		"nobody":     {nil, nil, nil},
		"none":       {holder(e5, active), holder(e5, active), nil},
		"new user":   {nil, holder(e5, active), []Licence{{Change: LicenceAssigned, After: Holding{Held: true, States: []string{"Active"}}}}},
		"new, empty": {nil, holder(nil), nil},
		"user gone":  {holder(e5, active), nil, []Licence{{Change: LicenceRemoved, Before: Holding{Held: true, States: []string{"Active"}}}}},
		"assigned":   {holder(nil), holder(e5), []Licence{{Change: LicenceAssigned, After: Holding{Held: true}}}},
		"removed":    {holder(e5), holder(nil), []Licence{{Change: LicenceRemoved, Before: Holding{Held: true}}}},
		"no seat left": {
			holder(nil), holder(nil, AssignmentState{SKUID: skuE5, State: "Error", Error: "CountViolation"}),
			[]Licence{{Change: LicenceErrored, After: Holding{States: []string{"Error:CountViolation"}}}},
		},
		"errored": {
			holder(e5, active), holder(e5, AssignmentState{SKUID: skuE5, State: "ActiveWithError", Error: "DependencyViolation"}),
			[]Licence{{
				Change: LicenceErrored, Before: Holding{Held: true, States: []string{"Active"}},
				After: Holding{Held: true, States: []string{"ActiveWithError:DependencyViolation"}},
			}},
		},
		"recovered": {
			holder(e5, AssignmentState{SKUID: skuE5, State: "ActiveWithError", Error: "new code"}), holder(e5, active),
			[]Licence{{
				Change: LicenceStateChanged, Before: Holding{Held: true, States: []string{"ActiveWithError:new code"}},
				After: Holding{Held: true, States: []string{"Active"}},
			}},
		},
		"second path": {
			holder(e5, active), holder(e5, active, AssignmentState{SKUID: skuE5, AssignedByGroup: sampleGroup, State: "Active", Error: "None"}),
			[]Licence{{
				Change: LicenceStateChanged, Before: Holding{Held: true, States: []string{"Active"}},
				After: Holding{Held: true, States: []string{"Active", "Active"}},
			}},
		},
		"plan off": {
			holder(e5), holder([]AssignedLicense{{SKUID: skuE5, DisabledPlans: []string{planTeams}}}),
			[]Licence{{Change: LicenceStateChanged, Before: Holding{Held: true}, After: Holding{Held: true, DisabledPlans: []string{planTeams}}}},
		},
		"error none in any case": {holder(e5, AssignmentState{SKUID: skuE5, State: "Active"}), holder(e5, AssignmentState{SKUID: skuE5, State: "Active", Error: "none"}), nil},
	} {
		for i := range c.want {
			c.want[i].UserID, c.want[i].SKUID = sampleUser, skuE5
		}
		if got := LicenceChanges(c.before, c.after); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestLicenceChangesOrder(t *testing.T) {
	t.Parallel()
	before := holder([]AssignedLicense{{SKUID: "c"}, {SKUID: "a"}})
	after := holder([]AssignedLicense{{SKUID: "d"}, {SKUID: "b"}})
	var got []string
	for _, l := range LicenceChanges(before, after) {
		got = append(got, l.SKUID+" "+l.Change)
	}
	if want := []string{"a removed", "b assigned", "c removed", "d assigned"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// genHolder draws one state of a user. nil is a user who is not there.
func genHolder() *rapid.Generator[*User] {
	skus := []string{"a", "b", "c", "d"}
	return rapid.Custom(func(t *rapid.T) *User {
		if rapid.IntRange(0, 7).Draw(t, "absent") == 0 {
			return nil
		}
		u := &User{ID: sampleUser}
		for _, sku := range skus {
			if rapid.Bool().Draw(t, "held") {
				plans := rapid.SampledFrom([][]string{nil, {planExchange}, {planExchange, planTeams}}).Draw(t, "plans")
				u.AssignedLicenses = append(u.AssignedLicenses, AssignedLicense{SKUID: sku, DisabledPlans: slices.Clone(plans)})
			}
		}
		u.LicenseAssignmentStates = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) AssignmentState {
			return AssignmentState{
				SKUID: rapid.SampledFrom(skus).Draw(t, "sku"), AssignedByGroup: rapid.SampledFrom([]string{"", sampleGroup}).Draw(t, "group"),
				State: rapid.SampledFrom([]string{"Active", "Error", "ActiveWithError", "Disabled", "Odd"}).Draw(t, "state"),
				Error: rapid.SampledFrom([]string{"", "None", "CountViolation", "Other"}).Draw(t, "error"),
			}
		}), 0, 5).Draw(t, "states")
		u.Normalize()
		return u
	})
}

func heldBy(u *User) map[string]bool {
	m := map[string]bool{}
	if u != nil {
		for _, l := range u.AssignedLicenses {
			m[l.SKUID] = true
		}
	}
	return m
}

// TestLicenceChangesApply: applied to what was held before, the changes give what is
// held now. That is what a subscriber does who counts holders from the stream.
func TestLicenceChangesApply(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := genHolder().Draw(t, "before"), genHolder().Draw(t, "after")
		untouched, _ := NewEncoder().Encode([]*User{before, after})
		held, old, now := heldBy(before), holdings(before), holdings(after)
		changes := LicenceChanges(before, after)
		last := ""
		for _, l := range changes {
			if l.SKUID <= last || l.UserID != sampleUser {
				t.Fatalf("%+v after %q", l, last)
			}
			last = l.SKUID
			if held[l.SKUID] != l.Before.Held || l.Before.Held == l.After.Held && reflect.DeepEqual(l.Before, l.After) {
				t.Fatalf("before: %+v, held %v", l, held)
			}
			if (l.Change == LicenceAssigned) != (!l.Before.Held && l.After.Held) || (l.Change == LicenceRemoved) != (l.Before.Held && !l.After.Held) {
				t.Fatalf("%+v is called %s", l, l.Change)
			}
			if l.Change == LicenceErrored && (hasError(l.Before) || !hasError(l.After)) {
				t.Fatalf("%+v is no new error", l)
			}
			delete(held, l.SKUID)
			if l.After.Held {
				held[l.SKUID] = true
			}
			delete(old, l.SKUID)
			delete(now, l.SKUID)
		}
		if want := heldBy(after); !reflect.DeepEqual(held, want) {
			t.Fatalf("held %v, want %v", held, want)
		}
		if len(old)+len(now) > 0 && !reflect.DeepEqual(old, now) {
			t.Fatalf("no change is reported of %+v to %+v", old, now)
		}
		if len(LicenceChanges(after, before)) != len(changes) || len(LicenceChanges(after, after)) > 0 {
			t.Fatal("the way back has other changes, or standing still has some")
		}
		if again, _ := NewEncoder().Encode([]*User{before, after}); !bytes.Equal(again, untouched) {
			t.Fatal("comparing changed the users")
		}
	})
}
