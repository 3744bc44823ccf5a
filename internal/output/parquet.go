package output

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
)

// parquetWriter writes columns with the types the database has: decimals, days, moments,
// GUIDs, and null for unknown. A list of texts is a repeated column; whatever else has no
// type of its own is text.
type parquetWriter struct {
	dest    io.Writer
	w       *parquet.GenericWriter[any]
	columns []parquetColumn
	pending []parquet.Row
}

type parquetColumn struct {
	name     string
	typ      Type
	node     parquet.Node
	repeated bool
	value    func(v any) (parquet.Value, error)
}

// batch is how many rows are handed over at once.
const batch = 1024

var decimalType = regexp.MustCompile(`^Decimal\((\d+), (\d+)\)$`)

var errForm = errors.New("it is not what the column holds")

// ordered keeps the columns in their order, where parquet.Group sorts them by name.
type ordered struct {
	parquet.Group
	names []string
}

func (o ordered) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range o.Group.Fields() {
		byName[f.Name()] = f
	}
	out := make([]parquet.Field, len(o.names))
	for i, n := range o.names {
		out[i] = byName[n]
	}
	return out
}

func (p *parquetWriter) Begin(t *Table) error {
	root := ordered{Group: parquet.Group{}}
	for _, c := range t.Columns {
		if _, twice := root.Group[c.Name]; twice {
			return fmt.Errorf("write parquet: two columns are called %q: give each its own name", c.Name)
		}
		col := newParquetColumn(c)
		p.columns = append(p.columns, col)
		root.Group[c.Name] = col.node
		root.names = append(root.names, c.Name)
	}
	p.w = parquet.NewGenericWriter[any](p.dest, parquet.NewSchema("seatstream", root), parquet.Compression(&parquet.Zstd), parquet.CreatedBy("seatstream", "", ""))
	return nil
}

func (p *parquetWriter) Row(cells []any) error {
	if len(cells) != len(p.columns) {
		return fmt.Errorf("write row: %d cells for %d columns", len(cells), len(p.columns))
	}
	row := make(parquet.Row, 0, len(cells))
	for i, c := range p.columns {
		v := normal(cells[i], c.typ)
		if c.repeated {
			row = appendList(row, v, i)
			continue
		}
		if v == nil {
			row = append(row, parquet.NullValue().Level(0, 0, i))
			continue
		}
		x, err := c.value(v)
		if err != nil {
			return fmt.Errorf("write parquet: column %s: %q: %w", c.name, machine(v, c.typ, "; "), err)
		}
		row = append(row, x.Level(0, 1, i))
	}
	if p.pending = append(p.pending, row); len(p.pending) == batch {
		return p.flush()
	}
	return nil
}

func appendList(row parquet.Row, v any, column int) parquet.Row {
	list, _ := v.([]string)
	if s, ok := v.(string); ok {
		list = []string{s}
	}
	if len(list) == 0 {
		return append(row, parquet.NullValue().Level(0, 0, column))
	}
	for i, s := range list {
		row = append(row, parquet.ValueOf(s).Level(min(i, 1), 1, column))
	}
	return row
}

func (p *parquetWriter) flush() error {
	if _, err := p.w.WriteRows(p.pending); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	p.pending = p.pending[:0]
	return nil
}

func (p *parquetWriter) End(...string) error {
	if err := p.flush(); err != nil {
		return err
	}
	if err := p.w.Close(); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	return nil
}

// newParquetColumn chooses by the database's type, and by the column's own where the
// table is not from the database.
func newParquetColumn(c Column) parquetColumn {
	col := parquetColumn{name: c.Name, typ: c.Type}
	if m := decimalType.FindStringSubmatch(c.Exact); m != nil {
		precision, _ := strconv.Atoi(m[1]) // digits, by the expression
		scale, _ := strconv.Atoi(m[2])
		col.node, col.value = decimalColumn(precision, scale)
	}
	switch {
	case col.node != nil:
	case c.Exact == "Array(String)" || c.Exact == "Array(LowCardinality(String))":
		col.repeated, col.node = true, parquet.Repeated(parquet.String())
		return col
	case c.Exact == "UUID":
		col.node = parquet.UUID()
		col.value = func(v any) (parquet.Value, error) {
			id, err := uuid.Parse(machine(v, Text, ""))
			return parquet.FixedLenByteArrayValue(id[:]), err
		}
	case c.Exact == "UInt64":
		col.node = parquet.Uint(64)
		col.value = func(v any) (parquet.Value, error) {
			n, err := strconv.ParseUint(machine(v, Count, ""), 10, 64)
			return parquet.Int64Value(int64(n)), err // the bits; the logical type says unsigned
		}
	case c.Type == Count:
		col.node = parquet.Int(64)
		col.value = func(v any) (parquet.Value, error) {
			n, err := strconv.ParseInt(machine(v, Count, ""), 10, 64)
			return parquet.Int64Value(n), err
		}
	case strings.HasPrefix(c.Exact, "Float") || c.Exact == "" && c.Type.numeric():
		col.node = parquet.Leaf(parquet.DoubleType)
		col.value = func(v any) (parquet.Value, error) {
			f, err := strconv.ParseFloat(machine(v, Number, ""), 64)
			return parquet.DoubleValue(f), err
		}
	default:
		col.node, col.value = plainColumn(c.Type)
	}
	col.node = parquet.Optional(col.node)
	return col
}

func plainColumn(t Type) (parquet.Node, func(any) (parquet.Value, error)) {
	switch t {
	case Time:
		return parquet.Timestamp(parquet.Millisecond), func(v any) (parquet.Value, error) {
			at, ok := v.(time.Time)
			if !ok {
				return parquet.Value{}, errForm
			}
			return parquet.Int64Value(at.UnixMilli()), nil
		}
	case Date:
		const day = 24 * 60 * 60
		return parquet.Date(), func(v any) (parquet.Value, error) {
			at, ok := v.(time.Time)
			if !ok {
				return parquet.Value{}, errForm
			}
			y, m, d := at.Date()
			return parquet.Int32Value(int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / day)), nil
		}
	case Bool:
		return parquet.Leaf(parquet.BooleanType), func(v any) (parquet.Value, error) {
			b, ok := v.(bool)
			if !ok {
				return parquet.Value{}, errForm
			}
			return parquet.BooleanValue(b), nil
		}
	}
	return parquet.String(), func(v any) (parquet.Value, error) { return parquet.ValueOf(machine(v, t, "; ")), nil }
}

// decimalColumn keeps a decimal as parquet does, a whole number of its last places: up to 18
// digits in an integer, more in sixteen bytes. Sums of prices have 38.
func decimalColumn(precision, scale int) (parquet.Node, func(any) (parquet.Value, error)) {
	const digits, bytes = 18, 16
	if precision <= digits {
		return parquet.Decimal(scale, precision, parquet.Int64Type), func(v any) (parquet.Value, error) {
			n, err := scaled(v, scale)
			if err != nil || !n.IsInt64() {
				return parquet.Value{}, errForm
			}
			return parquet.Int64Value(n.Int64()), nil
		}
	}
	return parquet.Decimal(scale, precision, parquet.FixedLenByteArrayType(bytes)), func(v any) (parquet.Value, error) {
		n, err := scaled(v, scale)
		if err != nil || n.BitLen() >= 8*bytes {
			return parquet.Value{}, errForm
		}
		if n.Sign() < 0 { // two's complement
			n.Add(n, new(big.Int).Lsh(big.NewInt(1), 8*bytes))
		}
		return parquet.FixedLenByteArrayValue(n.FillBytes(make([]byte, bytes))), nil
	}
}

func scaled(v any, scale int) (*big.Int, error) {
	n, ok := new(big.Rat).SetString(machine(v, Number, ""))
	if !ok {
		return nil, errForm
	}
	n.Mul(n, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	if !n.IsInt() {
		return nil, errForm
	}
	return n.Num(), nil
}
