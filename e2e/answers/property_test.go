package answers

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func init() { tests["properties of any world"] = properties }

// properties hold for whatever a tenant looks like: every holder is in one state, every
// residual has a class, the parts of a cost add up to the bill however it is grouped, and an
// answer as of a day is the one that was given on that day. Prices stay: one that is corrected
// later corrects the past too.
func properties(w *world) {
	t, ok := w.t.(*testing.T)
	if !ok {
		w.t.Fatal("not a test")
	}
	checks := 0
	rapid.Check(t, func(r *rapid.T) {
		if checks++; checks > 3 { // each asks a dozen questions
			return
		}
		v := newWorld(t, w.ch)
		v.generate(r)
		v.on("2026-03-02")
		v.collected()
		first := lines(t, v.ask("licence-position"), positionOf)
		v.addsUp()
		v.closes("country")
		v.on("2026-04-02")
		v.generate(r)
		v.collected()
		v.addsUp()
		v.want(v.ask("licence-position", "as_of=2026-03-02"), positionOf, first...)
		v.want(v.ask("licence-position", "as_of=2026-04-02"), positionOf, lines(t, v.ask("licence-position"), positionOf)...)
	})
}

const positionOf = "sku enabled consumed holders active inactive never_used unknown unassigned assignable over_allocated unused_cost currency"

// generate adds SKUs and people with any figures, licences and use.
func (w *world) generate(r *rapid.T) {
	names := []string{"E5", "E3", "E1", "COPILOT", "VISIO", "STORAGE"}
	for i, name := range names {
		units := rapid.IntRange(0, 12)
		w.sku(name, units.Draw(r, "enabled"), units.Draw(r, "consumed"), row{"warning_units": units.Draw(r, "warning")})
		w.price(name, fmt.Sprintf("%d.35", 5*i), []string{"EUR", "USD"}[i%2], "2025-01-01")
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
}

// addsUp checks that states add up to holders, and that residuals are classified.
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
	for _, r := range w.ask("reconciliation") {
		if class, _ := r["class"].(string); class == "" || (count(r, "residual") == 0) != (class == "none") && class != "not subscribed" {
			w.t.Errorf("%v: residual %v is %q", r["sku"], r["residual"], class)
		}
	}
}
