package catalogue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/seatstream/seatstream/schemas"
)

// insert stores rows as one block: all of them or none.
func insert(ctx context.Context, db driver.Conn, table string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"async_insert": 0}))
	b, err := db.PrepareBatch(ctx, "INSERT INTO "+schemas.Database+"."+table)
	if err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	defer func() { _ = b.Close() }() // sent or failed by then
	for _, r := range rows {
		if err := b.Append(r...); err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
	}
	if err := b.Send(); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

// StoreProducts stores a catalogue as of at, and takes back what an earlier one had and
// this one has not. Should it fail half way, importing the file again mends it.
func StoreProducts(ctx context.Context, db driver.Conn, p *Products, at time.Time) error {
	skus, plans, pairs := make([][]any, len(p.SKUs)), make([][]any, len(p.Plans)), make([][]any, len(p.Pairs))
	for i, s := range p.SKUs {
		skus[i] = []any{s.ID, s.Code, s.Name, "catalogue", schemas.AllTenants, at, uint8(0)}
	}
	for i, s := range p.Plans {
		plans[i] = []any{s.ID, s.Code, s.Name, "catalogue", at, uint8(0)}
	}
	for i, s := range p.Pairs {
		pairs[i] = []any{s[0], s[1], "catalogue", at, uint8(0)}
	}
	for _, t := range []struct {
		table, columns string
		rows           [][]any
	}{
		{"sku_plans", "sku_id, service_plan_id, source", pairs},
		{"plan_names", "service_plan_id, plan_name, friendly_name, source", plans},
		{"sku_names", "sku_id, sku_part_number, name, source, tenant_id", skus},
	} {
		if err := insert(ctx, db, t.table+" ("+t.columns+", imported_at, deleted)", t.rows); err != nil {
			return err
		}
		// The time has milliseconds in the table; a row of this import is not before it.
		gone := fmt.Sprintf(`INSERT INTO m365.%[1]s (%[2]s, imported_at, deleted)
SELECT %[2]s, fromUnixTimestamp64Milli(%[3]d, 'UTC'), 1 FROM m365.%[1]s FINAL
WHERE source = 'catalogue' AND imported_at < fromUnixTimestamp64Milli(%[3]d, 'UTC')`, t.table, t.columns, at.UnixMilli())
		if err := db.Exec(ctx, gone); err != nil {
			return fmt.Errorf("take back what the catalogue no longer has: %w", err)
		}
	}
	return nil
}

// Override gives a SKU a name of one's own, for one tenant or, by the id of zeros, for
// all. An empty name takes the override back.
func Override(ctx context.Context, db driver.Conn, tenant, sku, name string, at time.Time) error {
	gone := uint8(0)
	if name == "" {
		gone = 1
	}
	return insert(ctx, db, "sku_names (sku_id, sku_part_number, name, source, tenant_id, imported_at, deleted)",
		[][]any{{sku, "", name, "override", tenant, at, gone}})
}

// PartNumbers returns a lookup of SKUs by part number, as tenants and catalogues have it.
func PartNumbers(ctx context.Context, db driver.Conn) (func(string) (string, error), error) {
	rows, err := db.Query(ctx, `SELECT lower(sku_part_number) AS part, groupUniqArray(toString(sku_id)) AS ids FROM (
    SELECT sku_part_number, sku_id FROM m365.skus FINAL UNION ALL SELECT sku_part_number, sku_id FROM m365.sku_names FINAL
) WHERE sku_part_number != '' GROUP BY part`)
	if err != nil {
		return nil, fmt.Errorf("read part numbers: %w", err)
	}
	defer rows.Close()
	known := map[string][]string{}
	for rows.Next() {
		var part string
		var ids []string
		if err := rows.Scan(&part, &ids); err != nil {
			return nil, fmt.Errorf("read part numbers: %w", err)
		}
		known[part] = ids
	}
	return func(part string) (string, error) {
		if id := strings.ToLower(part); schemas.IsGUID(id) {
			return id, nil
		}
		switch ids := known[strings.ToLower(part)]; len(ids) {
		case 0:
			return "", fmt.Errorf("sku %q: no tenant and no catalogue has this part number: give its GUID, or import the catalogue", part)
		case 1:
			return ids[0], nil
		default:
			return "", fmt.Errorf("sku %q is the part number of %s: give the GUID", part, strings.Join(ids, " and "))
		}
	}, rows.Err()
}

// StorePrices stores a price list. who is remembered with it.
func StorePrices(ctx context.Context, db driver.Conn, prices []Price, who string, at time.Time) error {
	return storePrices(ctx, db, prices, who, at, 0)
}

// RemovePrices takes prices back.
func RemovePrices(ctx context.Context, db driver.Conn, prices []Price, who string, at time.Time) error {
	return storePrices(ctx, db, prices, who, at, 1)
}

func storePrices(ctx context.Context, db driver.Conn, prices []Price, who string, at time.Time, deleted uint8) error {
	rows := make([][]any, len(prices))
	for i, p := range prices {
		amount, err := decimal.NewFromString(p.Price)
		if err != nil {
			return fmt.Errorf("read price %q: %w", p.Price, err)
		}
		rows[i] = []any{p.Tenant, p.SKU, amount, p.Currency, p.Term, p.From, p.To, at, who, deleted}
	}
	return insert(ctx, db, "prices (tenant_id, sku_id, price, currency, term, valid_from, valid_to, imported_at, imported_by, deleted)", rows)
}

// StoredPrices returns the prices that stand.
func StoredPrices(ctx context.Context, db driver.Conn) ([]Price, error) {
	rows, err := db.Query(ctx, `SELECT toString(tenant_id), toString(sku_id), toString(price), toString(currency), toString(term), valid_from, valid_to
FROM m365.prices FINAL ORDER BY tenant_id, sku_id, valid_from`)
	if err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	defer rows.Close()
	var out []Price
	for rows.Next() {
		var p Price
		if err := rows.Scan(&p.Tenant, &p.SKU, &p.Price, &p.Currency, &p.Term, &p.From, &p.To); err != nil {
			return nil, fmt.Errorf("read prices: %w", err)
		}
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	return out, nil
}

// Exclusion leaves an account, a SKU or both out of the answers about use.
type Exclusion struct {
	Tenant, User, SKU string // GUIDs; zeros: all tenants, whoever, every SKU
	Tag, Reason, Who  string
	Until             *time.Time // last day; nil: for good
}

// Tags say why something is excluded.
var Tags = []string{"service account", "leave", "vip", "free", "viral", "other"}

// Exclude stores an exclusion and returns its id.
func Exclude(ctx context.Context, db driver.Conn, e Exclusion, at time.Time) (string, error) {
	id := uuid.New()
	return id.String(), insert(ctx, db, "exclusions (exclusion_id, tenant_id, user_id, sku_id, tag, reason, who, created_at, until, deleted)",
		[][]any{{id, e.Tenant, e.User, e.SKU, e.Tag, e.Reason, e.Who, at, e.Until, uint8(0)}})
}

// Standing is an exclusion that stands.
type Standing struct {
	ID string
	Exclusion
	CreatedAt time.Time
	Over      bool // its last day is past
}

// Exclusions returns those that stand, newest first.
func Exclusions(ctx context.Context, db driver.Conn) ([]Standing, error) {
	rows, err := db.Query(ctx, `SELECT toString(exclusion_id), toString(tenant_id), toString(user_id), toString(sku_id), toString(tag), reason, who, until, created_at, ifNull(until < today(), false)
FROM m365.exclusions FINAL ORDER BY created_at DESC`)
	if err != nil {
		return nil, fmt.Errorf("read exclusions: %w", err)
	}
	defer rows.Close()
	var out []Standing
	for rows.Next() {
		var e Standing
		if err := rows.Scan(&e.ID, &e.Tenant, &e.User, &e.SKU, &e.Tag, &e.Reason, &e.Who, &e.Until, &e.CreatedAt, &e.Over); err != nil {
			return nil, fmt.Errorf("read exclusions: %w", err)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read exclusions: %w", err)
	}
	return out, nil
}

// RemoveExclusion takes an exclusion back; the row that does so says who did.
func RemoveExclusion(ctx context.Context, db driver.Conn, id, who string, at time.Time) error {
	var found uint64
	if err := db.QueryRow(ctx, "SELECT count() FROM m365.exclusions FINAL WHERE exclusion_id = ?", id).Scan(&found); err != nil {
		return fmt.Errorf("read exclusions: %w", err)
	}
	if found == 0 {
		return fmt.Errorf("no exclusion %s: seatstream exclude list shows those that stand", id)
	}
	err := db.Exec(ctx, `INSERT INTO m365.exclusions (exclusion_id, tenant_id, user_id, sku_id, tag, reason, who, created_at, until, deleted)
SELECT exclusion_id, tenant_id, user_id, sku_id, tag, reason, ?, fromUnixTimestamp64Milli(?, 'UTC'), until, 1 FROM m365.exclusions FINAL WHERE exclusion_id = ?`,
		who, at.UnixMilli(), id)
	if err != nil {
		return fmt.Errorf("remove exclusion %s: %w", id, err)
	}
	return nil
}

// Person finds the object id of a user of a tenant by principal name.
func Person(ctx context.Context, db driver.Conn, tenant, name string) (string, error) {
	if id := schemas.GUID(name); schemas.IsGUID(id) {
		return id, nil
	}
	var ids []string
	err := db.QueryRow(ctx, "SELECT groupUniqArray(toString(user_id)) FROM m365.users FINAL WHERE tenant_id = ? AND lower(user_principal_name) = ?",
		tenant, strings.ToLower(name)).Scan(&ids)
	if err != nil {
		return "", fmt.Errorf("find user: %w", err)
	}
	if len(ids) != 1 {
		return "", fmt.Errorf("user %q: %d users of the tenant have this principal name: give the object id", name, len(ids))
	}
	return ids[0], nil
}
