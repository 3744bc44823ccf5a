package answers

import (
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
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
	w.flush()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t, ch))
		})
	}
}
