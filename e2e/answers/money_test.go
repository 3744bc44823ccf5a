package answers

import (
	"encoding/json"
	"math/big"
	"testing"
)

func init() {
	tests["cost"] = cost
}

// cost. E3 at 30 EUR: 10 enabled, 5 consumed, 4 holders: bill 10 x 30 = 300 = active 30 (anna)
// + inactive 30 (bert) + never used 30 (dora) + unknown 30 (dark) + unassigned 5 x 30 + unmatched
// (5 consumed - 4 held) x 30. unproductive = 300 - 30 - 30. bert is excluded: reassignable is
// dora's alone. E1 at 10 USD: 1 enabled, 2 consumed and held: bill 2 x 10. VISIO has no price: 3 seats.
func cost(w *world) {
	w.sku("E3", 10, 5)
	w.sku("E1", 1, 2)
	w.sku("VISIO", 3, 1)
	w.price("E3", "25", "EUR", "2025-01-01") // until the price below
	w.price("E3", "30", "EUR", "2026-01-01")
	w.price("E1", "10", "USD", "2025-01-01")
	sales := row{"department": "Sales", "country": "DE"}
	w.user("anna", "E3 E1", sales)
	w.user("bert", "E3", sales)
	w.user("dora", "E3", row{"unknown": `{"employeeOrgData":{"costCenter":"K7"}}`})
	w.user("dark", "E3 E1 VISIO", row{"department": "IT"})
	w.used("anna", "2026-02-20", "", "", "", "2024-01-01")
	w.used("bert", "", "", "", "", "2024-01-01")
	w.used("dora", "", "", "", "", "2026-01-05")
	w.refer("exclusions", row{
		"exclusion_id": guid(w.id), "tenant_id": w.id, "user_id": guid(w.id + "bert"), "sku_id": skuID("E3"), "tag": "vip", "created_at": "2026-03-02 00:00:00",
	})
	w.collected()
	const money = "part currency seats bill active inactive never_used unknown unassigned unmatched unproductive excluded reassignable_now reducible_at_renewal"
	w.want(w.ask("cost", "as_of=2026-03-02"), money,
		"SPE_E3 | EUR | 10 | 300 | 30 | 30 | 30 | 30 | 150 | 30 | 240 | 30 | 30 | 150",
		"STANDARDPACK | USD | 2 | 20 | 10 | 0 | 0 | 10 | 0 | 0 | 0 | 0 | 0 | 0",
		"VISIOCLIENT |  | 3 | - | - | - | - | - | - | - | - | - | - | -")
	w.want(w.ask("cost", "as_of=2026-03-02", "by=department"), "part currency seats bill active unknown unassigned unmatched",
		"Sales | EUR | 2 | 60 | 30 | 0 | 0 | 0", "Sales | USD | 1 | 10 | 10 | 0 | 0 | 0", "IT | EUR | 1 | 30 | 0 | 30 | 0 | 0", "IT | USD | 1 | 10 | 0 | 10 | 0 | 0",
		"IT |  | 1 | - | - | - | - | -", "(blank) | EUR | 1 | 30 | 0 | 0 | 0 | 0", "(unassigned) | EUR | 5 | 150 | 0 | 0 | 150 | 0",
		"(unassigned) |  | 2 | - | - | - | - | -", "(unmatched) | EUR | 1 | 30 | 0 | 0 | 0 | 30")
	w.want(w.ask("cost", "as_of=2026-03-02", "by=cost-centre"), "part currency bill", "K7 | EUR | 30", "(blank) | EUR | 90", "(blank) | USD | 20", "(blank) |  | -",
		"(unassigned) | EUR | 150", "(unassigned) |  | -", "(unmatched) | EUR | 30")
	w.want(w.ask("cost", "as_of=2026-03-02", "by=nonsense"), "part")
	w.want(w.ask("licence-position", "as_of=2026-03-02"), "sku price", "SPE_E3 | 30", "STANDARDPACK | 10", "VISIOCLIENT | -")
	w.closes("department", "person")
}

// closes checks that the parts of every row add up to its bill, and the rows of every way to
// group to one bill a currency.
func (w *world) closes(ways ...string) {
	w.t.Helper()
	bills := map[string]string{}
	for _, by := range append([]string{"sku"}, ways...) {
		sums := map[string]*big.Rat{}
		for _, r := range w.ask("cost", "as_of="+w.now.Format("2006-01-02"), "by="+by) {
			currency, _ := r["currency"].(string)
			if currency == "" {
				continue
			}
			parts := new(big.Rat)
			for _, c := range []string{"active", "inactive", "never_used", "unknown", "unassigned", "unmatched"} {
				parts.Add(parts, amount(w.t, r[c]))
			}
			if bill := amount(w.t, r["bill"]); parts.Cmp(bill) != 0 {
				w.t.Errorf("by %s, %v: the parts are %s of %s", by, r["part"], parts.FloatString(4), bill.FloatString(4))
			}
			if sums[currency] == nil {
				sums[currency] = new(big.Rat)
			}
			sums[currency].Add(sums[currency], parts)
		}
		for currency, sum := range sums {
			if want := bills[currency]; by != "sku" && want != sum.String() {
				w.t.Errorf("by %s: %s %s, by sku %s", by, currency, sum, want)
			}
			bills[currency] = sum.String()
		}
	}
	if len(bills) == 0 {
		w.t.Error("there is no bill")
	}
}

func amount(t testing.TB, v any) *big.Rat {
	t.Helper()
	n := new(big.Rat)
	switch x := v.(type) {
	case json.Number:
		if _, ok := n.SetString(x.String()); ok {
			return n
		}
	case string:
		if _, ok := n.SetString(x); ok {
			return n
		}
	}
	t.Fatalf("%v (%T) is no amount", v, v)
	return nil
}
