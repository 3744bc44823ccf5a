package consumer_test

import (
	"sync"
	"testing"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

func TestMigrateTwiceAndAskEverything(t *testing.T) {
	t.Parallel()
	ch := teststack.StartClickHouse(t)
	teststack.Migrate(t, ch.DSN())
	for _, q := range schemas.Queries() {
		args := ""
		for i, p := range q.Params {
			if i > 0 {
				args += ", "
			}
			args += p.Name + " = " + p.Default
		}
		rows, err := ch.Conn.Query(t.Context(), "SELECT * FROM "+schemas.Database+"."+q.View()+"("+args+")")
		if err != nil {
			t.Errorf("query %s: %.400v", q.Name, err.Error())
			continue
		}
		for q.Name != "moment" && rows.Next() { // which reads no table
			t.Errorf("query %s: a row from empty tables", q.Name)
		}
		if err := rows.Err(); err != nil {
			t.Errorf("query %s: %v", q.Name, err)
		}
		rows.Close()
	}
}

// TestMigrateFromTwoAtOnce: two consumers that start together on an empty server.
func TestMigrateFromTwoAtOnce(t *testing.T) {
	t.Parallel()
	ch := teststack.StartClickHouse(t)
	exec(t, ch.Conn, "DROP DATABASE m365 SYNC")
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			server, product, err := connect.Databases(ch.DSN())
			if err != nil {
				t.Error(err)
				return
			}
			defer server.Close()
			defer product.Close()
			if err := consumer.Migrate(t.Context(), server, product); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	for _, kind := range schemas.Kinds {
		expect(t, ch.Conn, "tables", map[string]string{"SELECT count() FROM m365." + string(kind) + "_changes": "0"})
	}
	before := ask(t, ch.Conn, "SELECT count() FROM system.tables WHERE database = 'm365'")
	teststack.Migrate(t, ch.DSN()) // once more applies nothing and fails at nothing
	expect(t, ch.Conn, "once more", map[string]string{
		"SELECT count() FROM system.tables WHERE database = 'm365'":                                    before,
		"SELECT count() > 20 FROM m365.service_plan_workloads FINAL":                                   "1",
		"SELECT count() > 100 AND count() = uniqExact(sku_id) FROM m365.sku_names FINAL":               "1",
		"SELECT count() = uniqExact(sku_id) AND countIf(free) > 10 FROM m365.sku_traits FINAL":         "1",
		"SELECT count() = uniqExact(service_plan_id) FROM m365.plan_traits FINAL":                      "1",
		"SELECT count() > 20 FROM m365.downgrades FINAL":                                               "1",
		"SELECT count() > 50 FROM m365.plan_supersedes FINAL":                                          "1",
		"SELECT count() = uniqExact(service_plan_id, workload) FROM m365.service_plan_workloads FINAL": "1",
	})
}
