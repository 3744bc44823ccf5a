package output

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvWriter writes RFC 4180: a header, CRLF, fields quoted where they must be.
// encoding/csv is not used because it rewrites line breaks inside fields and writes a
// row of one empty field as an empty line, which readers skip.
type csvWriter struct {
	w       *bufio.Writer
	flush   bool
	columns []Column
}

func newCSVWriter(w io.Writer, opt Options) *csvWriter {
	return &csvWriter{w: bufio.NewWriterSize(w, 64<<10), flush: opt.Flush}
}

func (c *csvWriter) Begin(t *Table) error {
	c.columns = t.Columns
	names := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		names[i] = guard(printable(col.Name))
	}
	return c.record(names)
}

func (c *csvWriter) Row(cells []any) error {
	if err := fits(cells, c.columns); err != nil {
		return err
	}
	fields := make([]string, len(cells))
	for i, cell := range cells {
		v := normal(cell, c.columns[i].Type)
		fields[i] = machine(v, c.columns[i].Type, "; ")
		switch v.(type) {
		case string, []string:
			fields[i] = guard(printable(fields[i]))
		}
	}
	return c.record(fields)
}

func (c *csvWriter) End(...string) error {
	if err := c.w.Flush(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

func (c *csvWriter) record(fields []string) error {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		if strings.ContainsAny(f, ",\"\r\n") || strings.TrimSpace(f) != f || f == "" && len(fields) == 1 {
			f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
		}
		b.WriteString(f)
	}
	b.WriteString("\r\n")
	_, err := c.w.WriteString(b.String())
	if err == nil && c.flush {
		err = c.w.Flush()
	}
	if err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

// guard keeps a spreadsheet from running a text as a formula: it begins with an
// apostrophe then, which spreadsheets take as "this is text". The wide forms count too,
// since East Asian versions read them alike.
func guard(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	if strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) && text != "" {
		return "'" + text
	}
	return text
}
