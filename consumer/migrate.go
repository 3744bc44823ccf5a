package consumer

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/seatstream/seatstream/schemas"
)

// Migrate creates the database, applies the migrations that are missing, loads the
// shipped data on products and replaces the views of the shipped queries. It may run again at any time. db must be connected to
// the database default or m365; the tables go to m365.
func Migrate(ctx context.Context, server, db *sql.DB) error {
	if _, err := server.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+schemas.Database); err != nil {
		return fmt.Errorf("create database %s: %w", schemas.Database, err)
	}
	p, err := goose.NewProvider(goose.DialectClickHouse, db, schemas.Migrations())
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate database %s: %w", schemas.Database, err)
	}
	if err := loadShipped(ctx, db); err != nil {
		return err
	}
	for _, q := range schemas.Queries() {
		if _, err := db.ExecContext(ctx, "CREATE OR REPLACE VIEW "+schemas.Database+"."+q.View()+" AS\n"+q.Inlined()); err != nil {
			return fmt.Errorf("create view of query %s: %w", q.Name, err)
		}
	}
	return nil
}
