package answer

import (
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// TestViewSQL: values never stand in the SQL, what is no column is refused, and who may see
// no tenant sees no row.
func TestViewSQL(t *testing.T) {
	t.Parallel()
	const hostile = `x' OR 1=1 -- {v0:String} \`
	for name, v := range map[string]View{
		"where": {Where: []Condition{{"sku", hostile}}}, "search": {Search: hostile, SearchIn: []string{"name"}}, "tenants": {Tenants: []string{hostile}},
	} {
		values := clickhouse.Parameters{"as_of": ""}
		sql, err := v.sql("m365.x()", values)
		if err != nil || strings.Contains(sql, "OR 1=1") || len(values) != 2 || !strings.Contains(sql, " WHERE ") {
			t.Errorf("%s: %v, %s, %v", name, err, sql, values)
		}
	}
	for _, bad := range []string{"a`b", "1", "", "tenant_id OR 1", "A", "a b", "a;b", "a.b"} {
		for _, v := range []View{{Where: []Condition{{bad, "x"}}}, {Search: "x", SearchIn: []string{bad}}, {Sort: bad, SearchIn: []string{bad}}} {
			if sql, err := v.sql("m365.x()", clickhouse.Parameters{}); err == nil {
				t.Errorf("column %q: %s", bad, sql)
			}
		}
	}
	sql, err := View{Tenants: []string{}, Sort: "seats", Desc: true, Limit: 50, Offset: 100}.sql("m365.x()", clickhouse.Parameters{})
	if want := "SELECT *, count() OVER () AS rows_of_all FROM m365.x() WHERE tenant_id IN (toUUIDOrNull('')) ORDER BY `seats` DESC NULLS LAST, tuple(*) LIMIT 50 OFFSET 100"; err != nil || sql != want {
		t.Errorf("got %s, %v", sql, err)
	}
	if sql, err := (View{}).sql("m365.x()", clickhouse.Parameters{}); err != nil || strings.Contains(sql, "WHERE") || strings.Contains(sql, "ORDER") {
		t.Errorf("no view: %s, %v", sql, err)
	}
}
