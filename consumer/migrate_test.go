package consumer_test

import (
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m) }

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
		for rows.Next() {
			t.Errorf("query %s: a row from empty tables", q.Name)
		}
		if err := rows.Err(); err != nil {
			t.Errorf("query %s: %v", q.Name, err)
		}
		rows.Close()
	}
}
