package answer

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// Candidates are the seats that a question names and that may be acted on.
func Candidates(ctx context.Context, db driver.Conn, q *schemas.Query, params map[string]string, v View) ([]catalogue.Recommendation, error) {
	found := &candidates{}
	if _, err := Shown(ctx, db, q, params, v, found); err != nil {
		return nil, fmt.Errorf("query %s: %w", q.Name, err)
	}
	return found.list, nil
}

// candidates takes the seats out of an answer. Where it says what state a seat is in, or
// whether it is to be reclaimed, only those count that may be acted on: unknown never.
type candidates struct {
	columns []string
	list    []catalogue.Recommendation
}

func (w *candidates) Begin(t *output.Table) error {
	for _, c := range t.Columns {
		w.columns = append(w.columns, c.Name)
	}
	for _, need := range []string{"tenant_id", "user_id", "sku_id"} {
		if !slices.Contains(w.columns, need) {
			return fmt.Errorf("its answer has no %s: choose a question about licences of people", need)
		}
	}
	return nil
}

func (w *candidates) Row(cells []any) error {
	get := func(name string) (any, bool) {
		i := slices.Index(w.columns, name)
		if i < 0 || cells[i] == nil {
			return "", i >= 0
		}
		return cells[i], true
	}
	text := func(name string) string { v, _ := get(name); return fmt.Sprint(v) }
	if state, has := get("state"); has && state != "inactive" && state != "never used" {
		return nil
	}
	if reclaim, has := get("reclaim"); has && reclaim != true {
		return nil
	}
	w.list = append(w.list, catalogue.Recommendation{
		Tenant: text("tenant_id"), User: text("user_id"), SKU: text("sku_id"), Reason: text("reason"), Price: text("price"), Currency: text("currency"),
	})
	return nil
}

func (w *candidates) End(...string) error { return nil }
