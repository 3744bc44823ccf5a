package e2e

import (
	"fmt"
	"maps"
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

// dayReports are the reports of the shipped queries that Graph gives by date.
var dayReports = []string{"getOffice365ActiveUserDetail", "getM365AppUserDetail"}

// optionalRoles are granted beside the four.
var optionalRoles = []string{"AuditLog.Read.All", "ReportSettings.Read.All"}

const (
	dailySQL = `SELECT report, toString(report_date) AS day, lower(user_principal_name) AS upn, concealed FROM m365.reports FINAL
WHERE tenant_id = toUUID('%s') AND report LIKE '%%-daily'`
	deletedSQL = `SELECT toString(user_id) AS id, user_principal_name, toString(deleted_at) AS gone FROM m365.deleted_users FINAL WHERE tenant_id = toUUID('%s')`
	signInSQL  = `SELECT toString(user_id) AS id, toString(last_sign_in_at) AS last, toString(last_non_interactive_sign_in_at) AS other,
toString(last_successful_sign_in_at) AS success FROM m365.sign_ins FINAL WHERE tenant_id = toUUID('%s')`
)

// tableTime is a time of Graph's as the tables render it, nil for none.
func tableTime(t *testing.T, text string) any {
	t.Helper()
	if text == "" || strings.HasPrefix(text, "0001-") {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().Format("2006-01-02 15:04:05.000")
}

// compareFeeds holds deleted users and sign-ins against what the simulator lists now.
func compareFeeds(t *testing.T, when string, db driver.Conn, o *oracle) {
	t.Helper()
	o.login()
	type signIn struct {
		ID       string `json:"id"`
		Activity *struct {
			Last    string `json:"lastSignInDateTime"`
			Other   string `json:"lastNonInteractiveSignInDateTime"`
			Success string `json:"lastSuccessfulSignInDateTime"`
		} `json:"signInActivity"`
	}
	var want []string
	for _, s := range list[signIn](o, "/users?$top=50&$select=id,signInActivity") {
		if s.Activity == nil {
			want = append(want, line(s.ID, nil, nil, nil))
			continue
		}
		want = append(want, line(s.ID, tableTime(t, s.Activity.Last), tableTime(t, s.Activity.Other), tableTime(t, s.Activity.Success)))
	}
	same(t, when+", "+o.tenant.Domain+", sign_ins", lines(t, askSQL(t, db, fmt.Sprintf(signInSQL, o.tenant.ID)), []string{"id", "last", "other", "success"}), want)
	type gone struct {
		ID   string `json:"id"`
		UPN  string `json:"userPrincipalName"`
		Date string `json:"deletedDateTime"`
	}
	want = nil
	for _, u := range list[gone](o, "/directory/deletedItems/microsoft.graph.user?$top=7&$select=id,userPrincipalName,deletedDateTime") {
		want = append(want, line(u.ID, u.UPN, tableTime(t, u.Date)))
	}
	same(t, when+", "+o.tenant.Domain+", deleted_users",
		lines(t, askSQL(t, db, fmt.Sprintf(deletedSQL, o.tenant.ID)), []string{"id", "user_principal_name", "gone"}), want)
}

// onDay reads a day of every report as the simulator gives it now.
func (o *oracle) onDay(day string) (out []string) {
	o.t.Helper()
	for _, report := range dayReports {
		rows, _ := o.reportOf("/reports/" + report + "(date=" + day + ")")
		for _, r := range rows {
			upn := r["User Principal Name"]
			out = append(out, line(report+"-daily", day, strings.ToLower(upn), concealedName.MatchString(upn)))
		}
	}
	return out
}

// TestThirtyDays is a month of daily runs: the first finds a month of history to read by
// day, on two days nobody collects, for two days Microsoft's reports are late, and on the
// second of these some of their rows are issued again.
func TestThirtyDays(t *testing.T) {
	t.Parallel()
	d := startDays(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 31, Users: 60},
		graphsim.TenantConfig{Domain: "fabrikam.onmicrosoft.com", Seed: 32, Users: 40})
	late := 2 // days that the newest report is old
	lag := func(days int) {
		late = days
		for _, o := range d.oracles {
			if err := d.sim.Switch(o.tenant.ID, func(sw *graphsim.Switches) {
				sw.ReportLagDays, sw.Roles = days, append(graphsim.DefaultRoles(), optionalRoles...)
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	lag(2)
	for i := range d.connectors {
		d.connectors[i].Backfill = new(28)
	}
	ch := tables(t, d.nats)
	c, _ := d.nats.Consume(t, consumer.Config{Linger: 20 * time.Millisecond}, ch.Conn)

	// What is to be read by day: a day's rows, as they are while Graph still offers them.
	byDay, newest := map[string]map[string][]string{}, map[string]bool{}
	offered := func() {
		for _, o := range d.oracles {
			o.login()
			if byDay[o.tenant.ID] == nil {
				byDay[o.tenant.ID] = map[string][]string{}
			}
			for n := late; n <= 28; n++ {
				day := d.sim.Now().AddDate(0, 0, -n).Format(time.DateOnly)
				if _, ok := byDay[o.tenant.ID][day]; !ok {
					byDay[o.tenant.ID][day] = o.onDay(day)
				}
			}
		}
	}
	offered()
	for day := range 30 {
		if day > 0 {
			d.sim.Advance(1)
		}
		switch day {
		case 12, 13: // nobody collects
			continue
		case 20, 21: // the reports of day 19 stay the newest, and some of their rows come again
			lag(2 + day - 19)
			if day == 21 {
				d.reissue()
			}
		case 22:
			lag(2)
		}
		d.collect()
		if day == 21 {
			teststack.Drain(t, c)
			d.reissued(ch.Conn)
		}
		newest[d.oracles[0].last().reports[dayReports[0]].refresh] = true
		if day%7 == 0 || day == 22 {
			teststack.Drain(t, c)
			for _, o := range d.oracles {
				compare(t, d.day(), ch.Conn, o)
				compareFeeds(t, d.day(), ch.Conn, o)
			}
		}
		offered()
	}
	teststack.Drain(t, c)
	d.afterAMonth(ch.Conn, byDay, newest)
	rawCounts(t, "after thirty days", d.nats, ch.Conn)
	twice(t, d)
}

// afterAMonth holds the tables against the last reading, and the days that were read against
// what Graph offered of them; newest are those that were a report's newest when it was read.
func (d *days) afterAMonth(db driver.Conn, byDay map[string]map[string][]string, newest map[string]bool) {
	t := d.t
	t.Helper()
	last := d.sim.Now().AddDate(0, 0, -2).Format(time.DateOnly)
	for _, o := range d.oracles {
		compare(t, "after thirty days", db, o)
		compareFeeds(t, "after thirty days", db, o)
		explained(t, "after thirty days", db, o.tenant.ID, append(slices.Clone(dayReports), "getMicrosoft365CopilotUsageUserDetail", dayReports[0]+"-daily", dayReports[1]+"-daily")...)
		read := maps.Clone(byDay[o.tenant.ID])
		maps.DeleteFunc(read, func(day string, _ []string) bool { return day > last || newest[day] })
		var want []string
		for _, rows := range read {
			want = append(want, rows...)
		}
		if len(read) < 28 || len(want) == 0 {
			t.Errorf("%s: only %d days and %d rows to compare", o.tenant.Domain, len(read), len(want))
		}
		same(t, o.tenant.Domain+", daily-activity", lines(t, ask(t, db, "daily-activity", map[string]string{"tenant": o.tenant.ID}), dailyColumns), daily(read))
		same(t, o.tenant.Domain+", days", lines(t, askSQL(t, db, fmt.Sprintf(dailySQL, o.tenant.ID)), []string{"report", "day", "upn", "concealed"}), want)
	}
}

// reissue lets rows of the newest reports be issued again.
func (d *days) reissue() {
	d.t.Helper()
	for _, o := range d.oracles {
		if err := d.sim.Edit(o.tenant.ID, graphsim.LateUse()); err != nil {
			d.t.Fatal(err)
		}
	}
}

// reissued holds that the rows which came again under the same refresh date, and no other,
// were published by the last run.
func (d *days) reissued(db driver.Conn) {
	d.t.Helper()
	for _, o := range d.oracles {
		before, now := o.readings[len(o.readings)-2], o.last()
		for report, after := range now.reports {
			was := map[string]bool{}
			for _, r := range before.reports[report].rows {
				was[fmt.Sprint(r)] = true
			}
			changed := 0
			for _, r := range after.rows {
				if !was[fmt.Sprint(r)] {
					changed++
				}
			}
			ev := ask(d.t, db, "runs", map[string]string{"tenant": o.tenant.ID, "feed": report})[0]
			if changed == 0 && report == dayReports[0] || before.reports[report].refresh != after.refresh || fmt.Sprint(ev["published"]) != fmt.Sprint(changed) || ev.text("report_date") != after.refresh {
				d.t.Errorf("%s, %s: %d rows came again under %s after %s, evidence %v", d.day(), report, changed, after.refresh, before.reports[report].refresh, ev)
			}
		}
	}
}

// twice fails where a row of a day was published more than once.
func twice(t *testing.T, d *days) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range messages(t, d.nats, 0) {
		if m.kind == string(schemas.KindReport) && strings.Contains(m.subject, "-daily.") {
			if seen[m.subject] {
				t.Errorf("published twice: %s", m.subject)
			}
			seen[m.subject] = true
		}
	}
}

// TestOptionalFeeds: a capability that is absent is named with its remedy and leaves the
// run complete; once granted it is read, and once withdrawn what was read stays.
func TestOptionalFeeds(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 80)
	status := func(when, feed, want, remedy string) {
		t.Helper()
		if ev := u.evidence(t, feed); ev.text("status") != want || !strings.Contains(ev.text("remedy"), remedy) {
			t.Errorf("%s: evidence of %s: %v", when, feed, ev)
		}
	}
	flag := func() string {
		rows := askSQL(t, u.db, "SELECT ifNull(toString(argMax(tuple(display_concealed_names), stream_seq).1), 'unknown') AS f FROM m365.run_changes WHERE feed = 'all'")
		return rows[0].text("f")
	}
	u.collect()
	status("not granted", "sign_ins", "unavailable", "AuditLog.Read.All")
	status("not granted", "report_settings", "unavailable", "ReportSettings.Read.All")
	explained(t, "not granted", u.db, u.tenant.ID)
	if got := flag(); got != "unknown" {
		t.Errorf("not granted: concealment is %s", got)
	}
	u.change(t, func(sw *graphsim.Switches) {
		sw.Roles, sw.Premium = append(graphsim.DefaultRoles(), optionalRoles...), false
	})
	u.collect()
	status("without P1", "sign_ins", "unavailable", "Entra ID P1")
	status("without P1", "report_settings", "complete", "")
	if got := flag(); got != "false" {
		t.Errorf("names are shown, evidence says concealed: %s", got)
	}
	u.change(t, func(sw *graphsim.Switches) { sw.Premium, sw.ConcealNames = true, true })
	u.collect()
	status("granted", "sign_ins", "complete", "")
	compareFeeds(t, "granted", u.db, u.oracle)
	explained(t, "granted", u.db, u.tenant.ID)
	if got := flag(); got != "true" {
		t.Errorf("names are concealed, evidence says %s", got)
	}
	u.change(t, func(sw *graphsim.Switches) { sw.Roles = graphsim.DefaultRoles() })
	u.collect()
	status("withdrawn", "sign_ins", "unavailable", "AuditLog.Read.All")
	if n := fmt.Sprint(askSQL(t, u.db, "SELECT count() AS n FROM m365.sign_ins FINAL")[0]["n"]); n != fmt.Sprint(len(u.last().users)) {
		t.Errorf("withdrawn: %s sign-ins left of %d", n, len(u.last().users))
	}
}
