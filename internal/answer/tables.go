package answer

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/schemas"
)

// Tables lists the tables and views that readers are given, as the server has them: all of
// the product's but those that keep count of migrations and feed others.
func Tables(ctx context.Context, db driver.Conn) ([]schemas.TableAccess, error) {
	rows, err := db.Query(ctx, `
		SELECT name, engine = 'View', name IN (SELECT table FROM system.columns WHERE database = $1 AND name = 'tenant_id')
		FROM system.tables
		WHERE database = $1 AND engine != 'MaterializedView' AND name NOT LIKE 'goose%' AND NOT is_temporary
		ORDER BY name`, schemas.Database)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err says all
	var all []schemas.TableAccess
	for rows.Next() {
		var t schemas.TableAccess
		if err := rows.Scan(&t.Name, &t.View, &t.Tenant); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		all = append(all, t)
	}
	return all, rows.Err()
}
