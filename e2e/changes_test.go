package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// notesOf are the notes of a feed's newest evidence.
func (u *unseen) notesOf(t *testing.T, feed string) string {
	t.Helper()
	teststack.Drain(t, u.c)
	all, err := inventories(t.Context(), u.db)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all[u.tenant.ID].evidence[feed].notes, "; ")
}

// TestChangesOfTheTenant lets people and Microsoft change what is not everyday life: a SKU
// goes, a deleted user comes back, a user and the tenant itself are renamed, and values come
// that nobody has documented. Each is kept as it came, in the stream and in every answer,
// and the run's evidence names it once.
func TestChangesOfTheTenant(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 200)
	u.collect()
	u.agree(t, "before")
	before := u.last()
	const dropped, odd = "VISIOCLIENT", "SPE_E5"
	var holder *person
	for _, id := range before.order {
		if p := before.users[id]; holder == nil && p.Type == "Member" && p.holds(before.idOf(odd)) {
			holder = p
		}
	}
	u.login()
	type gone struct {
		ID string `json:"id"`
	}
	back := list[gone](u.oracle, "/directory/deletedItems/microsoft.graph.user?$select=id")[0].ID
	const state, fault, status = "PendingInput<script>", `Brand"New"Violation`, "GracePeriod"
	u.sim.Advance(1)
	for _, e := range []graphsim.Edit{
		graphsim.DropSKU(dropped), graphsim.RestoreUser(back), graphsim.RenameUser(holder.ID, "somebody.else"),
		graphsim.RenameTenant("Contoso & Daughters", "daughters.example"),
		graphsim.AssignmentState(holder.ID, odd, state, fault), graphsim.SKUStatus("PROJECTPROFESSIONAL", status),
	} {
		if err := u.sim.Edit(u.tenant.ID, e); err != nil {
			t.Fatal(err)
		}
	}
	seq := u.nats.LastSeq(t)
	u.collect()
	domain := u.tenant.Domain
	u.tenant.Domain, u.tenant.Name = "daughters.example", "Contoso & Daughters"
	u.agree(t, "after")

	renamed, now := 0, u.last()
	for id, p := range now.users {
		if old := before.users[id]; old != nil && old.UPN != p.UPN {
			renamed++
		}
	}
	paths := len(now.users[holder.ID].pathsOf[before.idOf(odd)])
	unknown := "%s has a value that is not known, kept as it came: %q, %d times"
	said := map[string][]string{
		"skus":          {fmt.Sprintf(`SKU no longer listed: %q (%s)`, dropped, before.idOf(dropped)), fmt.Sprintf(unknown, "subscribedSkus.capabilityStatus", status, 1)},
		"subscriptions": {fmt.Sprintf(unknown, "subscriptions.status", status, 1)},
		"organization":  {fmt.Sprintf("default domain changed: %q to %q", domain, "daughters.example"), `name of the organization changed: "Contoso" to "Contoso & Daughters"`},
		"users": {
			fmt.Sprintf("principal names changed: %d", renamed),
			fmt.Sprintf(unknown, "licenseAssignmentStates.state", state, paths), fmt.Sprintf(unknown, "licenseAssignmentStates.error", fault, paths),
		},
		"deleted_users": {"users restored from the recycle bin: 1"},
	}
	for feed, notes := range said {
		for _, note := range notes {
			if got := u.notesOf(t, feed); !strings.Contains(got, note) {
				t.Errorf("evidence of %s: %q lacks %q", feed, got, note)
			}
		}
	}
	u.verbatim(t, seq, holder.ID, before.idOf(dropped), state, fault)
	u.checkEvents(t, before) // the licences of the SKU that went are removed

	seq = u.nats.LastSeq(t)
	u.collect()
	for _, m := range messages(t, u.nats, seq) {
		if m.kind != string(schemas.KindRun) {
			t.Errorf("nothing has changed since: %s %s", m.op, m.subject)
		}
	}
	u.agree(t, "nothing has changed since")
	for feed, once := range map[string]string{"organization": "changed", "users": "principal names", "skus": "no longer listed", "deleted_users": "restored"} {
		if got := u.notesOf(t, feed); strings.Contains(got, once) {
			t.Errorf("%s is told again: %q", feed, got)
		}
	}
}

// idOf is the id of the SKU with a part number.
func (r *reading) idOf(part string) string {
	for _, s := range r.skus {
		if s.Part == part {
			return s.ID
		}
	}
	return ""
}

// verbatim holds the stream's own records of what changed.
func (u *unseen) verbatim(t *testing.T, after uint64, user, sku, state, fault string) {
	t.Helper()
	var record struct {
		States []path `json:"licenseAssignmentStates"`
	}
	deleted := false
	for _, m := range messages(t, u.nats, after) {
		if strings.HasSuffix(m.subject, ".user."+user) {
			if err := schemas.Decode(m.body, &record); err != nil {
				t.Fatal(err)
			}
		}
		deleted = deleted || m.op == "delete" && strings.HasSuffix(m.subject, ".sku."+sku)
	}
	kept := 0
	for _, p := range record.States {
		if p.State == state && p.fault() == fault {
			kept++
		}
	}
	if kept == 0 || !deleted {
		t.Errorf("the record has the paths %+v; the SKU is deleted: %v", record.States, deleted)
	}
}
