// Package output renders the results of every command in the same way: as a table for
// people, as JSON, CSV or Parquet for programs, and as XLSX for spreadsheets.
//
// The text of cells is hostile: display names are written by whoever has an account.
// The table and CSV drop what steers a terminal, JSON escapes it, and CSV quotes what a
// spreadsheet would run as a formula.
//
// JSON and CSV hold the rows alone: title, notes and totals are the table's. What a
// program must know about a result, such as that it is partial, belongs in a column.
package output

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is the form of an output. The zero value is the table. It is a flag value, so
// that a command takes it as -o.
type Format string

// The formats.
const (
	FormatTable Format = "table"
	FormatJSON  Format = "json"
	FormatCSV   Format = "csv"
	// The two below are files, not text.
	FormatParquet Format = "parquet"
	FormatXLSX    Format = "xlsx"
)

// Binary tells whether a format is nothing for a terminal.
func (f Format) Binary() bool { return f == FormatParquet || f == FormatXLSX }

// Formats are the formats a person can choose.
var Formats = []string{string(FormatTable), string(FormatJSON), string(FormatCSV), string(FormatParquet), string(FormatXLSX)}

// ParseFormat reads the name of a format.
func ParseFormat(s string) (Format, error) {
	if !slices.Contains(Formats, s) {
		return "", fmt.Errorf("unknown output format %q: one of %s", s, strings.Join(Formats, ", "))
	}
	return Format(s), nil
}

// Set reads the format from a flag.
func (f *Format) Set(s string) error {
	parsed, err := ParseFormat(s)
	if err == nil {
		*f = parsed
	}
	return err
}

// String is the name of the format.
func (f Format) String() string {
	if f == "" {
		return string(FormatTable)
	}
	return string(f)
}

// Type names the value in a command's help.
func (f Format) Type() string { return strings.Join(Formats, "|") }

// Type says what a column holds, and so how it is shown.
type Type uint8

// The types of columns. A cell that is not what its column says is shown as what it is.
const (
	Text   Type = iota
	Count       // whole things: seats, people, rows
	Number      // measured: a rate, a mean
	Money       // an amount of the column's unit, an ISO currency code
	Share       // a part of one, shown as a percentage
	Time        // a moment, shown in UTC
	Date        // a day
	Bool        // yes or no
)

// numeric tells whether cells are figures: right-aligned, never cut, not guarded in CSV.
func (t Type) numeric() bool { return t >= Count && t <= Share }

// Column describes one column.
type Column struct {
	Name   string // key in JSON and header in CSV, snake_case
	Type   Type
	Unit   string // currency of Money; of other figures shown in the header
	Total  bool   // the table ends with the sum
	Header string // header of the table; empty: the name in upper case
	UnitOf string // name of the column with each row's unit, which the table leaves out
	Exact  string // the database's type, where the column is from there: parquet keeps it
}

// Table is one result. Cells are string, integers, floats, bool, time.Time, []string,
// nil for unknown, pointers to those, and whatever has a String method, such as
// decimals and UUIDs.
type Table struct {
	Title    string
	Subtitle string // as of when, how complete
	Columns  []Column
	Rows     [][]any
	Notes    []string
	Noun     string // what a row is, in the plural, for the totals: "SKUs"
	Empty    string // what to say when there is no row, and what to do next
}

// Options say where the output goes.
type Options struct {
	Width   int  // columns of the terminal; 0: as wide as it needs
	Color   bool // the table may use ANSI colours
	MaxRows int  // rows the table shows; 0: all. JSON and CSV are always whole
	Flush   bool // write each row of JSON and CSV at once, for a live stream
}

// Writer takes a result row by row. JSON and CSV write as they go; the table waits for
// the end, since its widths depend on every row.
type Writer interface {
	// Begin takes the columns and headings; rows and notes of the table are not read.
	Begin(t *Table) error
	// Row takes one row, as many cells as there are columns, and keeps no reference.
	Row(cells []any) error
	// End completes the output. Without it JSON stays visibly incomplete.
	End(notes ...string) error
}

// NewWriter returns the writer of a format.
func NewWriter(w io.Writer, f Format, opt Options) Writer {
	switch f {
	case FormatJSON:
		return newJSONWriter(w, opt)
	case FormatCSV:
		return newCSVWriter(w, opt)
	case FormatParquet:
		return &parquetWriter{dest: w}
	case FormatXLSX:
		return &xlsxWriter{dest: w}
	}
	return &tableWriter{w: w, opt: opt}
}

// Write renders a whole result.
func Write(w io.Writer, f Format, t *Table, opt Options) error {
	out := NewWriter(w, f, opt)
	if err := out.Begin(t); err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := out.Row(row); err != nil {
			return err
		}
	}
	return out.End(t.Notes...)
}

// fits checks that a row has the columns it was announced with.
func fits(cells []any, columns []Column) error {
	if len(cells) != len(columns) {
		return fmt.Errorf("write row: %d cells for %d columns", len(cells), len(columns))
	}
	return nil
}
