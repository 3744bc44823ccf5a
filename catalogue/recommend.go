package catalogue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Kinds are the kinds of recommendations.
var Kinds = []string{"reclaim", "downgrade", "overlap"}

// Recommendation is a seat that somebody was told to look at. What became of it is a
// question to the history, not a field of it.
type Recommendation struct {
	Tenant, User, SKU string // GUIDs
	Reason            string
	Price, Currency   string // a seat a month; empty: no price was known
}

// Record stores recommendations of a kind and returns how many are new: a seat that was
// recommended before and has not been taken away since is not recommended again.
func Record(ctx context.Context, db driver.Conn, kind, who string, list []Recommendation, at time.Time) (int, error) {
	if !slices.Contains(Kinds, kind) {
		return 0, fmt.Errorf("record recommendations: unknown kind %q", kind)
	}
	standing, err := standing(ctx, db, kind)
	if err != nil {
		return 0, err
	}
	var rows [][]any
	for _, r := range list {
		seat := [3]string{r.Tenant, r.User, r.SKU}
		if standing[seat] {
			continue
		}
		standing[seat] = true
		var price *decimal.Decimal
		if p, err := decimal.NewFromString(r.Price); err == nil && r.Currency != "" {
			price = &p
		}
		rows = append(rows, []any{uuid.New(), r.Tenant, r.User, r.SKU, kind, at, who, r.Reason, price, r.Currency, uint8(0)})
	}
	const table = "recommendations (recommendation_id, tenant_id, user_id, sku_id, kind, made_at, made_by, reason, price, currency, deleted)"
	return len(rows), insert(ctx, db, table, rows)
}

// standing are the seats with a recommendation that came after they were last taken away.
func standing(ctx context.Context, db driver.Conn, kind string) (map[[3]string]bool, error) {
	rows, err := db.Query(ctx, `SELECT toString(r.tenant_id), toString(r.user_id), toString(r.sku_id)
FROM (SELECT tenant_id, user_id, sku_id, max(made_at) AS made_at FROM m365.recommendations FINAL WHERE kind = ? GROUP BY tenant_id, user_id, sku_id) AS r
LEFT JOIN (SELECT tenant_id, user_id, sku_id, max(observed_at) AS removed_at FROM m365.licence_changes FINAL WHERE change = 'removed' GROUP BY tenant_id, user_id, sku_id) AS l
    ON l.tenant_id = r.tenant_id AND l.user_id = r.user_id AND l.sku_id = r.sku_id
WHERE r.made_at > l.removed_at`, kind)
	if err != nil {
		return nil, fmt.Errorf("read recommendations: %w", err)
	}
	defer rows.Close()
	out := map[[3]string]bool{}
	for rows.Next() {
		var seat [3]string
		if err := rows.Scan(&seat[0], &seat[1], &seat[2]); err != nil {
			return nil, fmt.Errorf("read recommendations: %w", err)
		}
		out[seat] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read recommendations: %w", err)
	}
	return out, nil
}
