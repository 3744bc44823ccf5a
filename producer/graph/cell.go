package graph

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seatstream/seatstream/schemas"
)

// The literals that most cells become are shared, not copied.
var (
	literalNull  = jsontext.Value("null")
	literalTrue  = jsontext.Value("true")
	literalFalse = jsontext.Value("false")
)

const (
	zeroGUID    = "00000000-0000-0000-0000-000000000000"
	unknownName = "(Unknown)"
)

// literal appends the JSON literal of a cell of the given column type to dst and returns
// it. ok is false if the cell is not of the type.
func literal(dst []byte, typ string, cell []byte) (grown []byte, value jsontext.Value, ok bool) {
	if typ == schemas.ColumnText {
		if len(cell) == 0 {
			return dst, literalNull, true
		}
		dst, value = quoted(dst, cell)
		return dst, value, true
	}
	cell = bytes.TrimSpace(cell)
	if len(cell) == 0 {
		return dst, literalNull, true
	}
	switch typ {
	case schemas.ColumnInt:
		return integer(dst, cell)
	case schemas.ColumnDate:
		if isDate(cell) {
			dst, value = quoted(dst, cell)
			return dst, value, true
		}
	case schemas.ColumnBool:
		if value = boolean(cell); value != nil {
			return dst, value, true
		}
	}
	return dst, nil, false
}

func quoted(dst, cell []byte) ([]byte, jsontext.Value) {
	start := len(dst)
	dst, _ = jsontext.AppendQuote(dst, cell) // bad UTF-8 is replaced
	return dst, jsontext.Value(dst[start:len(dst):len(dst)])
}

// integer takes whole numbers of 64 bits, also with leading zeros or a sign, which JSON
// does not know.
func integer(dst, cell []byte) ([]byte, jsontext.Value, bool) {
	start := len(dst)
	if len(cell) <= 18 && cell[0] >= '1' && cell[0] <= '9' || len(cell) == 1 {
		for _, c := range cell {
			if c < '0' || c > '9' {
				return wideInteger(dst, cell)
			}
		}
		dst = append(dst, cell...)
		return dst, jsontext.Value(dst[start:len(dst):len(dst)]), true
	}
	return wideInteger(dst, cell)
}

func wideInteger(dst, cell []byte) ([]byte, jsontext.Value, bool) {
	n, err := strconv.ParseInt(string(cell), 10, 64)
	if err != nil {
		return dst, nil, false
	}
	start := len(dst)
	dst = strconv.AppendInt(dst, n, 10)
	return dst, jsontext.Value(dst[start:len(dst):len(dst)]), true
}

// boolean takes both spellings of the reports: True and False, Yes and No.
func boolean(cell []byte) jsontext.Value {
	switch {
	case equalFold(cell, "true"), equalFold(cell, "yes"):
		return literalTrue
	case equalFold(cell, "false"), equalFold(cell, "no"):
		return literalFalse
	}
	return nil
}

func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		if b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

// isDate takes YYYY-MM-DD of the calendar, from 1900 to 2299: the dates that a date
// column can hold. Others, such as 0001-01-01, are kept as text.
func isDate(b []byte) bool {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return false
	}
	number := func(b []byte) int {
		n := 0
		for _, c := range b {
			if c < '0' || c > '9' {
				return -1 << 20
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	y, m, d := number(b[:4]), number(b[5:7]), number(b[8:])
	return y >= 1900 && y <= 2299 && m >= 1 && m <= 12 && d >= 1 && d <= daysIn(y, m)
}

func daysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// isConcealed reports whether a name is one that Microsoft 365 put in place of the real
// one: exactly 32 upper-case hex digits.
func isConcealed(b []byte) bool {
	if len(b) != 32 {
		return false
	}
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

func isZeroGUID(b []byte) bool { return string(b) == zeroGUID }

// names nobody: blank, all zeros, or the report's own word for it.
func isNobody(b []byte) bool {
	return len(b) == 0 || isZeroGUID(b) || string(b) == unknownName
}

// appendLower appends b in lower case.
func appendLower(dst, b []byte) []byte {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return append(dst, bytes.ToLower(b[i:])...)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// fold is the form in which column names are compared: the reports differ in blanks
// ("Used  Chrome OS") and case between documentation and tenants.
func fold(name string) string {
	return strings.Join(strings.Fields(strings.ToLower(name)), " ")
}
