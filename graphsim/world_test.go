package graphsim

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSameSeedAndDaySameBytes(t *testing.T) {
	t.Parallel()
	a, b := newRig(t, 300), newRig(t, 300)
	for _, day := range []int{0, 7} {
		a.Advance(day)
		b.Advance(day / 2) // however the clock got there
		b.Advance(day - day/2)
		for _, link := range []string{"/users?$top=300&$select=" + fullSelect, "/groups?$top=50", "/subscribedSkus", "/organization", "/directory/subscriptions", "/directory/deletedItems/microsoft.graph.user"} {
			_, one, _ := a.get(link)
			_, two, _ := b.get(link)
			if strings.ReplaceAll(one, a.URL(), "") != strings.ReplaceAll(two, b.URL(), "") {
				t.Errorf("day %d: %s differs", a.Day(), link)
			}
		}
		one, two := a.report("getTeamsUserActivityUserDetail(period='D30')"), b.report("getTeamsUserActivityUserDetail(period='D30')")
		if strings.Join(one, "\n") != strings.Join(two, "\n") {
			t.Errorf("day %d: report differs", a.Day())
		}
	}
}

// snapshot is what the directory says of each user, by id.
func (r *rig) snapshot() map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, u := range r.all("/users?$top=999&$select=id,userPrincipalName,department,assignedLicenses") {
		out[u["id"].(string)] = u
	}
	return out
}

func suiteOf(u map[string]any) string {
	for _, l := range u["assignedLicenses"].([]any) {
		for _, sku := range []int{skuE3, skuE5, skuF3, skuE1, skuBusiness} {
			if id := l.(map[string]any)["skuId"].(string); id == products[sku].id {
				return id
			}
		}
	}
	return ""
}

func TestDaysBringChanges(t *testing.T) {
	t.Parallel()
	for _, users := range []int{50, 700} {
		r := newRig(t, users)
		before := r.snapshot()
		if len(before) != users {
			t.Errorf("day 0 has %d of %d users", len(before), users)
		}
		for range 6 {
			r.Advance(5)
			after := r.snapshot()
			joined, left, renamed, moved, reassigned := 0, 0, 0, 0, 0
			for id, u := range after {
				old, ok := before[id]
				if !ok {
					joined++
					continue
				}
				if old["userPrincipalName"] != u["userPrincipalName"] {
					renamed++
				}
				if old["department"] != u["department"] {
					moved++
				}
				if suiteOf(old) != suiteOf(u) {
					reassigned++
				}
			}
			deleted := map[string]bool{}
			for _, u := range r.all("/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime&$top=5") {
				deleted[u["id"].(string)] = u["deletedDateTime"] != nil
			}
			for id := range before {
				if after[id] == nil {
					left++
					if !deleted[id] {
						t.Errorf("%s left and is not among the deleted", id)
					}
				}
			}
			if joined == 0 || left == 0 || renamed == 0 || moved == 0 || reassigned == 0 {
				t.Errorf("%d users, day %d: %d joined, %d left, %d renamed, %d moved, %d reassigned", users, r.Day(), joined, left, renamed, moved, reassigned)
			}
			if share := float64(joined+left+renamed+moved+reassigned) / 5 / float64(users); users > 500 && (share < 0.002 || share > 0.005) {
				t.Errorf("%.2f%% of the users change a day", share*100)
			}
			before = after
		}
	}
}

func TestShuffleInverts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5000).Draw(t, "n")
		s := newShuffle(n, rapid.Uint64().Draw(t, "seed"))
		k := rapid.IntRange(0, n-1).Draw(t, "k")
		if i := s.at(k); i < 0 || i >= n || s.rank(i) != k {
			t.Fatalf("event %d hits %d, which says it is hit by %d", k, i, s.rank(i))
		}
	})
}

func TestLeaversAreThoseWhoLeft(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		users := rapid.IntRange(10, 3000).Draw(t, "users")
		day := rapid.IntRange(0, 1500).Draw(t, "day")
		w := newWorld(TenantConfig{Domain: "a.example", Seed: rapid.Uint64().Draw(t, "seed"), Users: users}, zeroGUID, sharedCalendar)
		present, gone := 0, 0
		for i := range w.end(day) {
			if w.present(i, day) {
				present++
			}
			if w.recentlyGone(i, day) {
				gone++
			}
			if w.left(i) <= w.joined(i) {
				t.Fatalf("index %d left on day %d before it joined on %d", i, w.left(i), w.joined(i))
			}
		}
		listed := 0
		for k := w.turnover.by(day) - 1; ; k-- {
			i := w.leaver(k)
			if i >= w.end(day) || w.left(i) > day || w.left(i) <= day-goneShown {
				break
			}
			listed++
		}
		if present != users || listed != gone {
			t.Fatalf("%d present of %d, %d deleted listed of %d", present, users, listed, gone)
		}
	})
}

var sharedCalendar = newCalendar(startDate)

func TestNamesAreUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(TenantConfig{Domain: "a.example", Seed: 3, Users: 30_000}, zeroGUID, sharedCalendar)
	seen := map[string]int{}
	var p person
	for _, day := range []int{0, 200} {
		for i := range w.end(day) {
			w.fill(&p, i, day)
			name := string(w.upn(&p))
			if other, ok := seen[name]; ok && other != i {
				t.Fatalf("%d and %d are both %s", other, i, name)
			}
			seen[name] = i
		}
	}
}

// TestWorldShowsEverything looks for each situation a licence manager asks
// about in a tenant of middling size.
func TestWorldShowsEverything(t *testing.T) {
	t.Parallel()
	r := newRig(t, 6000)
	found := map[string]int{}
	for _, u := range r.all("/users?$top=999&$select=" + fullSelect) {
		held, name := len(u["assignedLicenses"].([]any)), u["displayName"].(string)
		mark := func(what string, is bool) {
			if is {
				found[what]++
			}
		}
		mark("none", held == 0)
		mark("several", held > 2)
		mark("guest with licence", u["userType"] == "Guest" && held > 0 && strings.Contains(u["userPrincipalName"].(string), "#EXT#"))
		mark("shared with licence", strings.HasPrefix(name, "Shared ") && u["accountEnabled"] == false && held > 0)
		mark("disabled with licence", u["department"] != nil && u["accountEnabled"] == false && held > 0)
		mark("no usage location", u["department"] != nil && u["usageLocation"] == nil)
		mark("apostrophe", strings.Contains(name, "'"))
		mark("umlaut", strings.Contains(name, "ü"))
		mark("cjk", strings.ContainsAny(name, "王李佐"))
		mark("emoji", strings.Contains(name, "🌻"))
		mark("quote", strings.Contains(name, `"`))
		paths := map[any]int{}
		for _, s := range u["licenseAssignmentStates"].([]any) {
			m := s.(map[string]any)
			paths[m["skuId"]]++
			found[m["error"].(string)]++
			found[m["state"].(string)]++
			mark("disabled plans", len(m["disabledPlans"].([]any)) > 0)
		}
		for _, n := range paths {
			mark("direct and group", n == 2)
		}
		mark("states omit", len(paths) < held)
	}
	for _, what := range []string{"none", "several", "guest with licence", "shared with licence", "disabled with licence", "no usage location", "apostrophe", "umlaut", "cjk", "emoji", "quote",
		"disabled plans", "direct and group", "states omit", "CountViolation", "ProhibitedInUsageLocationViolation", "MutuallyExclusiveViolation", "UniquenessViolation", "Active", "ActiveWithError", "Error"} {
		if found[what] == 0 {
			t.Errorf("nobody with: %s", what)
		}
	}
}
