package consumer

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/seatstream/seatstream/schemas"
)

// loadShipped stores the data on products that comes with the program. The rows are the
// same at every start: their keys replace each other, and their time of import is the day
// of their review, before anything a person has imported or edited since.
func loadShipped(ctx context.Context, db *sql.DB) error {
	c, at, all := schemas.Shipped(), schemas.Reviewed, schemas.AllTenants
	for _, load := range []struct {
		table string
		add   func(row func(...any) error) error
	}{
		{"sku_names (sku_id, sku_part_number, name, source, tenant_id, imported_at, deleted)", func(row func(...any) error) error {
			return each(c.SKUs, func(s schemas.ShippedSKU) error {
				return row(s.ID, s.PartNumber, s.Name, "shipped", all, at, uint8(0))
			})
		}},
		{"sku_traits (sku_id, tenant_id, free, viral, company_level, family, tier, note, imported_at, deleted)", func(row func(...any) error) error {
			return each(c.SKUs, func(s schemas.ShippedSKU) error {
				return row(s.ID, all, s.Free, s.Viral, s.CompanyLevel, s.Family, s.Tier, s.Note, at, uint8(0))
			})
		}},
		{"plan_names (service_plan_id, plan_name, friendly_name, source, imported_at, deleted)", func(row func(...any) error) error {
			return each(c.Plans, func(p schemas.ShippedPlan) error { return row(p.ID, p.Code, p.Name, "shipped", at, uint8(0)) })
		}},
		{"plan_traits (service_plan_id, foundation, covered_by, family)", func(row func(...any) error) error {
			return each(c.Plans, func(p schemas.ShippedPlan) error { return row(p.ID, p.Foundation, p.CoveredBy, p.Family) })
		}},
		{"plan_supersedes (service_plan_id, supersedes, note)", func(row func(...any) error) error {
			return each(c.Supersedes, func(p schemas.ShippedPair) error { return row(p.From, p.To, p.Note) })
		}},
		{"downgrades (from_sku, to_sku, kind, note)", func(row func(...any) error) error {
			return each(c.Downgrades, func(p schemas.ShippedPair) error { return row(p.From, p.To, p.Kind, p.Note) })
		}},
	} {
		if err := insertAll(ctx, db, load.table, load.add); err != nil {
			return fmt.Errorf("load shipped %.12s: %w", load.table, err)
		}
	}
	return nil
}

func each[T any](rows []T, f func(T) error) error {
	for _, r := range rows {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// insertAll sends rows as one block, which is stored whole or not at all.
func insertAll(ctx context.Context, db *sql.DB, table string, add func(func(...any) error) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()                                           // after a commit it does nothing
	stmt, err := tx.PrepareContext(ctx, "INSERT INTO "+schemas.Database+"."+table) //nolint:gosec // the names are written above
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { _ = stmt.Close() }() // committed or failed by then
	if err := add(func(values ...any) error { _, err := stmt.ExecContext(ctx, values...); return err }); err != nil {
		return fmt.Errorf("add row: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
