package output

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// xlsxWriter writes one sheet. Figures, days and moments are what a spreadsheet can reckon
// with; a figure with more digits than its floats hold is text. Texts are text cells and
// never formulas; those that would become one when somebody edits them have the format
// "text" as well. The texts themselves are not changed.
type xlsxWriter struct {
	dest    io.Writer
	file    *excelize.File
	sheet   *excelize.StreamWriter
	columns []Column
	row     int
	head    int
	day     int
	moment  int
	text    int
}

const (
	xlsxSheet  = "seatstream"
	xlsxRows   = 1 << 20 // of a sheet, the header among them
	xlsxCell   = 32767   // characters of a cell
	xlsxDigits = 15      // that a float holds for certain
	xlsxText   = 49      // the number format "@"
	xlsxWidth  = 20      // of a column
)

// xlsxFirst is the first day that spreadsheets count alike.
var xlsxFirst = time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC)

func (x *xlsxWriter) Begin(t *Table) error {
	x.columns, x.file = t.Columns, excelize.NewFile()
	if err := x.styles(); err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	var err error
	if err = x.file.SetSheetName("Sheet1", xlsxSheet); err == nil {
		x.sheet, err = x.file.NewStreamWriter(xlsxSheet)
	}
	if err == nil && len(t.Columns) > 0 {
		err = x.sheet.SetColWidth(1, len(t.Columns), xlsxWidth)
	}
	if err == nil {
		err = x.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	}
	if err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	names := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = excelize.Cell{StyleID: x.head, Value: printable(c.Name)}
	}
	return x.write(names)
}

func (x *xlsxWriter) styles() error {
	day, moment := "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
	for _, s := range []struct {
		id    *int
		style excelize.Style
	}{
		{&x.head, excelize.Style{Font: &excelize.Font{Bold: true}, NumFmt: xlsxText}},
		{&x.day, excelize.Style{CustomNumFmt: &day}},
		{&x.moment, excelize.Style{CustomNumFmt: &moment}},
		{&x.text, excelize.Style{NumFmt: xlsxText}},
	} {
		id, err := x.file.NewStyle(&s.style)
		if err != nil {
			return fmt.Errorf("make style: %w", err)
		}
		*s.id = id
	}
	return nil
}

func (x *xlsxWriter) Row(cells []any) error {
	if err := fits(cells, x.columns); err != nil {
		return err
	}
	if x.row == xlsxRows {
		return fmt.Errorf("write xlsx: a sheet holds %d rows and the answer has more: use -o parquet or -o csv", xlsxRows-1)
	}
	out := make([]any, len(cells))
	for i, c := range cells {
		v, err := x.cell(normal(c, x.columns[i].Type), x.columns[i].Type)
		if err != nil {
			return fmt.Errorf("write xlsx: column %s: %w", x.columns[i].Name, err)
		}
		out[i] = v
	}
	return x.write(out)
}

func (x *xlsxWriter) cell(v any, t Type) (any, error) {
	switch c := v.(type) {
	case nil:
		return nil, nil //nolint:nilnil // an empty cell
	case bool:
		return c, nil
	case figure:
		digits := strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(string(c)), "0")
		if f, err := strconv.ParseFloat(string(c), 64); err == nil && len(digits) <= xlsxDigits {
			return f, nil
		}
	case time.Time:
		switch {
		case c.Before(xlsxFirst):
		case t == Date:
			y, m, d := c.Date()
			return excelize.Cell{StyleID: x.day, Value: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}, nil
		default:
			return excelize.Cell{StyleID: x.moment, Value: c}, nil
		}
	}
	s := printable(machine(v, t, "; "))
	if n := len([]rune(s)); n > xlsxCell {
		return nil, fmt.Errorf("a text of %d characters, a cell holds %d: use -o parquet or -o csv", n, xlsxCell)
	}
	if guard(s) != s {
		return excelize.Cell{StyleID: x.text, Value: s}, nil
	}
	return s, nil
}

func (x *xlsxWriter) write(cells []any) error {
	x.row++
	if err := x.sheet.SetRow("A"+strconv.Itoa(x.row), cells); err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	return nil
}

func (x *xlsxWriter) End(...string) error {
	defer func() { _ = x.file.Close() }() // removes its own temporary files
	if err := x.sheet.Flush(); err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	if _, err := x.file.WriteTo(x.dest); err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	return nil
}
