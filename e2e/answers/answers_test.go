package answers

import (
	"sync/atomic"
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// tests are the worlds, by name.
var tests = map[string]func(*world){}

func TestAnswers(t *testing.T) {
	ch := teststack.StartClickHouse(t)
	w := newWorld(t, ch) // what Microsoft says of plans is the same for all worlds
	w.refer("plan_supersedes", row{"service_plan_id": exchange2, "supersedes": exchange1, "note": "Exchange Online Plan 2 over Plan 1"})
	w.refer("plan_traits", row{"service_plan_id": foundation, "foundation": true, "covered_by": "", "family": "Exchange"})
	for id, name := range map[string]string{exchange1: "EXCHANGE_S_STANDARD", exchange2: "EXCHANGE_S_ENTERPRISE", teams: "TEAMS1", apps: "OFFICESUBSCRIPTION", defender: "WINDEFATP", visio: "VISIO_CLIENT_SUBSCRIPTION"} {
		w.refer("plan_names", row{"service_plan_id": id, "plan_name": name, "friendly_name": name, "source": "shipped", "imported_at": "2026-01-01 00:00:00"})
	}
	w.refer("downgrades", row{"from_sku": skuID("E5"), "to_sku": skuID("E3"), "kind": "E5-E3", "note": ""})
	w.refer("downgrades", row{"from_sku": skuID("E3"), "to_sku": skuID("E1"), "kind": "E3-E1", "note": ""})
	w.refer("downgrades", row{"from_sku": skuID("O3"), "to_sku": skuID("F3"), "kind": "E3-F3", "note": ""})
	w.flush()
	var ran atomic.Int32
	t.Run("of", func(t *testing.T) { // ends when all of them have
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ran.Add(1)
				test(newWorld(t, ch))
			})
		}
	})
	if int(ran.Load()) < len(tests) {
		return // only some were chosen
	}
	for _, q := range schemas.Queries() {
		if _, ok := asked.Load(q.Name); !ok && !q.Internal {
			t.Errorf("no world made by hand answers %s", q.Name)
		}
	}
}
