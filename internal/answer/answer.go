// Package answer asks ClickHouse the shipped questions, and any other, and hands the
// result over row by row.
package answer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// Named asks a shipped query. Values go to the server as parameters, never into the SQL.
func Named(ctx context.Context, db driver.Conn, q *schemas.Query, params map[string]string, w output.Writer) error {
	from, values, err := call(q, params)
	if err != nil {
		return err
	}
	sql := "SELECT * FROM " + from
	return ask(clickhouse.Context(ctx, clickhouse.WithParameters(values)), db, sql, q.Title, w)
}

// call is what stands behind FROM for a question, and the values of its parameters.
func call(q *schemas.Query, params map[string]string) (from string, values clickhouse.Parameters, err error) {
	args := make([]string, len(q.Params))
	values = clickhouse.Parameters{}
	for i, p := range q.Params {
		v, ok := params[p.Name]
		if !ok {
			v = strings.Trim(p.Default, "'")
		}
		args[i] = fmt.Sprintf("%s = {%s:%s}", p.Name, p.Name, p.Type)
		values[p.Name] = escaped.Replace(v)
	}
	for name := range params {
		if !q.Takes(name) {
			return "", nil, fmt.Errorf("query %s has no parameter %q: it takes %s", q.Name, name, paramNames(q))
		}
	}
	if at, ok := values["as_of"]; ok && at == "" {
		return "(\n" + q.Now() + "\n)", values, nil // the view's own text, without what it has for past moments
	}
	return schemas.Database + "." + q.View() + "(" + strings.Join(args, ", ") + ")", values, nil
}

// escaped writes a value as the server reads the values of parameters: as a field of a
// tab-separated line. As it stands a backslash would change the value or be refused.
var escaped = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`)

func paramNames(q *schemas.Query) string {
	names := make([]string, len(q.Params))
	for i, p := range q.Params {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// SQL asks anything that only reads.
func SQL(ctx context.Context, db driver.Conn, sql string, w output.Writer) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"readonly": 2}))
	return ask(ctx, db, sql, "", w)
}

func ask(ctx context.Context, db driver.Conn, sql, title string, w output.Writer) error {
	rows, err := db.Query(ctx, sql)
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	types := rows.ColumnTypes()
	t := &output.Table{Title: title, Noun: "rows"}
	for _, c := range types {
		t.Columns = append(t.Columns, column(c.Name(), c.DatabaseTypeName()))
	}
	money(t.Columns)
	if err := w.Begin(t); err != nil {
		return err
	}
	cells := make([]any, len(types))
	for rows.Next() {
		dest := make([]any, len(types))
		for i, c := range types {
			dest[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(dest...); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		for i := range dest {
			cells[i] = cell(dest[i])
		}
		if err := w.Row(cells); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return explain(err)
	}
	return w.End()
}

// counts are the columns whose sum means something.
var counts = []string{"enabled", "warning", "suspended", "locked_out", "consumed", "holders", "unassigned", "assignable", "over_allocated",
	"active", "inactive", "never_used", "unknown", "excluded", "residual", "people", "seats", "licences"}

// money marks the amounts of an answer that says of every row in which currency it is. Amounts
// are added up in one currency only; what a single seat costs is never added up.
func money(columns []output.Column) {
	const unit = "currency"
	if !slices.ContainsFunc(columns, func(c output.Column) bool { return c.Name == unit }) {
		return
	}
	for i := range columns {
		if c := &columns[i]; strings.HasPrefix(c.Exact, "Decimal") {
			c.Type, c.UnitOf, c.Total = output.Money, unit, !strings.HasPrefix(c.Name, "price")
		}
	}
}

// bare is a type without what is wrapped around it.
func bare(typ string) string {
	for _, wrap := range []string{"LowCardinality(", "Nullable("} {
		if inner, ok := strings.CutPrefix(typ, wrap); ok {
			typ = strings.TrimSuffix(inner, ")")
		}
	}
	return typ
}

func column(name, typ string) output.Column {
	typ = bare(typ)
	c := output.Column{Name: name, Exact: typ}
	switch {
	case strings.HasPrefix(typ, "DateTime"):
		c.Type = output.Time
	case strings.HasPrefix(typ, "Date"):
		c.Type = output.Date
	case strings.HasPrefix(typ, "Int"), strings.HasPrefix(typ, "UInt"):
		c.Type = output.Count
		c.Total = slices.Contains(counts, name)
	case strings.HasPrefix(typ, "Float"), strings.HasPrefix(typ, "Decimal"):
		c.Type = output.Number
	case typ == "Bool":
		c.Type = output.Bool
	}
	return c
}

// cell unwraps what the driver scanned into.
func cell(v any) any {
	rv := reflect.ValueOf(v).Elem()
	for rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return nil
		}
		rv = rv.Elem()
	}
	switch x := rv.Interface().(type) {
	case []string, fmt.Stringer:
		return x
	}
	if rv.Kind() == reflect.Slice || rv.Kind() == reflect.Map {
		return fmt.Sprint(rv.Interface())
	}
	return rv.Interface()
}

// explain turns a server's error into one that says what to do.
func explain(err error) error {
	var ex *clickhouse.Exception
	if !errors.As(err, &ex) {
		return fmt.Errorf("ask ClickHouse: %w", err)
	}
	first, _, _ := strings.Cut(ex.Message, "\n")
	switch ex.Code {
	case 60, 81:
		return fmt.Errorf("ask ClickHouse: %s: the tables are made when a consumer starts (seatstream up)", first)
	case 47:
		what, _, _ := strings.Cut(first, " in scope ") // the whole SELECT follows
		return fmt.Errorf("ask ClickHouse: %w: %s", ErrNoColumn, what)
	case 164:
		return fmt.Errorf("ask ClickHouse: only reading is allowed here: %s", first)
	case 6, 41, 456, 457:
		return fmt.Errorf("ask ClickHouse: a parameter is missing or has a value of another type: %s", first)
	}
	return fmt.Errorf("ask ClickHouse: code %d: %s", ex.Code, first)
}

// ErrNoTenant says that a name fits no tenant, or several.
var ErrNoTenant = errors.New("no such tenant")

// Tenant finds a tenant's directory id by id, domain, connector name or the first part of
// a domain. An empty name means all tenants and gives an empty id.
func Tenant(ctx context.Context, db driver.Conn, name string) (string, error) {
	if id := schemas.GUID(name); name == "" || schemas.IsGUID(id) {
		return id, nil
	}
	rows, err := db.Query(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"name": escaped.Replace(strings.ToLower(name))})), `
SELECT DISTINCT toString(tenant_id) FROM (
    SELECT tenant_id FROM m365.organizations FINAL
    WHERE arrayExists(d -> lower(d) = {name:String} OR startsWith(lower(d), {name:String} || '.'), domains)
    UNION ALL
    SELECT tenant_id FROM m365.run_changes WHERE connector = {name:String}
) ORDER BY 1`)
	if err != nil {
		return "", explain(err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return "", fmt.Errorf("find tenant: %w", err)
		}
		ids = append(ids, id)
	}
	switch {
	case rows.Err() != nil:
		return "", explain(rows.Err())
	case len(ids) == 0:
		return "", fmt.Errorf("tenant %q: %w: seatstream query tenants shows those collected", name, ErrNoTenant)
	case len(ids) > 1:
		return "", fmt.Errorf("tenant %q: %w: it fits %s: give the directory id", name, ErrNoTenant, strings.Join(ids, " and "))
	}
	return ids[0], nil
}
