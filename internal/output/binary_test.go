package output

import (
	"archive/zip"
	"bytes"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"
)

// everyType is one row of every type that the database has, and one of nothing.
func everyType() *Table {
	at := time.Date(2026, 3, 14, 6, 0, 1, 250e6, time.UTC)
	return &Table{
		Columns: []Column{
			{Name: "z_price", Type: Number, Exact: "Decimal(18, 4)"}, {Name: "id", Exact: "UUID"}, {Name: "day", Type: Date, Exact: "Date32"},
			{Name: "at", Type: Time, Exact: "DateTime64(3, 'UTC')"}, {Name: "n", Type: Count, Exact: "Int64"}, {Name: "big", Type: Count, Exact: "UInt64"},
			{Name: "yes", Type: Bool, Exact: "Bool"}, {Name: "list", Exact: "Array(String)"}, {Name: "f", Type: Number, Exact: "Float64"}, {Name: "name", Exact: "String"},
			{Name: "bill", Type: Money, Exact: "Decimal(38, 4)"},
		},
		Rows: [][]any{
			{amountText{"12345678901234.5678"}, uuid.MustParse("06ebc4ee-1bb5-47dd-8120-11324bc54e06"), time.Date(2026, 3, 14, 0, 0, 0, 0, time.FixedZone("", 7200)), at, int64(-7), uint64(18446744073709551615), true, []string{"a", "b"}, 2.5, "=HYPERLINK(\"http://x\")", amountText{"-12345678901234567890.5"}},
			{nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil},
		},
	}
}

func TestParquet(t *testing.T) {
	t.Parallel()
	b := render(t, FormatParquet, everyType(), Options{})
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	// The file's own words for its columns: names in their order, and exact types.
	schema := f.Schema().String()
	at := 0
	for _, want := range []string{
		"z_price (DECIMAL(18,4))", "id (UUID)", "day (DATE)", "at (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS))", "n (INT(64,true))", "big (INT(64,false))",
		"boolean yes", "repeated binary list (STRING)", "double f", "name (STRING)", "bill (DECIMAL(38,4))",
	} {
		i := strings.Index(schema[at:], want)
		if i < 0 {
			t.Fatalf("no %q behind byte %d of\n%s", want, at, schema)
		}
		at += i
	}
	rows := make([]parquet.Row, 3)
	r := parquet.NewReader(f)
	defer r.Close()
	n, err := r.ReadRows(rows)
	if n != 2 || err != nil && err != io.EOF {
		t.Fatalf("%d rows, %v", n, err)
	}
	got := rows[0]
	id := uuid.MustParse("06ebc4ee-1bb5-47dd-8120-11324bc54e06")
	if got[0].Int64() != 123456789012345678 || !bytes.Equal(got[1].ByteArray(), id[:]) || got[2].Int32() != 20526 ||
		got[3].Int64() != time.Date(2026, 3, 14, 6, 0, 1, 250e6, time.UTC).UnixMilli() || got[4].Int64() != -7 || got[5].Uint64() != 18446744073709551615 ||
		!got[6].Boolean() || got[7].String() != "a" || got[8].String() != "b" || got[9].Double() != 2.5 || got[10].String() != "=HYPERLINK(\"http://x\")" {
		t.Errorf("%+v", got)
	}
	bill := new(big.Int).SetBytes(got[11].ByteArray())
	if bill.Sub(bill, new(big.Int).Lsh(big.NewInt(1), 128)); bill.String() != "-123456789012345678905000" {
		t.Errorf("a sum of 38 digits became %s", bill)
	}
	for _, v := range rows[1] {
		if !v.IsNull() {
			t.Errorf("unknown became %v", v)
		}
	}
}

func TestParquetRefuses(t *testing.T) {
	t.Parallel()
	for want, table := range map[string]*Table{
		"two columns":   {Columns: []Column{{Name: "a"}, {Name: "a"}}},
		"column n":      {Columns: []Column{{Name: "n", Type: Count}}, Rows: [][]any{{"many"}}},
		"column d":      {Columns: []Column{{Name: "d", Type: Number, Exact: "Decimal(9, 2)"}}, Rows: [][]any{{"0.001"}}},
		"2 cells for 1": {Columns: []Column{{Name: "n"}}, Rows: [][]any{{1, 2}}},
	} {
		if err := Write(io.Discard, FormatParquet, table, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	many := &Table{Columns: []Column{{Name: "n", Type: Count}}}
	for i := range 3*batch + 1 {
		many.Rows = append(many.Rows, []any{i})
	}
	b := render(t, FormatParquet, many, Options{})
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil || f.NumRows() != 3*batch+1 {
		t.Errorf("%v, %v", f, err)
	}
}

func TestXLSX(t *testing.T) {
	t.Parallel()
	table := everyType()
	for _, hostile := range []string{"+1", "-1", "@SUM(1)", "\t=1", "a\x1b[31mb", "<f>1</f>", "x & y"} {
		table.Rows = append(table.Rows, []any{nil, nil, nil, nil, nil, nil, nil, nil, nil, hostile, nil})
	}
	b := render(t, FormatXLSX, table, Options{})
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, want := range map[string]string{
		"A1": "z_price", "A2": "12345678901234.5678", "B2": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "C2": "2026-03-14", "D2": "2026-03-14 06:00:01", "E2": "-7",
		"F2": "18446744073709551615", "G2": "TRUE", "H2": "a; b", "I2": "2.5", "J2": "=HYPERLINK(\"http://x\")", "A3": "", "J3": "", "J4": "+1", "J9": "<f>1</f>", "J10": "x & y",
	} {
		if got, err := f.GetCellValue(xlsxSheet, cell); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", cell, got, err, want)
		}
		if formula, err := f.GetCellFormula(xlsxSheet, cell); err != nil || formula != "" {
			t.Errorf("%s is a formula: %q, %v", cell, formula, err)
		}
	}
	for cell, want := range map[string]excelize.CellType{"E2": excelize.CellTypeUnset, "F2": excelize.CellTypeInlineString, "J2": excelize.CellTypeInlineString, "G2": excelize.CellTypeBool} {
		if got, err := f.GetCellType(xlsxSheet, cell); err != nil || got != want {
			t.Errorf("%s is of type %v, %v; want %v", cell, got, err, want)
		}
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := z.Open("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sheet, err := io.ReadAll(r)
	if err != nil || bytes.Contains(sheet, []byte("<f>")) || bytes.ContainsRune(sheet, '\x1b') {
		t.Errorf("a formula or a control character in the sheet: %v", err)
	}
	long := &Table{Columns: []Column{{Name: "a"}}, Rows: [][]any{{strings.Repeat("x", xlsxCell+1)}}}
	if err := Write(io.Discard, FormatXLSX, long, Options{}); err == nil || !strings.Contains(err.Error(), "column a") {
		t.Errorf("a text that is too long: %v", err)
	}
}
