package answers

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seatstream/seatstream/schemas"
)

func init() { tests["properties of any world"] = properties }

// properties hold for whatever a tenant looks like: every holder is in one state, every
// residual has the class that follows from what was left out, the parts of a cost add up to
// the bill however it is grouped, and an answer as of a day is the one that was given on that
// day. Prices stay: one that is corrected later corrects the past too.
func properties(w *world) {
	t, ok := w.t.(*testing.T)
	if !ok {
		w.t.Fatal("not a test")
	}
	full := os.Getenv("SEATSTREAM_TEST_FULL") != ""
	most, days := 4, []string{"2026-03-02", "2026-04-02"} // each world asks dozens of questions
	if full {
		most, days = 12, append(days, "2026-04-03")
	}
	checks, classes := 0, map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		if checks++; checks > most {
			return
		}
		v := newWorld(t, w.ch)
		v.generated = true
		queries := []string{"licence-position", "unused-licences", "reconciliation"}
		if full && checks == most {
			queries = asOfQueries()
		}
		first := map[string][]string{}
		for _, day := range days {
			v.on(day)
			g := v.generate(r)
			v.collected(g.evidence...)
			v.addsUp()
			v.classified(g, classes)
			v.closes("country")
			for _, q := range queries {
				first[day+q] = v.whole(q, day)
				if !slices.Contains(byTheClock, q) {
					same(t, q+" now and as of today", v.whole(q, ""), first[day+q])
				}
			}
		}
		for key, want := range first {
			day, q := key[:len("2026-03-02")], key[len("2026-03-02"):]
			same(t, q+" as of "+day, v.whole(q, day), want)
		}
	})
	t.Logf("%d worlds, residuals by class: %v", min(checks, most), classes)
	for _, class := range []string{"none", "company-level SKU", "unexplained", "read skew", "listing incomplete"} {
		if classes[class] == 0 && full {
			t.Errorf("no residual is of class %q", class)
		}
	}
}

// byTheClock are the questions whose answer of now depends on the day it is asked.
var byTheClock = []string{"run-out", "trials-and-renewals"}

// asOfQueries are all questions that can be asked about the past.
func asOfQueries() (names []string) {
	for _, q := range schemas.Queries() {
		if !q.Internal && slices.ContainsFunc(q.Params, func(p schemas.Param) bool { return p.Name == "as_of" }) {
			names = append(names, q.Name)
		}
	}
	return names
}

// whole is an answer with all its columns.
func (w *world) whole(query, asOf string) []string {
	w.t.Helper()
	rows := w.ask(query, "as_of="+asOf)
	if len(rows) == 0 {
		return nil
	}
	columns := make([]string, 0, len(rows[0]))
	for c := range rows[0] {
		columns = append(columns, c)
	}
	slices.Sort(columns)
	return lines(w.t, rows, strings.Join(columns, " "))
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s\n got:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// drawn is what was generated, as far as a residual depends on it.
type drawn struct {
	consumed, holders map[string]int // by SKU
	moved             []string
	users, skus       string // status of the feed
	evidence          []evidence
}

// generate adds SKUs and people with any figures, licences and use, and how the run went.
func (w *world) generate(r *rapid.T) drawn {
	names := []string{"E5", "E3", "E1", "COPILOT", "VISIO", "STORAGE"}
	g := drawn{consumed: map[string]int{}, holders: map[string]int{}}
	for i, name := range names {
		units := rapid.IntRange(0, 12)
		g.consumed[name] = units.Draw(r, "consumed")
		w.sku(name, units.Draw(r, "enabled"), g.consumed[name], row{"warning_units": units.Draw(r, "warning")})
		w.price(name, fmt.Sprintf("%d.35", 5*i), []string{"EUR", "USD"}[i%2], "2025-01-01")
		if rapid.IntRange(0, 3).Draw(r, "moved") == 0 {
			g.moved = append(g.moved, skuID(name))
		}
	}
	days := rapid.SampledFrom([]string{"", "2025-10-01", "2026-01-20", "2026-02-27"})
	for i := range rapid.IntRange(1, 8).Draw(r, "people") {
		name, skus := fmt.Sprint("p", i), ""
		for _, s := range names[:5] {
			if rapid.Bool().Draw(r, "holds") {
				skus += " " + s
			}
		}
		w.user(name, skus, row{
			"account_enabled": rapid.SampledFrom([]any{true, true, true, false, nil}).Draw(r, "enabled"),
			"user_type":       rapid.SampledFrom([]string{"Member", "Member", "Guest", ""}).Draw(r, "type"), "country": rapid.SampledFrom([]string{"", "DE"}).Draw(r, "country"),
		})
		if rapid.IntRange(0, 3).Draw(r, "row") > 0 {
			w.used(name, days.Draw(r, "mail"), days.Draw(r, "teams"), days.Draw(r, "apps"), days.Draw(r, "copilot"), days.Draw(r, "assigned"))
		}
	}
	for _, u := range w.users {
		ids, _ := u["sku_ids"].([]string)
		for _, name := range names {
			if slices.Contains(ids, skuID(name)) {
				g.holders[name]++
			}
		}
	}
	g.users = rapid.SampledFrom([]string{"complete", "complete", "incomplete", "failed"}).Draw(r, "listing")
	g.skus = rapid.SampledFrom([]string{"complete", "complete", "failed"}).Draw(r, "SKUs")
	if w.run == 0 {
		g.skus = "complete" // an older run is what different runs are told by
	}
	report := rapid.SampledFrom([]string{"complete", "failed"}).Draw(r, "report")
	g.evidence = []evidence{
		{"users", row{"status": g.users}}, {"skus", row{"status": g.skus}}, {"skus_after", row{"moved_skus": g.moved}},
		{appUsers, row{"status": report, "concealed_rows": rapid.IntRange(0, 2).Draw(r, "concealed")}},
	}
	return g
}

// classified checks the class of every residual against what was generated.
func (w *world) classified(g drawn, classes map[string]int) {
	w.t.Helper()
	var want []string
	for name, consumed := range g.consumed {
		class, residual := "unexplained", consumed-g.holders[name]
		switch {
		case residual == 0:
			class = "none"
		case name == "STORAGE":
			class = "company-level SKU"
		case g.users != "complete":
			class = "listing incomplete"
		case slices.Contains(g.moved, skuID(name)):
			class = "read skew"
		case g.skus != "complete":
			class = "different runs"
		}
		classes[class]++
		want = append(want, fmt.Sprint(skuID(name), " | ", consumed, " | ", g.holders[name], " | ", residual, " | ", class))
	}
	w.want(w.ask("reconciliation"), "sku_id consumed holders residual class", want...)
}

// addsUp checks that states add up to holders.
func (w *world) addsUp() {
	w.t.Helper()
	count := func(r row, column string) int64 {
		n, ok := r[column].(json.Number)
		if !ok {
			w.t.Fatalf("%s is %v", column, r[column])
		}
		i, err := n.Int64()
		if err != nil {
			w.t.Fatal(err)
		}
		return i
	}
	for _, r := range w.ask("licence-position") {
		if sum := count(r, "active") + count(r, "inactive") + count(r, "never_used") + count(r, "unknown"); sum != count(r, "holders") {
			w.t.Errorf("%v: %d of %v holders are in a state", r["sku"], sum, r["holders"])
		}
	}
}
