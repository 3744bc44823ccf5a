package output

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// figure is a number in the form JSON has, exact: decimals and large integers do not
// pass through a float.
type figure string

// decimal is the grammar of a JSON number without exponent.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// normal brings a cell into one of few forms: nil, string, figure, bool, time.Time,
// []string. Unknown is nil: a nil pointer, a time that was never set, a number that is
// none.
func normal(v any, t Type) any {
	switch c := v.(type) {
	case nil:
		return nil
	case string:
		if t.numeric() && decimal.MatchString(c) {
			return figure(c)
		}
		return c
	case []string:
		return c
	case time.Time:
		switch {
		case c.IsZero():
			return nil
		case t == Date:
			return c // a day has no zone: its midnight elsewhere is the day before in UTC
		}
		return c.UTC()
	case []byte:
		return string(c)
	}
	return normalOther(reflect.ValueOf(v), t)
}

// normalOther reads what has a text of its own before what it is made of, since a
// decimal is a struct and a UUID an array.
func normalOther(v reflect.Value, t Type) any {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		if err, ok := v.Interface().(error); ok {
			return err.Error()
		}
		// Only the pointer may have the method, as *big.Int does.
		own := v.Elem().Type().Implements(reflect.TypeFor[fmt.Stringer]())
		if own || !v.Type().Implements(reflect.TypeFor[fmt.Stringer]()) {
			return normal(v.Elem().Interface(), t)
		}
	}
	switch c := v.Interface().(type) {
	case fmt.Stringer:
		return normal(c.String(), t)
	case error:
		return c.Error()
	}
	switch v.Kind() {
	case reflect.String:
		return normal(v.String(), t)
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return figure(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return figure(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
		return figure(strconv.FormatFloat(v.Float(), 'f', -1, v.Type().Bits()))
	case reflect.Slice, reflect.Array:
		texts := make([]string, v.Len())
		for i := range texts {
			texts[i] = machine(normal(v.Index(i).Interface(), Text), Text, ", ")
		}
		return texts
	}
	return fmt.Sprint(v.Interface())
}

// machine is a normal cell as CSV has it.
func machine(v any, t Type, between string) string {
	switch c := v.(type) {
	case nil:
		return ""
	case figure:
		return string(c)
	case bool:
		return strconv.FormatBool(c)
	case time.Time:
		return c.Format(layout(t))
	case []string:
		return strings.Join(c, between)
	}
	return v.(string)
}

// layout is how programs get a moment or a day.
func layout(t Type) string {
	if t == Date {
		return time.DateOnly
	}
	return time.RFC3339Nano
}

// people is a normal cell as the table has it.
func people(v any, col Column, unit string) string {
	switch c := v.(type) {
	case nil:
		if col.Type == Bool {
			return "unknown"
		}
		return "-"
	case figure:
		return amount(c, col.Type, unit)
	case bool:
		if c {
			return "yes"
		}
		return "no"
	case time.Time:
		if col.Type == Date {
			return c.Format(time.DateOnly)
		}
		return c.Format("2006-01-02 15:04 UTC")
	case []string:
		return clean(strings.Join(c, ", "))
	}
	return clean(v.(string))
}

// amount shows a figure: thousands separated, two decimals for money, one for a share.
func amount(f figure, t Type, unit string) string {
	n, ok := new(big.Rat).SetString(string(f))
	if !ok {
		return string(f)
	}
	switch t {
	case Money:
		text := group(n.FloatString(2))
		if unit == "" {
			return text
		}
		return clean(unit) + " " + text
	case Share:
		return group(n.Mul(n, big.NewRat(100, 1)).FloatString(1)) + "%"
	case Count, Number:
		const places = 2 // more digits than anyone compares by eye
		text := string(f)
		if whole, fraction, _ := strings.Cut(text, "."); len(fraction) > places {
			if text = strings.TrimRight(strings.TrimRight(n.FloatString(places), "0"), "."); text == "-0" {
				text = strings.TrimPrefix(whole, "-")
			}
		}
		return group(text)
	}
	return string(f)
}

// CellText is a cell as the table shows it to people; unit is the currency of Money.
func CellText(v any, col Column, unit string) string { return people(normal(v, col.Type), col, unit) }

// Decimal is a figure's exact decimal text, and false where the cell is unknown or none.
func Decimal(v any) (string, bool) {
	f, ok := normal(v, Number).(figure)
	return string(f), ok
}

// Line makes a text one harmless line, as the table does.
func Line(s string) string { return clean(s) }
