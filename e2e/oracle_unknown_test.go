package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// TestUnknownIsNotUnused takes from licences that nobody uses what the verdict rests on, as
// tenants have been seen to lack it: a column of the report, the dates of assignment. The
// simulator has no such tenant, so the records are published again without.
func TestUnknownIsNotUnused(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 300)
	u.collect()
	teststack.Drain(t, u.c)
	var unused []verdict
	users := map[string]bool{}
	for _, v := range u.verdicts(90) {
		if v.state == "inactive" && !users[v.user] && u.last().needed(u.last().users[v.user], v.sku)["Teams"] {
			users[v.user], unused = true, append(unused, v)
		}
	}
	if len(unused) < 3 {
		t.Fatalf("only %d unused licences", len(unused))
	}
	noColumn, noDate, as := unused[0], unused[1], unused[2]

	u.amendReport(t, noColumn, func(dates map[string]any) { delete(dates, "Teams Last Activity Date") })
	u.amendReport(t, noDate, func(dates map[string]any) {
		maps.DeleteFunc(dates, func(column string, _ any) bool { return strings.HasSuffix(column, "License Assign Date") })
	})
	u.amend(t, func(m message, _ map[string]any) bool { return strings.HasSuffix(m.subject, ".user."+noDate.user) },
		func(body map[string]any) { delete(body, "licenseAssignmentStates") })
	teststack.Drain(t, u.c)

	want := map[[2]string][2]string{
		{noColumn.user, noColumn.sku}: {"unknown", "no row for the person: Teams"},
		{noDate.user, noDate.sku}:     {"unknown", "held for less than 30 days"}, // seen first a few days ago
		{as.user, as.sku}:             {"inactive", ""},
	}
	for _, r := range ask(t, u.db, "unused-licences", map[string]string{"tenant": u.tenant.ID}) {
		w, ok := want[[2]string{r.text("user_id"), r.text("sku_id")}]
		if ok && (r.text("state") != w[0] || w[1] != "" && r.text("reason") != w[1]) {
			t.Errorf("%s is %s because %q, not %s because %q", r.text("user_principal_name"), r.text("state"), r.text("reason"), w[0], w[1])
		}
	}
	for _, r := range ask(t, u.db, "last-use", map[string]string{"tenant": u.tenant.ID}) {
		if r.text("user_id") == noColumn.user && r.text("workload") == "Teams" {
			t.Errorf("a report without the column says of Teams: %v", r)
		}
	}
}

// amendReport changes the dates of a person's row in the active users report.
func (u *unseen) amendReport(t *testing.T, v verdict, change func(dates map[string]any)) {
	t.Helper()
	upn := u.last().users[v.user].UPN
	u.amend(t, func(m message, body map[string]any) bool {
		name, _ := body["userPrincipalName"].(string)
		return strings.Contains(m.subject, ".report.getOffice365ActiveUserDetail.") && strings.EqualFold(name, upn)
	}, func(body map[string]any) {
		dates, ok := body["dates"].(map[string]any)
		if !ok {
			t.Fatalf("row without dates: %v", body)
		}
		change(dates)
	})
}

// amend publishes the one record that matches once more, changed.
func (u *unseen) amend(t *testing.T, match func(message, map[string]any) bool, change func(map[string]any)) {
	t.Helper()
	found := 0
	for _, m := range messages(t, u.nats, 0) {
		var body map[string]any
		dec := json.NewDecoder(bytes.NewReader(m.body))
		dec.UseNumber()
		if err := dec.Decode(&body); err != nil {
			t.Fatal(err)
		}
		if !match(m, body) {
			continue
		}
		found++
		change(body)
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		id := m.header.Get(schemas.HeaderID) + "+9"
		m.header.Set(schemas.HeaderID, id)
		m.header.Set(schemas.HeaderMsgID, id)
		maps.DeleteFunc(m.header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-Batch-") })
		if _, err := u.nats.JS.PublishMsg(t.Context(), &nats.Msg{Subject: m.subject, Header: m.header, Data: text}); err != nil {
			t.Fatal(err)
		}
	}
	if found != 1 {
		t.Fatalf("%d records to amend, not one", found)
	}
}
