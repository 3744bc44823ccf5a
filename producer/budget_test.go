package producer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// TestRunNowAgainAndAgain: Graph gives a report fourteen times in ten minutes. Who runs a
// connector more often gets an answer all the same: everything but the report is read, the
// evidence says until when the report is put off, and Graph never has to refuse. The runs
// have nothing in common but the limiter.
func TestRunNowAgainAndAgain(t *testing.T) {
	t.Parallel()
	const budget, report = 14, "getOffice365ActiveUserDetail"
	n := teststack.StartNATS(t)
	sim, list := teststack.StartSim(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 1, Users: 12})
	if err := sim.Switch(list[0].Tenant, func(s *graphsim.Switches) { s.EnforceLimits = true }); err != nil {
		t.Fatal(err)
	}
	list[0].Reports = []string{report}
	shared := graph.NewLimiter()
	for press := 1; press <= budget+2; press++ {
		r := newRunner(t, n)
		r.Limiter = shared
		all, err := r.Run(t.Context(), list[0])
		if err != nil {
			t.Fatalf("run %d: %v", press, err)
		}
		if press <= budget {
			if all.Status != schemas.RunComplete {
				t.Fatalf("run %d: %s %q", press, all.Status, all.Notes)
			}
			continue
		}
		notes := strings.Join(all.Notes, "; ")
		_, until, said := strings.Cut(notes, ", until ")
		at, err := time.Parse(time.RFC3339, until)
		if left := time.Until(at); all.Status != schemas.RunIncomplete || !said || err != nil || left < 8*time.Minute || left > 10*time.Minute+time.Second {
			t.Errorf("run %d: %s %q: until %v, %v", press, all.Status, notes, at, err)
		}
		if all.Deleted != 0 || len(all.Notes) != 1 || !strings.HasPrefix(notes, report+": incomplete") {
			t.Errorf("run %d: %d deleted, %q", press, all.Deleted, notes)
		}
	}
	if got := sim.Requests()[sim.Tenants()[0].ID]["GET /reports/"+report]; got != budget {
		t.Errorf("%d requests for the report, want %d", got, budget)
	}
}

// TestThrottledForLong: where Graph asks for a longer wait than a request takes, the feed
// is put off and the rest of the run goes on.
func TestThrottledForLong(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	sim, list := teststack.StartSim(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 1, Users: 12})
	const report = "getOffice365ActiveUserDetail"
	list[0].Reports = []string{report, "getMailboxUsageDetail"}
	r := newRunner(t, n)
	if all, err := r.Run(t.Context(), list[0]); err != nil || all.Status != schemas.RunComplete {
		t.Fatalf("%+v, %v", all, err)
	}
	before := n.LastSeq(t)
	for asked, most := range map[string]time.Duration{"1800.5": 1801 * time.Second, "1e300": time.Hour} {
		rule := sim.On("GET /reports/" + report).Do(graphsim.Throttle(asked))
		r := newRunner(t, n)                                               // with a limiter of its own, that knows of nothing
		r.Now = func() time.Time { return time.Now().Add(21 * time.Hour) } // the report is due
		all, err := r.Run(t.Context(), list[0])
		if err != nil || all.Status != schemas.RunIncomplete || len(all.Notes) != 1 {
			t.Fatalf("Retry-After %s: %+v, %v", asked, all, err)
		}
		at, err := time.Parse(time.RFC3339, all.Notes[0][strings.LastIndexByte(all.Notes[0], ' ')+1:])
		if left := at.Sub(r.Now()); err != nil || left > most+time.Second || left < most-time.Minute {
			t.Errorf("Retry-After %s: put off for %v, %v: %q", asked, left, err, all.Notes)
		}
		if rule.Remove(); rule.Fired() != 1 || all.Deleted != 0 {
			t.Errorf("Retry-After %s: asked %d times, %d deleted", asked, rule.Fired(), all.Deleted)
		}
	}
	for _, m := range stored(t, n.JS) {
		if m.Sequence > before && m.Header.Get(schemas.HeaderOp) == string(schemas.Delete) {
			t.Errorf("deleted %s", m.Subject)
		}
	}
}
