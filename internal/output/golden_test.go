package output

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// amountText stands for a decimal type: a struct whose text is its value.
type amountText struct{ text string }

func (a amountText) String() string { return a.text }

// position is the licence position as the documentation shows it.
func position() *Table {
	count := func(name string) Column { return Column{Name: name, Type: Count, Total: true} }
	return &Table{
		Title:    "contoso.onmicrosoft.com",
		Subtitle: "as of 2026-11-22 06:00 UTC   reports to 2026-11-20   complete",
		Columns: []Column{
			{Name: "sku"}, count("enabled"), count("held"), count("active"), count("inactive"), count("never"),
			count("unknown"), count("unassigned"),
			{Name: "unused_month", Type: Money, Unit: "EUR", Total: true, Header: "UNUSED/MONTH"},
		},
		Rows: [][]any{
			{"Microsoft 365 E5", 250, uint64(241), int64(198), 27, 9, 7, 9, amountText{"2115.00"}},
			{"Visio Plan 2", 40, 38, 11, 20, 7, 0, 2, amountText{"377"}},
		},
		Noun:  "SKUs",
		Notes: []string{"7 unknown: names concealed in 4 rows, no row for 3 people (query coverage --tenant contoso)"},
	}
}

// every has a cell of every kind, and unknown ones.
func every() *Table {
	at := time.Date(2026, 11, 22, 7, 0, 1, 500, time.FixedZone("", 3600))
	name, n := "Zoë 生命", int64(-1234567)
	var none *int64
	return &Table{
		Columns: []Column{
			{Name: "name"}, {Name: "seats", Type: Count, Total: true}, {Name: "rate", Type: Number, Unit: "rows/s"},
			{Name: "price", Type: Money, UnitOf: "currency", Total: true}, {Name: "currency"}, {Name: "share", Type: Share},
			{Name: "seen_at", Type: Time}, {Name: "day", Type: Date}, {Name: "enabled", Type: Bool}, {Name: "plans"},
		},
		Rows: [][]any{
			{&name, &n, 1234.5678, "-9.90", "EUR", 0.1234, at, time.Date(2026, 11, 22, 0, 0, 0, 0, at.Location()), true, []string{"EXCHANGE", "TEAMS"}},
			{"", none, nil, nil, nil, nil, nil, time.Time{}, nil, nil},
			{"b", uint64(18446744073709551615), float32(0.5), 10.0, "USD", 1.0, &at, &at, false, []string{}},
		},
	}
}

// hostile is what people with an account could call themselves.
func hostile() *Table {
	return &Table{
		Title:   "con\x1b[2Jtoso\r\nforged",
		Columns: []Column{{Name: "display_name"}, {Name: "n", Type: Count}},
		Rows: [][]any{
			{"\x1b[31mred\x1b[0m", 1}, {"\x1b]0;title\x07after", 2}, {"\x1b]52;c;open", 3}, {"\u009b2Jeight bit", 4},
			{"two\nlines\r\nand\ttab", 5}, {"bell\a back\b nul\x00 del\x7f", 6}, {"\u202egnp.exe\u2066", 7},
			{"zero\u200bwidth\ufeff\U000e0041", 8}, {"bad \xff utf8", 9}, {"z" + strings.Repeat("\u0301", 50), 10},
			{`=HYPERLINK("http://x","y")`, 11}, {"+1", 12}, {"-1", 13}, {"@SUM(A1)", 14}, {"\t=1", 15}, {"\x1b=1+1", 16},
			{"＝1", 17}, {`"quoted", <b>&`, 18}, {"=1+1", "=cmd()"}, {"line\u2028separator", 20}, {"👩‍💻 Zoë", 21},
		},
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	results := map[string]func() *Table{"position": position, "every": every, "hostile": hostile, "empty": func() *Table {
		return &Table{Columns: []Column{{Name: "name"}, {Name: "seats", Type: Count, Total: true}}, Empty: "no connector yet: seatstream connector add"}
	}}
	for name, result := range results {
		for _, f := range []Format{FormatTable, FormatJSON, FormatCSV} {
			t.Run(name+"."+f.String(), func(t *testing.T) {
				t.Parallel()
				golden(t, name+"."+f.String(), render(t, f, result(), Options{}))
			})
		}
	}
	t.Run("narrow", func(t *testing.T) {
		t.Parallel()
		table := position()
		table.Rows = append(table.Rows, []any{"Microsoft 365 生命 Business Premium with Copilot", 1, 1, 1, 0, 0, 0, 0, 0})
		golden(t, "narrow.table", render(t, FormatTable, table, Options{Width: 100}))
	})
	t.Run("colour", func(t *testing.T) {
		t.Parallel()
		golden(t, "colour.table", render(t, FormatTable, position(), Options{Color: true}))
	})
}

func render(t *testing.T, f Format, table *Table, opt Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f, table, opt); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it)\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// TestReadable reads the machine formats back with other people's readers.
func TestReadable(t *testing.T) {
	t.Parallel()
	for _, table := range []*Table{position(), every(), hostile()} {
		var objects []map[string]any
		if err := json.Unmarshal(render(t, FormatJSON, table, Options{}), &objects); err != nil || len(objects) != len(table.Rows) {
			t.Errorf("read json: %d objects, %v", len(objects), err)
		}
		records, err := csv.NewReader(bytes.NewReader(render(t, FormatCSV, table, Options{}))).ReadAll()
		if err != nil || len(records) != len(table.Rows)+1 {
			t.Errorf("read csv: %d records, %v", len(records), err)
		}
	}
	var objects []struct {
		Name string `json:"display_name"`
	}
	if err := json.Unmarshal(render(t, FormatJSON, hostile(), Options{}), &objects); err != nil {
		t.Fatal(err)
	}
	for i, o := range objects {
		if want := strings.ToValidUTF8(hostile().Rows[i][0].(string), "\uFFFD"); o.Name != want {
			t.Errorf("json changed %q to %q", want, o.Name)
		}
	}
}
