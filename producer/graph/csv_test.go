package graph

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// record is one record as the reader gave it; nil stands for one passed over.
func readCSV(r io.Reader) ([][]string, error) {
	in, err := newCSVReader(r)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for {
		if err := in.next(); err == io.EOF {
			return out, nil
		} else if err != nil {
			return out, err
		}
		if in.bad {
			out = append(out, nil)
			continue
		}
		row := make([]string, len(in.fields))
		for i, f := range in.fields {
			row[i] = string(f)
		}
		out = append(out, row)
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", maxCell)
	for name, test := range map[string]struct {
		text string
		want [][]string
	}{
		"empty":             {"", nil},
		"bom only":          {"\ufeff", nil},
		"bom and crlf":      {"\ufeffa,b\r\n1,2\r\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"lf":                {"a,b\n1,2\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"no last line end":  {"a,b\n1,2", [][]string{{"a", "b"}, {"1", "2"}}},
		"blank cells":       {",,\n", [][]string{{"", "", ""}}},
		"blank line":        {"a\n\nb\n", [][]string{{"a"}, {""}, {"b"}}},
		"quoted":            {"\"a\",\"b\"\r\n", [][]string{{"a", "b"}}},
		"quoted at the end": {"x,\"a\"", [][]string{{"x", "a"}}},
		"quoted blank":      {"\"\",\"\"\n", [][]string{{"", ""}}},
		"escaped quote":     {"\"say \"\"hi\"\"\",2\n", [][]string{{`say "hi"`, "2"}}},
		"comma in cell":     {"\"a,b\",c\n", [][]string{{"a,b", "c"}}},
		"crlf in cell":      {"\"a\r\nb\",c\r\nd,e\r\n", [][]string{{"a\r\nb", "c"}, {"d", "e"}}},
		"many lines":        {"\"\n\n\n\"\n", [][]string{{"\n\n\n"}}},
		"quote in the cell": {"5\" disk,2\nx,y\n", [][]string{{`5" disk`, "2"}, {"x", "y"}}},
		"after the quotes":  {"\"a\"b,2\nx,y\n", [][]string{nil, {"x", "y"}}},
		"nul":               {"a\x00b,\x00\n", [][]string{{"a\x00b", "\x00"}}},
		"lone cr":           {"a\rb,c\n", [][]string{{"a\rb", "c"}}},
		"large cell":        {big + ",1\n", [][]string{{big, "1"}}},
		"larger cell":       {"x" + big + ",1\nx,y\n", [][]string{nil, {"x", "y"}}},
		"larger quoted":     {"\"" + strings.Repeat("x\n", maxCell) + "\",1\nx,y\n", [][]string{nil, {"x", "y"}}},
		"large row":         {strings.Repeat(big+",", 9) + "1\nx,y\n", [][]string{nil, {"x", "y"}}},
		"many cells":        {strings.Repeat(",", maxFields) + "\nx\n", [][]string{nil, {"x"}}},
		"many quoted cells": {strings.Repeat("\"\",", maxFields) + "\nx\n", [][]string{nil, {"x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(test.text), iotest.HalfReader(strings.NewReader(test.text)), iotest.DataErrReader(strings.NewReader(test.text))} {
				got, err := readCSV(r)
				if err != nil || !slices.EqualFunc(got, test.want, slices.Equal) {
					t.Errorf("%v, %d records", err, len(got))
				}
			}
		})
	}
	for name, text := range map[string]string{"open quote": "a,b\n\"1,2\n3,4\n", "lines lost": "a\n\"x\ny\"z\n1\n"} {
		if got, err := readCSV(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	reset := errors.New("reset")
	if _, err := readCSV(io.MultiReader(strings.NewReader("a,b\n1,2\n"), iotest.ErrReader(reset))); !errors.Is(err, reset) {
		t.Errorf("a reset is %v", err)
	}
	if _, err := readCSV(iotest.ErrReader(reset)); !errors.Is(err, reset) {
		t.Errorf("a reset is %v", err)
	}
}

// What encoding/csv writes comes back.
func TestCSVRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringOf(rapid.SampledFrom([]rune("ab,\"\n\r\x00é ")))
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 5), 1, 6).Draw(t, "rows")
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		for _, row := range rows {
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], "\r", "")
			}
		}
		if err := w.WriteAll(rows); err != nil {
			t.Skip()
		}
		got, err := readCSV(iotest.OneByteReader(&text))
		if err != nil || !slices.EqualFunc(got, rows, slices.Equal) {
			t.Fatalf("%v: got %q, want %q", err, got, rows)
		}
	})
}

func TestCells(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ typ, cell, want string }{
		{"int", "0", "0"}, {"int", "7", "7"}, {"int", "-7", "-7"}, {"int", "007", "7"}, {"int", "+7", "7"}, {"int", " 7 ", "7"}, {"int", "", "null"}, {"int", "  ", "null"},
		{"int", "999999999999999999", "999999999999999999"}, {"int", "9223372036854775807", "9223372036854775807"}, {"int", "-9223372036854775808", "-9223372036854775808"},
		{"int", "9223372036854775808", ""}, {"int", "7.0", ""}, {"int", "1e3", ""}, {"int", "1_000", ""}, {"int", "1,000", ""}, {"int", "-", ""}, {"int", "0x10", ""}, {"int", "7\x00", ""}, {"int", "x", ""},
		{"date", "2026-02-28", `"2026-02-28"`}, {"date", "2024-02-29", `"2024-02-29"`}, {"date", "", "null"}, {"date", "2026-02-29", ""}, {"date", "2026-13-01", ""}, {"date", "2026-00-10", ""},
		{"date", "2026-04-31", ""}, {"date", "0001-01-01", ""}, {"date", "2026-1-1", ""}, {"date", "01/02/2026", ""}, {"date", "2026-02-2x", ""}, {"date", "2026-02-28T00:00:00Z", ""},
		{"bool", "True", "true"}, {"bool", "FALSE", "false"}, {"bool", "Yes", "true"}, {"bool", "no", "false"}, {"bool", "", "null"}, {"bool", "1", ""}, {"bool", "maybe", ""}, {"bool", "N\x0f", ""},
		{"text", "", "null"}, {"text", " ", `" "`}, {"text", "a\"b\\\x00\r\n", `"a\"b\\\u0000\r\n"`}, {"text", "\xff", `"` + "\ufffd" + `"`}, {"text", "é", `"é"`},
	} {
		buf, value, ok := literal([]byte("before"), test.typ, []byte(test.cell))
		if ok != (test.want != "") || string(value) != test.want || ok && !value.IsValid() {
			t.Errorf("%s %q: %s %v, want %s", test.typ, test.cell, value, ok, test.want)
		}
		if !bytes.HasPrefix(buf, []byte("before")) {
			t.Errorf("%s %q: buffer %q", test.typ, test.cell, buf)
		}
	}
	for name, want := range map[string]bool{"77E5979DD60BA6EAA53E814DBEEEFA5F": true, "77e5979dd60ba6eaa53e814dbeeefa5f": false, "77E5979DD60BA6EAA53E814DBEEEFA5": false, "": false, "77E5979DD60BA6EAA53E814DBEEEFA5G": false} {
		if isConcealed([]byte(name)) != want {
			t.Errorf("concealed %q", name)
		}
	}
}
