package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// threeTenants differ in size; what changes in a tenant of that size changes every fourth
// day or more often.
var threeTenants = []graphsim.TenantConfig{
	{Domain: "contoso.onmicrosoft.com", Seed: 11, Users: 600},
	{Domain: "fabrikam.onmicrosoft.com", Seed: 12, Users: 120},
	{Domain: "northwind.onmicrosoft.com", Seed: 13, Users: 60},
}

// firstDay of collection: with it, the changes of the simulated days 4 and 8 lie in the
// five days that follow, and those of day 4 reach the reports, which lag by two days.
const (
	firstDay  = 3
	movedDays = 5
)

// days is a simulator with its oracles and a producer that reads it day after day.
type days struct {
	t          *testing.T
	sim        *graphsim.Server
	nats       *teststack.NATS
	runner     *producer.Runner
	connectors []producer.Connector
	oracles    []*oracle
}

func startDays(t *testing.T, tenants ...graphsim.TenantConfig) *days {
	t.Helper()
	d := &days{t: t, nats: teststack.StartNATS(t)}
	d.sim, d.connectors = teststack.StartSim(t, tenants...)
	d.sim.Advance(firstDay)
	d.runner = &producer.Runner{JS: d.nats.JS, Stores: d.nats.Stores, Log: teststack.Log(t), Now: teststack.SimClock(d.sim)}
	d.oracles = newOracles(t, d.sim)
	return d
}

// run collects one tenant and returns the evidence of the whole run.
func (d *days) run(i int) *schemas.Run {
	d.t.Helper()
	ev, err := d.runner.Run(d.t.Context(), d.connectors[i])
	if err != nil {
		d.t.Fatalf("run of %s: %v", d.connectors[i].Tenant, err)
	}
	return ev
}

// collect reads every tenant, product and oracle both, and expects complete runs.
func (d *days) collect() {
	d.t.Helper()
	for i, o := range d.oracles {
		if ev := d.run(i); ev.Status != schemas.RunComplete {
			d.t.Fatalf("day %d, %s: %s: %v", d.sim.Day(), o.tenant.Domain, ev.Status, ev.Notes)
		}
		o.read(d.sim)
	}
}

// day names the simulated day in messages.
func (d *days) day() string { return fmt.Sprintf("day %d", d.sim.Day()) }

func TestTablesEqualTheSimulator(t *testing.T) {
	t.Parallel()
	d := startDays(t, threeTenants...)
	ch := tables(t, d.nats)
	c, stop := d.nats.Consume(t, consumer.Config{Linger: 20 * time.Millisecond}, ch.Conn)
	for moved := range movedDays + 1 {
		if moved > 0 {
			d.sim.Advance(1)
		}
		d.collect()
		teststack.Drain(t, c)
		for _, o := range d.oracles {
			compare(t, d.day(), ch.Conn, o)
		}
	}
	for _, o := range d.oracles {
		o.assertLife()
	}
	rawCounts(t, "after the last day", d.nats, ch.Conn)

	before := d.nats.LastSeq(t)
	d.collect() // a day on which nothing changed
	for _, m := range messages(t, d.nats, before) {
		if m.kind != string(schemas.KindRun) {
			t.Errorf("unchanged day: published %s %s", m.op, m.subject)
		}
	}
	teststack.Drain(t, c)
	for _, o := range d.oracles {
		compare(t, "unchanged day", ch.Conn, o)
	}
	stop()
	t.Run("replayed", func(t *testing.T) { d.replayed(t) })
}

// replayed stores the whole stream in empty tables: they answer as the first ones do.
func (d *days) replayed(t *testing.T) {
	empty := tables(t, d.nats)
	c := consumer.New(consumer.Config{Grid: 700}, consumer.Deps{
		JS: d.nats.JS, DB: empty.Conn, Leases: d.nats.Stores.Leases, Cursors: d.nats.Stores.Cursors, Log: teststack.Log(t),
	})
	rows, err := c.Replay(t.Context(), consumer.Range{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := d.nats.LastSeq(t); uint64(rows) != want {
		t.Errorf("replayed %d rows of %d records", rows, want)
	}
	for _, o := range d.oracles {
		compare(t, "replayed", empty.Conn, o)
	}
	rawCounts(t, "replayed", d.nats, empty.Conn)
}

// assertLife fails where the days brought nothing to compare: joiners, leavers, renamed
// people, those whose suite was exchanged, and a report that still had the old name.
func (o *oracle) assertLife() {
	o.t.Helper()
	seen := map[string]int{}
	for i, now := range o.readings[1:] {
		before := o.readings[i]
		for id, u := range now.users {
			old := before.users[id]
			switch {
			case old == nil:
				seen["joined"]++
			case old.UPN != u.UPN:
				seen["renamed"]++
				seen["old name in a report"] += o.inReport(i+1, old.UPN)
				seen["new name in a report"] += o.inReport(len(o.readings)-1, u.UPN)
			}
			if old != nil && strings.Join(old.held, " ") != strings.Join(u.held, " ") {
				seen["reassigned"]++
			}
		}
		for id := range before.users {
			if now.users[id] == nil {
				seen["left"]++
			}
		}
	}
	for _, what := range []string{"joined", "left", "renamed", "reassigned", "old name in a report", "new name in a report"} {
		if seen[what] == 0 {
			o.t.Errorf("%s: in %d days nobody %s", o.tenant.Domain, len(o.readings), what)
		}
	}
}

// inReport is 1 where the active users report of a reading has the name.
func (o *oracle) inReport(reading int, upn string) int {
	for _, r := range o.readings[reading].reports["getOffice365ActiveUserDetail"].rows {
		if strings.EqualFold(r["User Principal Name"], upn) {
			return 1
		}
	}
	return 0
}

func TestLicenceEvents(t *testing.T) {
	t.Parallel()
	d := startDays(t, threeTenants...)
	d.collect()
	for _, m := range messages(t, d.nats, 0) {
		if m.kind == string(schemas.KindLicence) {
			t.Fatalf("the baseline published %s", m.subject)
		}
	}
	total := map[string]int{}
	for range movedDays {
		before := d.nats.LastSeq(t)
		d.sim.Advance(1)
		d.collect()
		got := map[string][]string{}
		for _, m := range messages(t, d.nats, before) {
			if m.kind != string(schemas.KindLicence) {
				continue
			}
			tenant, event := event(t, m)
			got[tenant] = append(got[tenant], event)
			total[strings.Fields(event)[0]]++
		}
		for _, o := range d.oracles {
			want := changes(o.readings[len(o.readings)-2], o.last())
			if len(want) > 0 || len(got[o.tenant.ID]) > 0 {
				same(t, d.day()+", "+o.tenant.Domain, got[o.tenant.ID], want)
			}
		}
	}
	for _, what := range []string{"assigned", "removed"} {
		if total[what] < 2*len(d.oracles) {
			t.Errorf("only %d licences were %s: %v", total[what], what, total)
		}
	}
}

// event reads a licence record: whose tenant, and the change as the oracle writes it.
func event(t *testing.T, m message) (tenant, text string) {
	t.Helper()
	var body struct {
		User   string `json:"userId"`
		SKU    string `json:"skuId"`
		Change string `json:"change"`
	}
	if err := json.Unmarshal(m.body, &body); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(m.subject, ".")
	if want := body.User + "_" + body.SKU; parts[3] != want || m.op != "upsert" {
		t.Errorf("%s with op %s is about %s", m.subject, m.op, want)
	}
	return parts[1], body.Change + " " + body.User + " " + body.SKU
}

func TestUnusedLicencesDefinition(t *testing.T) {
	t.Parallel()
	d := startDays(t, threeTenants...)
	ch := tables(t, d.nats)
	c, _ := d.nats.Consume(t, consumer.Config{Linger: 20 * time.Millisecond}, ch.Conn)
	found := map[string]int{}
	for moved := range movedDays + 1 {
		if moved > 0 {
			d.sim.Advance(1)
		}
		d.collect()
		if moved > 0 && moved < movedDays {
			continue // the days between only make history
		}
		teststack.Drain(t, c)
		for _, o := range d.oracles {
			for _, limit := range []int{1, 90, 400} {
				o.checkVerdicts(t, fmt.Sprintf("%s, %s, %d days", d.day(), o.tenant.Domain, limit), ask(t, ch.Conn, "unused-licences",
					map[string]string{"tenant": o.tenant.ID, "days": fmt.Sprint(limit)}), limit, found)
			}
		}
	}
	for _, what := range []string{
		"active", "inactive", "never used", "no activity in 180 days", "no report covers this SKU", "no row for the person", "reports reach back 180 days only",
		"account disabled", "guest account", "held for less than 30 days",
	} {
		if found[what] == 0 {
			t.Errorf("no holder shows: %s (%v)", what, found)
		}
	}
}

// checkVerdicts compares state and dates, and that a reason is one that holds.
func (o *oracle) checkVerdicts(t *testing.T, when string, rows []row, limit int, found map[string]int) {
	t.Helper()
	same(t, when, lines(t, rows, unusedColumns), o.unused(limit))
	verdicts := map[[2]string]verdict{}
	for _, v := range o.verdicts(limit) {
		verdicts[[2]string{v.user, v.sku}] = v
	}
	for _, r := range rows {
		v, reason := verdicts[[2]string{r.text("user_id"), r.text("sku_id")}], r.text("reason")
		found[v.state]++
		holds := false
		switch {
		case v.state == "unknown":
			for _, doubt := range v.doubts {
				holds = holds || strings.HasPrefix(reason, doubt)
			}
			reason, _, _ = strings.Cut(reason, ":")
		case v.state == "never used":
			holds = reason == fmt.Sprintf("no activity since it was assigned %d days before the report", daysBetween(v.since, v.anchor))
		case v.last == "":
			holds = reason == "no activity in 180 days"
		default:
			holds = reason == fmt.Sprintf("last active %d days before the report", daysBetween(v.last, v.anchor))
		}
		found[reason]++
		if !holds {
			t.Errorf("%s: %s %s is %s because %q, oracle: %q", when, v.user, v.sku, v.state, r.text("reason"), v.doubts)
		}
	}
}
