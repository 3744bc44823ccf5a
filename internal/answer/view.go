package answer

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// View narrows, sorts and cuts the answer to a question. What a figure means stays with the
// question: a view chooses rows, it computes nothing.
type View struct {
	// Tenants are the directory ids whose rows may be seen; nil for all. An empty list sees
	// nothing.
	Tenants []string
	Where   []Condition
	// Search is looked for, in any case, in the columns SearchIn; empty for every row.
	Search   string
	SearchIn []string
	Sort     string // a column; empty for the question's own order
	Desc     bool
	// Limit is how many rows are wanted, 0 for all; Offset how many come before them.
	Limit, Offset int
}

// Condition keeps the rows whose column has the value, as text; true and false for a bool.
type Condition struct{ Column, Value string }

// ErrNoColumn says that a view names a column that the answer has not.
var ErrNoColumn = errors.New("no such column")

// columnName is the form of every column of a shipped question.
var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Shown asks a shipped query and hands over what the view chooses. total counts the rows
// that it would be without Limit and Offset; 0 where Offset is past the end.
func Shown(ctx context.Context, db driver.Conn, q *schemas.Query, params map[string]string, v View, w output.Writer) (total uint64, err error) {
	from, values, err := call(q, params)
	if err != nil {
		return 0, err
	}
	sql, err := v.sql(from, values)
	if err != nil {
		return 0, fmt.Errorf("query %s: %w", q.Name, err)
	}
	counted := &counter{w: w}
	err = ask(clickhouse.Context(ctx, clickhouse.WithParameters(values)), db, sql, q.Title, counted)
	return counted.total, err
}

// totalColumn has the number of all rows beside each of them.
const totalColumn = "rows_of_all"

// sql is the SELECT over a call of a view. Values become parameters.
func (v View) sql(from string, values clickhouse.Parameters) (string, error) {
	var where []string
	value := func(text string) string {
		name := "v" + strconv.Itoa(len(values))
		values[name] = escaped.Replace(text)
		return "{" + name + ":String}"
	}
	if v.Tenants != nil {
		ids := []string{"toUUIDOrNull('')"} // of nobody
		for _, id := range v.Tenants {
			ids = append(ids, "toUUIDOrNull("+value(id)+")")
		}
		where = append(where, "tenant_id IN ("+strings.Join(ids, ", ")+")")
	}
	columns := slices.Clone(v.SearchIn)
	for _, c := range v.Where {
		columns = append(columns, c.Column)
		where = append(where, "toString(`"+c.Column+"`) = "+value(c.Value))
	}
	if v.Search != "" {
		var in []string
		text := value(v.Search)
		for _, c := range v.SearchIn {
			in = append(in, "positionCaseInsensitiveUTF8(toString(`"+c+"`), "+text+") > 0")
		}
		where = append(where, "("+strings.Join(in, " OR ")+")")
	}
	sql := "SELECT *, count() OVER () AS " + totalColumn + " FROM " + from
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	if v.Sort != "" {
		columns = append(columns, v.Sort)
		// The rest of the columns decide among equals, so that pages neither repeat nor lose rows.
		sql += " ORDER BY `" + v.Sort + "`" + map[bool]string{true: " DESC"}[v.Desc] + " NULLS LAST, tuple(*)"
	}
	if v.Limit > 0 {
		sql += fmt.Sprintf(" LIMIT %d OFFSET %d", v.Limit, max(0, v.Offset))
	}
	for _, c := range columns {
		if !columnName.MatchString(c) {
			return "", fmt.Errorf("%w: %q", ErrNoColumn, c)
		}
	}
	return sql, nil
}

// counter takes the number of all rows out of the last column.
type counter struct {
	w     output.Writer
	total uint64
}

func (c *counter) Begin(t *output.Table) error {
	head := *t
	head.Columns = t.Columns[:len(t.Columns)-1]
	return c.w.Begin(&head)
}

func (c *counter) Row(cells []any) error {
	last := len(cells) - 1
	c.total, _ = cells[last].(uint64)
	return c.w.Row(cells[:last])
}

func (c *counter) End(notes ...string) error { return c.w.End(notes...) }
