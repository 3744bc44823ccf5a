// Package bench measures the product on the machine at hand: how fast records get from the
// producer into the tables, what each part costs, and how long the shipped questions take.
package bench

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Tables is how much [Tables.Fill] puts into the tables.
type Tables struct {
	Tenants, Users int // users of each tenant; each holds two to three licences
	Days           int // days of changes up to yesterday, the first listing not counted
	// Changed and Active are the shares, in thousandths, of people whose record, and of
	// report rows that, change in a day.
	Changed, Active int
}

//go:embed tables.sql
var tablesSQL string

// Fill inserts tenants, people, licences, reports and their history into the empty tables,
// without a stream: the server makes the rows itself. The same size gives the same rows,
// apart from the day on which it was filled.
func (t Tables) Fill(ctx context.Context, db driver.Conn) error {
	people := t.Tenants * t.Users
	values := strings.NewReplacer("$tenants", fmt.Sprint(t.Tenants), "$users", fmt.Sprint(t.Users), "$people", fmt.Sprint(people),
		"$days", fmt.Sprint(t.Days), "$changed", fmt.Sprint(t.Changed), "$active", fmt.Sprint(t.Active))
	for statement := range strings.SplitSeq(strings.TrimSuffix(values.Replace(tablesSQL), ";\n"), ";\n") {
		days := 1
		if strings.Contains(statement, "$day") {
			days = t.Days + 1
		}
		for day := range days {
			if err := db.Exec(ctx, strings.ReplaceAll(statement, "$day", fmt.Sprint(day))); err != nil {
				return fmt.Errorf("fill tables: %w in %.60s", err, strings.TrimSpace(statement))
			}
		}
	}
	return nil
}

// Tenant is the directory id of one of the tenants that Fill makes, counted from 0.
func (t Tables) Tenant(ctx context.Context, db driver.Conn, n int) (id string, err error) {
	err = db.QueryRow(ctx, "SELECT toString("+strings.ReplaceAll("reinterpretAsUUID(sipHash128('tenant', toUInt64($n)))", "$n", fmt.Sprint(n))+")").Scan(&id)
	return id, err
}
