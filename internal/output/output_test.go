package output

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"strings"
	"testing"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
)

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for _, name := range Formats {
		var f Format
		if err := f.Set(name); err != nil || f.String() != name {
			t.Errorf("%s: %q, %v", name, f, err)
		}
	}
	var f Format
	if err := f.Set("xml"); err == nil || !strings.Contains(err.Error(), "table, json, csv") || f.String() != "table" {
		t.Errorf("xml: %q, %v", f, err)
	}
}

func TestWidth(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("生命 and ", 40)
	for width := 50; width < 200; width++ {
		table := &Table{
			Columns: []Column{{Name: "name"}, {Name: "a_heading_longer_than_its_cells"}, {Name: "n", Type: Count}, {Name: "at", Type: Text}},
			Rows:    [][]any{{long, "x", 1234567, long}, {"short", "y", nil, ""}},
		}
		for line := range strings.Lines(string(render(t, FormatTable, table, Options{Width: width}))) {
			if w := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); w > width {
				t.Fatalf("line of %d in a terminal of %d: %s", w, width, line)
			}
			if strings.Contains(line, "short") == strings.Contains(line, "1,234,567") && !strings.Contains(line, "N") {
				t.Fatalf("a figure was cut at %d: %s", width, line)
			}
		}
	}
}

func TestMaxRows(t *testing.T) {
	t.Parallel()
	table := &Table{Columns: []Column{{Name: "name"}, {Name: "n", Type: Count, Total: true}}}
	for i := range 1500 {
		table.Rows = append(table.Rows, []any{"x", i})
	}
	got := string(render(t, FormatTable, table, Options{MaxRows: 10}))
	for _, want := range []string{"1,124,250", "1,490 more rows not shown"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if n := bytes.Count(render(t, FormatCSV, table, Options{MaxRows: 10}), []byte("\r\n")); n != 1501 {
		t.Errorf("csv has %d lines, want all 1501", n)
	}
}

func TestTotals(t *testing.T) {
	t.Parallel()
	cell := func(rows ...any) string {
		table := &Table{Columns: []Column{{Name: "name"}, {Name: "cost", Type: Money, UnitOf: "cur", Total: true}, {Name: "cur"}}}
		for _, r := range rows {
			cur := "EUR"
			if s, ok := r.(string); ok && s == "5" {
				cur = "USD"
			}
			table.Rows = append(table.Rows, []any{"x", r, cur})
		}
		lines := strings.Split(strings.TrimSpace(string(render(t, FormatTable, table, Options{}))), "\n")
		return strings.Join(strings.Fields(strings.Join(lines[1+len(rows):], " ")), " ")
	}
	for want, rows := range map[string][]any{
		"total EUR 0.30":  {0.1, "0.2"}, // 0.30000000000000004 in floats
		"total EUR -1.50": {-2, amountText{"0.50"}},
		"total mixed":     {"5", "6"},
		"total -":         {nil, nil},
		"total EUR 7.00 total of COST leaves out 1 unknown": {7, nil},
		"total EUR 100,000,000,000,000,000,000.01":          {new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil), 0.01},
		"": {7},
	} {
		if got := cell(rows...); got != want {
			t.Errorf("%v: total %q, want %q", rows, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	type named int32
	for _, c := range []struct {
		cell  any
		typ   Type
		table string
		json  string
	}{
		{999, Count, "999", "999"},
		{1000, Count, "1,000", "1000"},
		{-1000, Count, "-1,000", "-1000"},
		{named(7), Count, "7", "7"},
		{0.005, Money, "0.01", "0.005"},
		{math.NaN(), Number, "-", "null"},
		{math.Inf(1), Share, "-", "null"},
		{1e21, Number, "1,000,000,000,000,000,000,000", "1000000000000000000000"},
		{2.5, Number, "2.5", "2.5"},
		{-0.001, Number, "0", "-0.001"},
		{0.5, Share, "50.0%", "0.5"},
		{"12,5", Count, "12,5", `"12,5"`},
		{"007", Count, "007", `"007"`},
		{"42", Text, "42", `"42"`},
		{errors.New("broken"), Text, "broken", `"broken"`},
		{[]int{1, 2}, Text, "1, 2", `["1","2"]`},
		{(*big.Int)(nil), Count, "-", "null"},
		{(*string)(nil), Text, "-", "null"},
	} {
		v := normal(c.cell, c.typ)
		if got := people(v, Column{Type: c.typ}, ""); got != c.table {
			t.Errorf("%v: table %q, want %q", c.cell, got, c.table)
		}
		if got := string(appendCell(nil, v, c.typ)); got != c.json {
			t.Errorf("%v: json %s, want %s", c.cell, got, c.json)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	two := &Table{Columns: []Column{{Name: "a"}, {Name: "a"}}, Rows: [][]any{{1}}}
	for _, f := range []Format{FormatTable, FormatJSON, FormatCSV} {
		if err := Write(io.Discard, f, two, Options{}); err == nil {
			t.Errorf("%s: a short row was taken", f)
		}
		if err := Write(closed{}, f, position(), Options{Flush: true}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: closed pipe: %v", f, err)
		}
	}
	if err := Write(io.Discard, FormatJSON, &Table{Columns: two.Columns}, Options{}); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("json with two columns of one name: %v", err)
	}
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestFlush: a live stream shows each row when it comes.
func TestFlush(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{FormatJSON, FormatCSV} {
		var b bytes.Buffer
		w := NewWriter(&b, f, Options{Flush: true})
		if err := errors.Join(w.Begin(&Table{Columns: []Column{{Name: "a"}}}), w.Row([]any{"seen"})); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "seen") {
			t.Errorf("%s: the row waits", f)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, row := range hostile().Rows {
		f.Add(row[0].(string))
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		for _, r := range got + printable(strings.NewReplacer("\n", "", "\r", "", "\t", "").Replace(s)) {
			if unicode.IsControl(r) || overrides(r) || invisible(r) {
				t.Fatalf("%q became %q with %U", s, got, r)
			}
		}
		if again := clean(got); again != got {
			t.Fatalf("%q cleans to %q, then to %q", s, got, again)
		}
	})
}
