package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// months is a number of tenants over some time, each with troubles of its own, read again and
// again by product and oracle.
type months struct {
	*days
	readings int            // how often each tenant is read
	found    map[string]int // how often the answers gave each state and reason
}

// trouble is what goes wrong in a tenant at a reading.
type trouble struct {
	conceal, noReports bool
	lag                int // days that the newest report is old
	noUsers, noSKUs    bool
	noApps             bool // the report on apps is refused
	passing            bool // what a retry gets over
}

// troubles of tenant i at reading n: ten kinds, in sixths of the time.
func (m *months) troubles(i, n int) trouble {
	t, sixth, last := trouble{lag: 2}, n*6/m.readings, n == m.readings-1
	if n == 0 {
		return t // nothing is known of before
	}
	switch i % 10 {
	case 0: // a listing that breaks off
		t.noUsers = n%4 == 2 || last
	case 1:
		t.conceal = sixth == 1 || sixth == 2 || sixth == 5
	case 2: // long enough for the reports to grow old
		t.noReports = sixth >= 1 && sixth <= 4
	case 3:
		t.noSKUs = n%4 == 1 || last
	case 4: // nothing
	case 5:
		t.noApps = sixth >= 2
	case 6:
		if sixth == 3 || sixth == 4 {
			t.lag = 12
		}
	case 7:
		t.passing = true
	case 8:
		t.conceal = sixth < 3
	case 9:
		t.lag = 2 + n%3
		t.noUsers, t.noSKUs, t.noApps, t.conceal, t.passing = n%11 == 1, n%11 == 3, n%11 == 5, n%11 == 7, n%11 == 9
	}
	return t
}

// prices of the tests: one that rises, one of another currency, one that ends, one of a
// tenant's own. Visio and Power BI Pro have none.
const prices = `tenant,sku,price,currency,term,from,to
all,SPE_E3,36.4,EUR,annual,2025-01-01,
all,SPE_E3,39.15,EUR,annual,2026-03-20,
all,SPE_E5,57.0001,EUR,annual,2025-01-01,
all,SPE_F1,7.5,EUR,annual,2025-01-01,
all,STANDARDPACK,8,USD,annual,2025-01-01,
all,SPB,20.6,EUR,monthly,2025-01-01,
all,Microsoft_365_Copilot,28.1,USD,annual,2025-01-01,
all,PROJECTPROFESSIONAL,25.3,EUR,annual,2025-01-01,2026-03-25
all,ENTERPRISEPACK,21.7,EUR,annual,2025-01-01,
all,EMS,9.9,EUR,annual,2025-01-01,
all,SHAREPOINTSTORAGE,0.2,EUR,annual,2025-01-01,
all,FLOW_FREE,0,EUR,annual,2025-01-01,
month1.example,SPE_E3,31.25,GBP,annual,2026-03-10,
`

// TestMonths holds the answers about many tenants against those of as many oracles, now and as
// of days that have passed, read every third day: in full 20 tenants over 61 days, in short 4 over
// 16. What happens between two readings comes to both at once.
func TestMonths(t *testing.T) {
	t.Parallel()
	const step = 3
	tenants, most, readings, points, past := 4, 120, 6, []int{5}, []int{2, 5}
	if os.Getenv("SEATSTREAM_TEST_FULL") != "" {
		points = []int{6, 13, 20}
		tenants, most, readings, past = 20, 300, 21, points
	}
	m := startMonths(t, tenants, most, readings)
	ch := tables(t, m.nats)
	c, _ := m.nats.Consume(t, consumer.Config{Linger: 20 * time.Millisecond}, ch.Conn)
	m.priced(ch.Conn)
	var dates []string
	var collecting, comparing time.Duration
	compared := 0
	for n := range readings {
		began := time.Now()
		if n > 0 {
			m.sim.Advance(step)
		}
		dates = append(dates, m.sim.Now().Format(time.DateOnly))
		m.collect(n)
		if n == readings/3 {
			m.spare(ch.Conn)
		}
		collecting += time.Since(began)
		if began = time.Now(); slices.Contains(points, n) {
			teststack.Drain(t, c)
			compared += m.compare(t, ch.Conn, "")
			comparing += time.Since(began)
		}
	}
	m.oneConsumer()
	began := time.Now()
	for _, n := range past {
		compared += m.compare(t, ch.Conn, dates[n])
	}
	m.assertTroubles()
	t.Logf("%d tenants, read %d times in %d days: %s; compared %d times now %s, as of %d days %s: %d lines",
		tenants, readings, step*(readings-1)+1, collecting.Round(time.Second), len(points), comparing.Round(time.Second), len(past), time.Since(began).Round(time.Second), compared)
}

func startMonths(t *testing.T, tenants, most, readings int) *months {
	t.Helper()
	var list []graphsim.TenantConfig
	for i := range tenants {
		list = append(list, graphsim.TenantConfig{Domain: fmt.Sprintf("month%d.example", i), Seed: uint64(700 + i), Users: 60 + (i*77)%(most-59)})
	}
	return &months{days: startDays(t, list...), readings: readings, found: map[string]int{}}
}

// collect reads every tenant once: the product under what goes wrong, the oracle without,
// and then it forgets what the product could not see.
func (m *months) collect(n int) {
	m.t.Helper()
	for i, o := range m.oracles {
		w := m.troubles(i, n)
		err := m.sim.Switch(o.tenant.ID, func(sw *graphsim.Switches) {
			sw.ConcealNames, sw.ReportLagDays, sw.Roles = w.conceal, w.lag, graphsim.DefaultRoles()
			if w.noReports {
				sw.Roles = slices.DeleteFunc(sw.Roles, func(r string) bool { return r == "Reports.Read.All" })
			}
		})
		if err != nil {
			m.t.Fatal(err)
		}
		m.faults(o.tenant.ID, w)
		ev := m.run(i)
		m.sim.ClearFaults()
		r := o.read(m.sim)
		if w.noApps {
			delete(r.reports, "getM365AppUserDetail")
		}
		if before := len(o.readings) - 2; before >= 0 {
			if w.noSKUs {
				r.skus, r.oldSKUs = o.readings[before].skus, true
			}
			if w.noUsers {
				o.readings[before+1] = r.cut(0, o.readings[before])
			}
		}
		if want := o.last().status(); ev.Status != want {
			m.t.Errorf("%s, %s: the run is %s, not %s: %v", m.day(), o.tenant.Domain, ev.Status, want, ev.Notes)
		}
	}
}

// oneConsumer checks that runs leave none behind: the server takes a thousand to a stream.
func (m *months) oneConsumer() {
	m.t.Helper()
	stream, err := m.nats.JS.Stream(m.t.Context(), schemas.StreamM365.Name)
	if err != nil {
		m.t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Consumers; n != 1 {
		m.t.Errorf("%d consumers of the stream, not that of the tables alone", n)
	}
}

// faults makes the simulator behave.
func (m *months) faults(tenant string, w trouble) {
	on := func(match string) *graphsim.Rule { return m.sim.On(match).Tenant(tenant) }
	if w.noUsers {
		on("GET /users").Do(graphsim.Truncate(300))
	}
	if w.noSKUs {
		on("GET /subscribedSkus").Do(graphsim.Status(403, ""))
	}
	if w.noApps {
		on("GET /reports/getM365AppUserDetail").Do(graphsim.Status(403, ""))
	}
	if w.passing {
		on("GET /users").Times(1).Do(graphsim.Throttle("0.01"))
		on("GET /groups").Times(1).Do(graphsim.ExpireToken())
		on("GET /reports/getOffice365ActiveUserDetail").Times(1).Do(graphsim.Throttle("0.01"))
		on("GET /download/getM365AppUserDetail").Times(1).Do(graphsim.ExpireDownload())
	}
}

// priced gives product and oracles the price list.
func (m *months) priced(db driver.Conn) {
	m.t.Helper()
	ids := map[string]string{}
	for _, o := range m.oracles {
		ids[o.tenant.Domain], o.offers = o.tenant.ID, offers(prices)
	}
	find, err := catalogue.PartNumbers(m.t.Context(), db)
	if err != nil {
		m.t.Fatal(err)
	}
	list, err := catalogue.ReadPrices(strings.NewReader(prices), catalogue.Lookup{SKU: find, Tenant: func(name string) (string, error) { return ids[name], nil }}, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	if err := catalogue.StorePrices(m.t.Context(), db, list, "test", m.sim.Now()); err != nil {
		m.t.Fatal(err)
	}
}

// spare leaves some licences of every tenant alone, some of them for a few days.
func (m *months) spare(db driver.Conn) {
	m.t.Helper()
	for i, o := range m.oracles {
		o.today = m.sim.Now().Format(time.DateOnly)
		n := 0
		for _, s := range o.seats(90) {
			if !s.reclaim() || n == 4 || slices.ContainsFunc(o.spared, func(p spared) bool { return p.user == s.user }) {
				continue
			}
			n++
			until := m.sim.Now().AddDate(0, 0, 5+100*(n%2))
			e := catalogue.Exclusion{Tenant: o.tenant.ID, User: s.user, SKU: schemas.AllTenants, Tag: "leave", Reason: fmt.Sprint("away ", i), Until: &until}
			mine := spared{tenant: o.tenant.Domain, user: s.user, why: "leave: " + e.Reason, made: o.today, until: until.Format(time.DateOnly)}
			if n > 2 {
				e.SKU, mine.part = s.sku, s.of.Part
			}
			if _, err := catalogue.Exclude(m.t.Context(), db, e, m.sim.Now()); err != nil {
				m.t.Fatal(err)
			}
			o.spared = append(o.spared, mine)
		}
	}
}

// compare holds the answers about all tenants at once against those of all oracles: now, or
// as of a past day.
func (m *months) compare(t *testing.T, db driver.Conn, asOf string) (compared int) {
	t.Helper()
	when, oracles := m.day()+", now", make([]*oracle, len(m.oracles))
	for i, o := range m.oracles {
		if oracles[i] = o.asOf(time.Now().UTC().Format(time.DateOnly)); asOf != "" {
			oracles[i], when = o.asOf(asOf), m.day()+", as of "+asOf
		}
	}
	asked := map[string][]row{}
	check := func(query string, columns []string, answer func(*oracle) []string, params ...string) {
		t.Helper()
		values := map[string]string{"as_of": asOf}
		for _, p := range params {
			name, value, _ := strings.Cut(p, "=")
			values[name] = value
		}
		var want []string
		for _, o := range oracles {
			for _, l := range answer(o) {
				want = append(want, line(o.tenant.ID)+" "+l)
			}
		}
		if compared += len(want); len(want) == 0 {
			t.Errorf("%s, %s: the oracle has nothing to compare", when, query)
		}
		key := query + " " + strings.Join(params, " ")
		if asked[key] == nil {
			asked[key] = ask(t, db, query, values)
		}
		same(t, when+", "+key, lines(t, asked[key], append([]string{"tenant_id"}, columns...)), want)
	}
	check("licence-holders", holderColumns, (*oracle).holders)
	check("assignment-paths", pathColumns, (*oracle).paths)
	check("assignment-errors", failedColumns, (*oracle).failed)
	check("licence-position", positionColumns[2:], (*oracle).positionsOnly)
	check("licence-position", unusedMoneyColumns, (*oracle).unusedMoney)
	check("reconciliation", reconciliationColumns, (*oracle).reconciled)
	check("unused-licences", pricedColumns, func(o *oracle) []string { return o.priced("") })
	for _, o := range oracles {
		mine := slices.DeleteFunc(slices.Clone(asked["unused-licences "]), func(r row) bool { return r.text("tenant_id") != o.tenant.ID })
		o.checkVerdicts(t, when+", "+o.tenant.Domain, mine, 90, m.found)
	}
	check("inactive-licences", pricedColumns, func(o *oracle) []string { return o.priced("inactive") })
	check("use-summary", summaryColumns, func(o *oracle) []string { return o.summary(90) })
	check("overlaps", overlapColumns, (*oracle).overlapping)
	asked["coverage "] = slices.DeleteFunc(ask(t, db, "coverage", map[string]string{"as_of": asOf}), func(r row) bool { return !strings.HasPrefix(r.text("feed"), "get") })
	check("coverage", []string{"feed", "report_date", "unmatched_rows"}, (*oracle).unmatched)
	for _, by := range []string{"sku", "department", "person"} {
		check("cost", costColumns, func(o *oracle) []string { return o.costs(by) }, "by="+by)
	}
	return compared
}

// positionsOnly is positions without the tenant's two columns.
func (o *oracle) positionsOnly() (lines []string) {
	head := line(o.tenant.ID, o.tenant.Domain) + " "
	for _, l := range o.positions() {
		lines = append(lines, strings.TrimPrefix(l, head))
	}
	return lines
}

// assertTroubles fails where the time brought nothing of what the comparison is about.
func (m *months) assertTroubles() {
	m.t.Helper()
	found := m.found
	for i, o := range m.oracles {
		for _, r := range o.readings {
			for _, l := range o.asOf(r.date).reconciled() {
				for _, class := range []string{"company-level SKU", "listing incomplete", "different runs"} {
					if strings.Contains(l, class) {
						found[class]++
					}
				}
			}
		}
		found["overlap"] += len(o.overlapping())
		found["failed"] += len(o.failed())
		found["excluded"] += len(o.spared)
		m.t.Logf("%s, %d users: trouble %d", o.tenant.Domain, len(o.last().users), i%10)
	}
	wanted := []string{
		"active", "inactive", "never used", "unknown", "report late", "names concealed", "no row for the person", "listing of users incomplete",
		"account disabled", "held for less than 30 days", "no report covers this SKU",
		"company-level SKU", "listing incomplete", "different runs", "overlap", "failed", "excluded",
	}
	if m.readings > 6 {
		wanted = append(wanted, "guest account")
	}
	for _, what := range wanted {
		m.t.Logf("%s: %d", what, found[what])
		if found[what] == 0 {
			m.t.Errorf("nothing shows: %s", what)
		}
	}
}
