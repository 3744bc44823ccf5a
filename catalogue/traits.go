package catalogue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/schemas"
)

// Traits are what a SKU may be that makes its seats no saving, and "paid" for none of them.
var Traits = []string{"free", "viral", "company-level", "paid"}

// ReadTraits reads a list such as "free,viral".
func ReadTraits(text string) ([]string, error) {
	list := strings.Split(text, ",")
	for i := range list {
		if list[i] = strings.TrimSpace(list[i]); !slices.Contains(Traits, list[i]) {
			return nil, fmt.Errorf("trait %q: want some of %s, joined by commas", list[i], strings.Join(Traits, ", "))
		}
	}
	if slices.Contains(list, "paid") && len(list) > 1 {
		return nil, fmt.Errorf("traits %q: paid stands alone", text)
	}
	return list, nil
}

// SetTraits says what a SKU is to one tenant or, by the id of zeros, to all. Family and tier
// stay as they are. No traits take back what was set before: what is shipped counts again.
func SetTraits(ctx context.Context, db driver.Conn, tenant, sku string, traits []string, at time.Time) error {
	var family, note string
	var tier int16
	var gone uint8
	is := func(trait string) bool { return slices.Contains(traits, trait) }
	if len(traits) == 0 {
		gone = 1
		if i := slices.IndexFunc(schemas.Shipped().SKUs, func(s schemas.ShippedSKU) bool { return s.ID == sku }); i >= 0 && tenant == schemas.AllTenants {
			s := schemas.Shipped().SKUs[i]
			return insertTraits(ctx, db, []any{sku, tenant, s.Free, s.Viral, s.CompanyLevel, s.Family, s.Tier, s.Note, at, uint8(0)})
		}
	}
	err := db.QueryRow(ctx, `SELECT any(family), any(tier), any(note) FROM (
    SELECT family, tier, note FROM m365.sku_traits FINAL WHERE sku_id = ? AND tenant_id IN (?, ?) ORDER BY tenant_id = ? LIMIT 1
)`, sku, tenant, schemas.AllTenants, schemas.AllTenants).Scan(&family, &tier, &note)
	if err != nil {
		return fmt.Errorf("read traits: %w", err)
	}
	return insertTraits(ctx, db, []any{sku, tenant, is("free"), is("viral"), is("company-level"), family, tier, note, at, gone})
}

func insertTraits(ctx context.Context, db driver.Conn, row []any) error {
	return insert(ctx, db, "sku_traits (sku_id, tenant_id, free, viral, company_level, family, tier, note, imported_at, deleted)", [][]any{row})
}
