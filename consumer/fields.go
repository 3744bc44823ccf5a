package consumer

import (
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seatstream/seatstream/schemas"
)

// fields is one group of a report row's columns, as a ClickHouse map in the report's
// order. All rows of a report share their names.
type fields[T any] struct {
	names  []string
	values []T
	nulls  []bool // nil where no value is null
}

// Iterator and Put make fields a map to the ClickHouse driver, which only reads it.
func (f fields[T]) Iterator() column.MapIterator { return &fieldIterator[T]{f: f, i: -1} }

// Put is part of the driver's interface; fields are never read into.
func (f fields[T]) Put(any, any) { panic("consumer: fields are written, not read") }

type fieldIterator[T any] struct {
	f fields[T]
	i int
}

func (it *fieldIterator[T]) Next() bool { it.i++; return it.i < len(it.f.names) }
func (it *fieldIterator[T]) Key() any   { return it.f.names[it.i] }
func (it *fieldIterator[T]) Value() any {
	if it.f.nulls != nil && it.f.nulls[it.i] {
		return nil
	}
	return it.f.values[it.i]
}

// parseFields reads a group of columns; null stays null. names is the list of an earlier
// row, shared where it is the same.
func parseFields[T any](columns schemas.Columns, names []string, parse func(string) (T, error)) (fields[T], error) {
	f := fields[T]{names: sharedNames(columns, names), values: make([]T, len(columns))}
	for i, c := range columns {
		if c.Value.Kind() == 'n' {
			if f.nulls == nil {
				f.nulls = make([]bool, len(columns))
			}
			f.nulls[i] = true
			continue
		}
		var err error
		if f.values[i], err = parse(literal(c.Value)); err != nil {
			return f, fmt.Errorf("column %q: %w", c.Name, err)
		}
	}
	return f, nil
}

func sharedNames(columns schemas.Columns, names []string) []string {
	if slices.EqualFunc(columns, names, func(c schemas.Column, n string) bool { return c.Name == n }) {
		return names
	}
	own := make([]string, len(columns))
	for i, c := range columns {
		own[i] = c.Name
	}
	return own
}

// literal is the text of a JSON value: a string's content, anything else as it stands.
func literal(v jsontext.Value) string {
	if v.Kind() != '"' {
		return string(v)
	}
	var s string
	if err := json.Unmarshal(v, &s, jsontext.AllowInvalidUTF8(true)); err != nil {
		return string(v)
	}
	return s
}
