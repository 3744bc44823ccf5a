package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
)

var dailyColumns = []string{"report", "day", "people", "concealed"}

// daily counts what the simulator lists of days, as daily-activity answers: byDay has the
// lines of onDay.
func daily(byDay map[string][]string) (want []string) {
	type key struct{ report, day string }
	people, concealed := map[key]int{}, map[key]int{}
	for _, lines := range byDay {
		for _, l := range lines {
			f := strings.SplitN(l, " ", 3)
			k := key{strings.Trim(f[0], `"`), strings.Trim(f[1], `"`)}
			people[k]++
			if strings.HasSuffix(l, " true") {
				concealed[k]++
			}
		}
	}
	for k, n := range people {
		want = append(want, line(k.report, k.day, n, concealed[k]))
	}
	return want
}

// TestQuestionsBesideSingleDays asks everything about use while single days of the past and
// every new day are read as well: the verdicts are those of the reports' periods, and the
// days are counted as the simulator lists them.
func TestQuestionsBesideSingleDays(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 120)
	const back = 8 // as many as one run may read
	u.connectors[0].Backfill, u.connectors[0].DailyReports = new(back), true
	byDay := map[string][]string{}
	found := map[string]int{}
	for day := range 4 {
		hidden := day == 3
		u.change(t, func(sw *graphsim.Switches) { sw.ConcealNames = hidden })
		u.collect()
		when := u.day()
		for n := 2; n <= back; n++ {
			date := u.sim.Now().AddDate(0, 0, -n).Format(time.DateOnly)
			if byDay[date] == nil {
				byDay[date] = u.onDay(date)
			}
		}
		for reason, n := range u.agree(t, when) {
			if !hidden {
				found[reason] += n
			}
		}
		for _, limit := range []int{1, 400} {
			u.checkVerdicts(t, fmt.Sprintf("%s, %d days", when, limit), ask(t, u.db, "unused-licences",
				map[string]string{"tenant": u.tenant.ID, "days": fmt.Sprint(limit)}), limit, map[string]int{})
		}
		same(t, when+", daily-activity", lines(t, ask(t, u.db, "daily-activity", map[string]string{"tenant": u.tenant.ID}), dailyColumns), daily(byDay))
		u.sim.Advance(1)
	}
	expect(t, "beside single days", found, []string{"active", "inactive", "never used", "no report covers this SKU"}, []string{"names concealed"})
	if n := len(daily(byDay)); n < 2*back {
		t.Errorf("only %d days to compare", n)
	}
}

// TestKilledWhileDaysAreRead kills a producer with kill -9 while it reads days of the past,
// once or twice: the next one reads what is missing, publishes nothing twice, and every day
// is counted right. Each seed prints one line.
func TestKilledWhileDaysAreRead(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute; go test without -short runs it")
	}
	t.Parallel()
	n := teststack.StartNATS(t)
	ch := tables(t, n)
	c, _ := n.Consume(t, consumer.Config{}, ch.Conn)
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			sim, list := teststack.StartSimAt(t, time.Now(), graphsim.TenantConfig{Domain: fmt.Sprintf("d%d.onmicrosoft.com", seed), Seed: seed + 1, Users: 400})
			s := stoppedOn(t, n, seed, false, sim, list[0])
			const back, lag = 8, 2
			s.c.Backfill = new(back)
			at := []moment{{"(date=", 1 + s.rng.IntN(back-lag)}}
			if seed%2 == 1 {
				at = append(at, moment{"(date=", 1 + s.rng.IntN(back-lag)})
			}
			s.run(at...)
			teststack.Drain(t, c)
			o := newOracle(t, sim, sim.Tenants()[0])
			o.login()
			byDay := map[string][]string{}
			for n := lag + 1; n <= back; n++ { // the newest is the report itself
				date := sim.Now().AddDate(0, 0, -n).Format(time.DateOnly)
				byDay[date] = slices.DeleteFunc(o.onDay(date), func(l string) bool { return !strings.HasPrefix(l, `"`+dayReports[0]) })
			}
			want := daily(byDay)
			if len(want) < 3 {
				t.Errorf("only %d days with rows", len(want))
			}
			same(t, "daily-activity", lines(t, ask(t, ch.Conn, "daily-activity", map[string]string{"tenant": s.tenant}), dailyColumns), want)
			twice(t, &days{nats: n})
		})
	}
}

// TestBulkReadsGiveWay: every request to Graph of every feed says that it gives way to
// people; nothing else that Graph is told of the caller leaks to where reports are fetched.
func TestBulkReadsGiveWay(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 40)
	u.change(t, func(sw *graphsim.Switches) { sw.Roles = append(graphsim.DefaultRoles(), optionalRoles...) })
	u.connectors[0].Reports = []string{"getOffice365ActiveUserDetail", "getMicrosoft365CopilotUsageUserDetail", "getOffice365ActiveUserCounts", "getOffice365ActivationCounts"}
	u.connectors[0].Backfill = new(3)
	var mu sync.Mutex
	asked := map[string]bool{}
	u.sim.Observe(func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		graph := strings.HasPrefix(r.URL.Path, "/v1.0/") || strings.HasPrefix(r.URL.Path, "/beta/")
		if graph {
			asked[r.URL.RequestURI()] = true
		}
		if got := r.Header.Get("x-ms-throttle-priority"); graph != (got == "low") {
			t.Errorf("%s: priority %q", r.URL.Path, got)
		}
		if strings.HasPrefix(r.URL.Path, "/download/") && r.Header.Get("Authorization") != "" {
			t.Error("a token is sent to where reports are fetched")
		}
	})
	u.run(0)
	mu.Lock()
	defer mu.Unlock()
	for _, part := range []string{
		"/organization", "/subscribedSkus", "/directory/subscriptions", "/groups?", "/members?", "/users?", "/directory/deletedItems/microsoft.graph.user",
		"signInActivity", "/admin/reportSettings", "/copilot/reports/", "getOffice365ActiveUserDetail(period=", "getOffice365ActiveUserDetail(date=",
		"getOffice365ActiveUserCounts(", "getOffice365ActivationCounts",
	} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(asked)), func(uri string) bool { return strings.Contains(uri, part) }) {
			t.Errorf("nothing was asked of %s: %v", part, asked)
		}
	}
}
