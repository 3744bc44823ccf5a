package output

import (
	"bufio"
	"fmt"
	"io"
	"time"
)

// jsonWriter writes one array, one object a line, keys in the order of the columns.
type jsonWriter struct {
	w       *bufio.Writer
	flush   bool
	columns []Column
	keys    [][]byte // name, colon
	line    []byte
	rows    int
}

func newJSONWriter(w io.Writer, opt Options) *jsonWriter {
	return &jsonWriter{w: bufio.NewWriterSize(w, 64<<10), flush: opt.Flush}
}

func (j *jsonWriter) Begin(t *Table) error {
	seen := map[string]bool{}
	for _, c := range t.Columns {
		if seen[c.Name] {
			// An object holds a name once: readers would keep one of the two values.
			return fmt.Errorf("write json: two columns are called %q: give each its own name", c.Name)
		}
		seen[c.Name] = true
		j.keys = append(j.keys, append(appendJSON(nil, c.Name), ':'))
	}
	j.columns = t.Columns
	return j.write([]byte{'['})
}

func (j *jsonWriter) Row(cells []any) error {
	if err := fits(cells, j.columns); err != nil {
		return err
	}
	b := j.line[:0]
	if j.rows > 0 {
		b = append(b, ',')
	}
	b = append(b, '\n', '{')
	for i, cell := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, j.keys[i]...)
		b = appendCell(b, normal(cell, j.columns[i].Type), j.columns[i].Type)
	}
	j.line = append(b, '}')
	j.rows++
	return j.write(j.line)
}

func (j *jsonWriter) End(...string) error {
	end := "]\n"
	if j.rows > 0 {
		end = "\n]\n"
	}
	if err := j.write([]byte(end)); err != nil {
		return err
	}
	if err := j.w.Flush(); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}

func (j *jsonWriter) write(b []byte) error {
	_, err := j.w.Write(b)
	if err == nil && j.flush {
		err = j.w.Flush()
	}
	if err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	return nil
}

func appendCell(b []byte, v any, t Type) []byte {
	switch c := v.(type) {
	case nil:
		return append(b, "null"...)
	case figure:
		return append(b, c...)
	case bool:
		return fmt.Append(b, c)
	case time.Time:
		return appendJSON(b, c.Format(layout(t)))
	case []string:
		b = append(b, '[')
		for i, s := range c {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, s)
		}
		return append(b, ']')
	}
	return appendJSON(b, v.(string))
}
