package graphsim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Edit is something that somebody or Microsoft changed in a tenant over what its seed says,
// made by the functions below. It holds from the simulated day on which it is made. Its JSON
// form is the one the control endpoint reads.
type Edit struct {
	Kind   string `json:"kind"`
	SKU    string `json:"sku,omitempty"`  // part number
	User   string `json:"user,omitempty"` // id
	Name   string `json:"name,omitempty"`
	Domain string `json:"domain,omitempty"`
	State  string `json:"state,omitempty"`
	Error  string `json:"error,omitempty"`
}

// DropSKU lets a SKU be listed no longer: its subscriptions are deleted and nobody holds it.
func DropSKU(part string) Edit { return Edit{Kind: "drop_sku", SKU: part} }

// SKUStatus gives a SKU and its subscriptions any status.
func SKUStatus(part, status string) Edit { return Edit{Kind: "sku_status", SKU: part, State: status} }

// RestoreUser takes a deleted user out of the recycle bin.
func RestoreUser(id string) Edit { return Edit{Kind: "restore_user", User: id} }

// RenameUser gives a user another local part of the principal name. Reports follow with their
// lag.
func RenameUser(id, local string) Edit { return Edit{Kind: "rename_user", User: id, Name: local} }

// RenameTenant gives the organization another name and default domain. Principal names stay.
func RenameTenant(name, domain string) Edit {
	return Edit{Kind: "rename_tenant", Name: name, Domain: domain}
}

// AssignmentState gives every path of a user's licence any state and error.
func AssignmentState(id, part, state, err string) Edit {
	return Edit{Kind: "assignment_state", User: id, SKU: part, State: state, Error: err}
}

// LateUse lets an eighth of those who use something turn out to have used it on the newest
// day of the reports as well: rows are issued again under the same refresh date.
func LateUse() Edit { return Edit{Kind: "late_use"} }

// edits are all edits of a tenant, never changed in place.
type edits struct {
	gone     map[int]int // SKU, and since which day
	restored map[int]bool
	renamed  map[int]renaming
	status   map[int]string       // of SKUs
	states   map[[2]int][2]string // person and SKU: state and error, escaped for JSON
	late     []int                // days of use that came in late
	name     string
	domain   string
}

type renaming struct {
	since int
	local string
}

// Edit changes a tenant, named by domain or id.
func (s *Server) Edit(tenant string, e Edit) error {
	t := s.tenant(tenant)
	if t == nil {
		return fmt.Errorf("edit tenant %q: not simulated", tenant)
	}
	if err := t.edit(e, s.Day()); err != nil {
		return fmt.Errorf("edit tenant %s: %s: %w", t.info.Domain, e.Kind, err)
	}
	return nil
}

func (t *tenant) edit(e Edit, day int) error {
	lag := t.current().ReportLagDays
	w := t.world
	w.mu.Lock()
	defer w.mu.Unlock()
	next := edits{}
	if old := w.edits.Load(); old != nil {
		next = *old
	}
	sku, user, err := w.targets(e, day)
	if err != nil {
		return err
	}
	switch e.Kind {
	case "drop_sku":
		next.gone = with(next.gone, sku, day)
	case "sku_status":
		next.status = with(next.status, sku, e.State)
	case "restore_user":
		if !w.recentlyGone(user, day) {
			return fmt.Errorf("user %s is not in the recycle bin", e.User)
		}
		next.restored = with(next.restored, user, true)
	case "rename_user":
		next.renamed = with(next.renamed, user, renaming{day, e.Name})
	case "assignment_state":
		next.states = with(next.states, [2]int{user, sku}, [2]string{quoted(e.State), quoted(e.Error)})
	case "rename_tenant":
		next.name, next.domain = e.Name, e.Domain
	case "late_use":
		next.late = append(slices.Clone(next.late), day-lag)
	default:
		return errors.New("no such edit")
	}
	w.edits.Store(&next)
	maps.DeleteFunc(w.tally, func(counted int, _ *tally) bool { return counted >= day })
	return nil
}

// quoted escapes a text for JSON, without the quotes.
func quoted(s string) string {
	b := appendJSONString(nil, s)
	return string(b[1 : len(b)-1])
}

func with[K comparable, V any](m map[K]V, key K, value V) map[K]V {
	out := maps.Clone(m)
	if out == nil {
		out = map[K]V{}
	}
	out[key] = value
	return out
}

// targets finds the SKU and the user that an edit names.
func (w *world) targets(e Edit, day int) (sku, user int, err error) {
	if e.SKU != "" {
		if sku = slices.IndexFunc(products[:], func(p product) bool { return p.part == e.SKU }); sku < 0 {
			return 0, 0, fmt.Errorf("no SKU %q", e.SKU)
		}
	}
	if e.User == "" {
		return sku, 0, nil
	}
	var p person
	var id [36]byte
	for i := range w.end(day) {
		p.h = mix(w.seed ^ mix(uint64(i)+1))
		if string(w.appendID(id[:0], &p)) == e.User {
			return sku, i, nil
		}
	}
	return 0, 0, fmt.Errorf("no user %q", e.User)
}

// lacks tells whether a SKU is no longer the tenant's on a day.
func (w *world) lacks(sku, day int) bool {
	e := w.edits.Load()
	if e == nil {
		return false
	}
	since, ok := e.gone[sku]
	return ok && since <= day
}

// wasRestored tells whether an index was taken out of the recycle bin.
func (w *world) wasRestored(i int) bool {
	e := w.edits.Load()
	return e != nil && e.restored[i]
}

// dropGone takes away what the tenant no longer has.
func (w *world) dropGone(p *person) {
	if e := w.edits.Load(); e == nil || len(e.gone) == 0 {
		return
	}
	p.holds = slices.DeleteFunc(p.holds, func(h holding) bool { return w.lacks(h.sku, p.day) })
}

// renamedTo is the local part that a person was given, empty for none.
func (w *world) renamedTo(p *person) string {
	if e := w.edits.Load(); e != nil {
		if r := e.renamed[p.idx]; r.since <= p.day {
			return r.local
		}
	}
	return ""
}

// addLate adds the use that came in late, as the report of a day shows it.
func (w *world) addLate(a *activity, p *person, day, until int) {
	e := w.edits.Load()
	if e == nil || !p.enabled {
		return
	}
	for _, late := range e.late {
		if late > day || late > until || late < p.created || mix(p.h^saltLate^uint64(late))%8 != 0 {
			continue
		}
		for l := range a.last {
			if a.last[l] != none && 1<<l != useSkype && a.last[l] < late {
				a.last[l] = late
				a.days[l]++
			}
		}
	}
}
