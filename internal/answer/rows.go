package answer

import (
	"fmt"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"github.com/seatstream/seatstream/internal/output"
)

// Row is one row of an answer by the names of its columns; a column that a question does not
// have is like one that is unknown.
type Row map[string]any

// Text is a cell as text, empty where it is unknown.
func (r Row) Text(name string) string {
	switch v := r[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Count is a whole number to add up; what is unknown adds nothing. To show one, show the cell.
func (r Row) Count(name string) int64 {
	n, err := strconv.ParseInt(r.Text(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Time is a moment, nil where it is unknown.
func (r Row) Time(name string) *time.Time {
	if at, ok := r[name].(time.Time); ok && at.Year() > 1970 {
		return &at
	}
	return nil
}

// Money is an amount, and false where it is not known.
func (r Row) Money(name string) (decimal.Decimal, bool) {
	text, ok := output.Decimal(r[name])
	if !ok {
		return decimal.Decimal{}, false
	}
	amount, err := decimal.NewFromString(text)
	return amount, err == nil
}

// Rows is an output.Writer that hands an answer over row by row.
type Rows struct {
	Columns []output.Column
	Take    func(Row)
}

// Begin keeps the columns.
func (w *Rows) Begin(t *output.Table) error {
	w.Columns = t.Columns
	return nil
}

// Row hands a row over.
func (w *Rows) Row(cells []any) error {
	r := make(Row, len(cells))
	for i, c := range w.Columns {
		r[c.Name] = cells[i]
	}
	w.Take(r)
	return nil
}

// End does nothing.
func (w *Rows) End(...string) error { return nil }
