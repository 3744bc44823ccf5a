package graphsim

import "strconv"

// Kinds of group, by who belongs to them.
const (
	groupLicence = iota // everybody to whom the group gives a licence
	groupDepartment
	groupStaff
	groupTeam // a run of neighbouring indices
)

// teamSize is how many neighbouring indices make one team.
const teamSize = 40

// group is a directory group. Its members are found by asking each person, or
// by index for a team, and never stored.
type group struct {
	id, name, slug string
	kind           int
	sku            int // of a licence group
	dept           int // of a department group
	first, last    int // index range of a team, last excluded
	created        int
	rule           string
	synced         bool
}

// licensedSKUs are those given out through groups, with the group's name.
var licensedSKUs = []struct {
	sku  int
	name string
	rule string
}{
	{skuE3, "LIC-M365-E3", `(user.employeeType -eq "office")`},
	{skuE5, "LIC-M365-E5", ""},
	{skuF3, "LIC-M365-F3", `(user.employeeType -eq "frontline")`},
	{skuE1, "LIC-O365-E1", ""},
	{skuCopilot, "LIC-Copilot", ""},
	{skuVisio, "LIC-Visio-Plan2", ""},
	{skuPowerBIPro, "LIC-PowerBI-Pro", ""},
}

func (w *world) makeGroups() []group {
	var out []group
	add := func(g group) {
		h := mix(w.seed ^ saltGroup + uint64(len(out)))
		g.id, g.created = guid(h), -200-int(h%1800)
		out = append(out, g)
	}
	for _, l := range licensedSKUs {
		add(group{name: l.name, kind: groupLicence, sku: l.sku, rule: l.rule})
	}
	for i, d := range departments {
		add(group{name: "All " + d.name, slug: "all-" + d.centre, kind: groupDepartment, sku: -1, dept: i, synced: true})
	}
	add(group{name: "All Staff", kind: groupStaff, sku: -1, rule: `(user.accountEnabled -eq true) and (user.userType -eq "Member")`})
	teams := min(max(2, w.users/teamSize), 2000)
	for t := range teams {
		n := strconv.Itoa(t + 1)
		add(group{name: "Project " + n, slug: "project-" + n, kind: groupTeam, sku: -1, first: t * teamSize, last: min((t+1)*teamSize, w.users)})
	}
	return out
}

// has tells whether the person belongs to the group.
func (g *group) has(p *person) bool {
	switch g.kind {
	case groupLicence:
		for i := range p.holds {
			if h := &p.holds[i]; h.sku == g.sku && h.viaGroup {
				return true
			}
		}
		return false
	case groupDepartment:
		return p.dept == &departments[g.dept]
	case groupStaff:
		return p.kind == kindMember && p.enabled
	default:
		return p.idx >= g.first && p.idx < g.last && (p.kind == kindMember || p.kind == kindGuest)
	}
}

// span is the range of indices among which the members are.
func (w *world) span(g *group, day int) (first, end int) {
	if g.kind == groupTeam {
		return g.first, g.last
	}
	return 0, w.end(day)
}

// groupFor is the licensed group of a SKU, or nil.
func (w *world) groupFor(sku int) *group {
	for i := range licensedSKUs {
		if w.groups[i].sku == sku {
			return &w.groups[i]
		}
	}
	return nil
}

func (w *world) groupByID(id string) *group {
	for i := range w.groups {
		if w.groups[i].id == id {
			return &w.groups[i]
		}
	}
	return nil
}

// tally is what one pass over all people counts for one day.
type tally struct {
	users    int
	consumed [skuCount]int
	members  []int // of the groups that are not teams, by position
}

// count returns the tally of the day, making one pass over the tenant when it
// is not at hand. Only one caller counts at a time.
func (w *world) count(day int) *tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.tally[day]; t != nil {
		return t
	}
	t := &tally{members: make([]int, len(w.groups))}
	var p person
	for i := w.next(0, day); i >= 0; i = w.next(i+1, day) {
		w.fill(&p, i, day)
		t.users++
		for h := range p.holds {
			if p.holds[h].held() {
				t.consumed[p.holds[h].sku]++
			}
		}
		for g := range w.groups {
			if w.groups[g].kind == groupTeam {
				break // teams come last and are counted by their own range
			}
			if w.groups[g].has(&p) {
				t.members[g]++
			}
		}
	}
	for old := range w.tally {
		if old != 0 && old != day && len(w.tally) > 8 {
			delete(w.tally, old)
		}
	}
	w.tally[day] = t
	return t
}

// stock is what the tenant has bought of a SKU, in units.
type stock struct {
	status                     string
	enabled, suspended, warned int
	consumed                   int
}

// stockOf is fixed by the use at day 0: later joiners and leavers move what is
// consumed and not what was bought.
func (w *world) stockOf(sku, day int) stock {
	first := w.count(0).consumed[sku]
	s := stock{status: "Enabled", consumed: w.count(day).consumed[sku]}
	switch sku {
	case skuProject:
		s.enabled = first * 9 / 10 // over-allocated
	case skuCopilot:
		s.enabled = first // used up: further members of the group get an error
	case skuVisio:
		s.status, s.warned = "Warning", first+3
	case skuOldE3:
		s.status, s.suspended = "Suspended", first+5
	case skuFlow:
		s.enabled = 10_000
	case skuPowerBIFree:
		s.enabled = 1_000_000
	case skuTeamsTrial:
		s.enabled = first + 100
	case skuStorage:
		s.enabled, s.consumed = 500, 1
	default:
		s.enabled = (first + max(2, first*12/100) + 4) / 5 * 5
	}
	if e := w.edits.Load(); e != nil && e.status[sku] != "" {
		s.status = e.status[sku]
	}
	return s
}
