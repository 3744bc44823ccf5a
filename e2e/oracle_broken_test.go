package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// What cannot be seen must not be answered: concealed names, a listing that breaks off and
// reports that are not permitted make holders unknown, and nobody inactive.

// unseen is one tenant with its tables.
type unseen struct {
	*days
	*oracle
	db driver.Conn
	c  *consumer.Consumer
}

func startUnseen(t *testing.T, users int) *unseen {
	t.Helper()
	d := startDays(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 21, Users: users})
	ch := tables(t, d.nats)
	c, _ := d.nats.Consume(t, consumer.Config{Linger: 20 * time.Millisecond}, ch.Conn)
	return &unseen{days: d, oracle: d.oracles[0], db: ch.Conn, c: c}
}

// agree compares all answers with the oracle's and returns how often each state and
// reason was given.
func (u *unseen) agree(t *testing.T, when string) map[string]int {
	t.Helper()
	teststack.Drain(t, u.c)
	compare(t, when, u.db, u.oracle)
	found := map[string]int{}
	u.checkVerdicts(t, when, ask(t, u.db, "unused-licences", map[string]string{"tenant": u.tenant.ID}), 90, found)
	return found
}

// expect fails where a state or reason was given though it must not be, or was not.
func expect(t *testing.T, when string, found map[string]int, some, none []string) {
	t.Helper()
	for _, what := range some {
		if found[what] == 0 {
			t.Errorf("%s: nobody is %q: %v", when, what, found)
		}
	}
	for _, what := range none {
		if found[what] > 0 {
			t.Errorf("%s: %d are %q: %v", when, found[what], what, found)
		}
	}
}

// evidence returns the newest run record of a feed.
func (u *unseen) evidence(t *testing.T, feed string) row {
	t.Helper()
	teststack.Drain(t, u.c)
	rows := ask(t, u.db, "runs", map[string]string{"tenant": u.tenant.ID, "feed": feed})
	if len(rows) == 0 {
		t.Fatalf("no evidence of %s", feed)
	}
	return rows[0]
}

func (u *unseen) change(t *testing.T, f func(*graphsim.Switches)) {
	t.Helper()
	if err := u.sim.Switch(u.tenant.ID, f); err != nil {
		t.Fatal(err)
	}
}

// TestNamesConcealed hides names, shows them and hides them again. While they are hidden
// nobody is judged by them; shown again, they are judged by what is known; and any time later
// each day is answered as it was then.
func TestNamesConcealed(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 120)
	u.connectors[0].Backfill, u.connectors[0].DailyReports = new(4), true
	then := map[string][]string{} // the answer of each day
	for i, hidden := range []bool{true, false, true} {
		when := fmt.Sprintf("round %d, names concealed %v", i, hidden)
		u.change(t, func(sw *graphsim.Switches) { sw.ConcealNames = hidden })
		u.collect()
		found := u.agree(t, when)
		rows := fmt.Sprint(u.evidence(t, "getOffice365ActiveUserDetail")["concealed_rows"])
		if hidden {
			expect(t, when, found, []string{"names concealed", "no report covers this SKU"}, []string{"active", "inactive"})
			if want := fmt.Sprint(len(u.last().reports["getOffice365ActiveUserDetail"].rows)); rows != want {
				t.Errorf("%s: evidence says %s concealed rows of %s", when, rows, want)
			}
		} else {
			expect(t, when, found, []string{"active", "inactive"}, []string{"names concealed"})
			if rows != "0" {
				t.Errorf("%s: evidence says %s concealed rows", when, rows)
			}
		}
		then[u.last().date] = u.unused(90)
		u.sim.Advance(1)
	}
	for day, want := range then {
		same(t, "later, as of "+day, lines(t, ask(t, u.db, "unused-licences", map[string]string{"tenant": u.tenant.ID, "as_of": day}), unusedColumns), want)
	}
	shown := false
	// Rows that were read while names were hidden stay so: no name is guessed for them.
	for _, r := range askSQL(t, u.db, `SELECT toString(r.report_date) AS day, r.concealed AS hidden, r.user_principal_name IN (
	SELECT user_principal_name FROM m365.user_changes) AS joined, count() AS n FROM m365.reports AS r FINAL WHERE r.report LIKE '%-daily' GROUP BY day, hidden, joined`) {
		hidden, joined := fmt.Sprint(r["hidden"]) == "true", fmt.Sprint(r["joined"]) != "0"
		shown = shown || joined
		if hidden && joined {
			t.Errorf("rows of %s: %v", r.text("day"), r)
		}
	}
	if !shown {
		t.Error("no row of a single day was read while names were shown")
	}
}

// pageOfUsers is how many users the product asks for at once, the most that Graph gives.
const pageOfUsers = 999

func TestIncompleteListing(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, pageOfUsers+200)

	u.breakOff(t, nil) // nothing is known of before
	found := u.agree(t, "first listing broken off")
	expect(t, "first listing broken off", found, []string{"active", "listing of users incomplete"}, []string{"inactive"})

	u.readings = nil
	u.collect()
	expect(t, "first listing complete", u.agree(t, "first listing complete"), []string{"inactive"}, []string{"listing of users incomplete"})
	if ev := u.evidence(t, "users"); ev.text("status") != "complete" {
		t.Errorf("evidence of the users: %v", ev)
	}
	for _, m := range messages(t, u.nats, 0) {
		if m.kind == string(schemas.KindLicence) {
			t.Fatalf("published before the first complete listing ended: %s", m.subject)
		}
	}

	u.sim.Advance(1) // brings leavers
	before := u.last()
	whole := u.breakOff(t, before)
	found = u.agree(t, "later listing broken off")
	expect(t, "later listing broken off", found, []string{"active", "listing of users incomplete"}, []string{"inactive"})
	if left := len(gone(before, whole)); left == 0 {
		t.Error("nobody left: the day shows nothing about deletes")
	}

	seq := u.nats.LastSeq(t)
	u.readings = u.readings[:1]
	u.collect()
	expect(t, "complete again", u.agree(t, "complete again"), []string{"inactive"}, []string{"listing of users incomplete"})
	var deleted []string
	for _, m := range messages(t, u.nats, seq) {
		if m.kind == string(schemas.KindUser) && m.op == "delete" {
			deleted = append(deleted, strings.Split(m.subject, ".")[3])
		}
	}
	same(t, "deletes of the complete listing", deleted, gone(before, u.last()))
	u.checkEvents(t, before)
}

// breakOff lets the second page of users fail and checks what the run says of itself. It
// leaves the oracle with what the run could see and returns what there was to be seen.
func (u *unseen) breakOff(t *testing.T, before *reading) (whole *reading) {
	t.Helper()
	seq := u.nats.LastSeq(t)
	u.sim.On("GET /users").After(1).Do(graphsim.Truncate(3000))
	all := u.run(0)
	u.sim.ClearFaults()
	if all.Status != schemas.RunIncomplete || !slices.Equal(all.Notes, []string{"users: incomplete: the answer breaks off"}) {
		t.Errorf("the run is %s: %v", all.Status, all.Notes)
	}
	whole = u.read(u.sim)
	u.readings[len(u.readings)-1] = whole.cut(pageOfUsers, before)
	for _, m := range messages(t, u.nats, seq) {
		if m.kind == string(schemas.KindUser) && m.op == "delete" {
			t.Errorf("an incomplete listing published a delete: %s", m.subject)
		}
	}
	ev := u.evidence(t, "users")
	if ev.text("status") != "incomplete" || fmt.Sprint(ev["deleted"]) != "0" || fmt.Sprint(ev["entities"]) != fmt.Sprint(pageOfUsers) || ev.text("message") == "" {
		t.Errorf("evidence of the users: %v", ev)
	}
	return whole
}

// gone lists the users of one reading that another no longer has.
func gone(before, after *reading) (ids []string) {
	for id := range before.users {
		if after.users[id] == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// checkEvents compares all licence records so far with what changed since the baseline,
// however many runs it took to see it.
func (u *unseen) checkEvents(t *testing.T, baseline *reading) {
	t.Helper()
	var got []string
	for _, m := range messages(t, u.nats, 0) {
		if m.kind == string(schemas.KindLicence) {
			_, text := event(t, m)
			got = append(got, text)
		}
	}
	want := changes(baseline, u.last())
	if len(want) == 0 {
		t.Error("no licence changed: the day shows nothing about events")
	}
	same(t, "licence records of two runs", got, want)
}

func TestReportMissing(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 120)
	permit := func(reports bool) {
		u.change(t, func(sw *graphsim.Switches) {
			sw.Roles = graphsim.DefaultRoles()
			if !reports {
				sw.Roles = slices.DeleteFunc(sw.Roles, func(r string) bool { return r == "Reports.Read.All" })
			}
		})
	}
	refused := func(when string) map[string]int {
		t.Helper()
		permit(false)
		if all := u.run(0); all.Status != schemas.RunIncomplete || !allUnavailable(all.Notes) {
			t.Errorf("%s: the run is %s: %v", when, all.Status, all.Notes)
		}
		u.read(u.sim)
		for feed := range reportPaths {
			ev := u.evidence(t, feed)
			if ev.text("status") != "unavailable" || !strings.Contains(ev.text("remedy"), "Reports.Read.All") {
				t.Errorf("%s: evidence of %s: %v", when, feed, ev)
			}
		}
		return u.agree(t, when)
	}
	none := []string{"active", "inactive"}
	expect(t, "never permitted", refused("never permitted"), []string{"report not collected", "no report covers this SKU"}, none)

	permit(true)
	u.sim.Advance(1)
	u.collect()
	expect(t, "permitted", u.agree(t, "permitted"), []string{"active", "inactive"}, []string{"report not collected", "report late"})

	// What was read yesterday still holds, and says of which day it is.
	u.sim.Advance(1)
	expect(t, "withdrawn", refused("withdrawn"), []string{"active", "inactive"}, []string{"report late"})

	// It does not for ever: the last report that could be read is no evidence of today.
	u.sim.Advance(9)
	expect(t, "withdrawn for long", refused("withdrawn for long"), []string{"report late"}, []string{"inactive"})
}

// allUnavailable tells whether a run's notes name every report as not to be had.
func allUnavailable(notes []string) bool {
	for feed := range reportPaths {
		if !slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, feed+": unavailable") }) {
			return false
		}
	}
	return true
}
