package dashboard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/seatstream/seatstream/internal/output"
)

// The states of use: the same words, order and colours everywhere.
var states = []string{"active", "inactive", "never used", "unknown"}

// stateClass is the class that has a state's colour and pattern.
func stateClass(state string) string { return "s-" + strings.ReplaceAll(state, " ", "-") }

// headings are the columns that people call something else.
var headings = map[string]string{
	"sku": "Product", "name": "Product", "user_principal_name": "User", "display_name": "Person", "unused_cost": "Unused a month", "price": "Price a seat",
	"report_date": "Report to", "last_use": "Last used", "never_used": "Never used", "over_allocated": "Over-allocated", "enabled": "Bought",
	"saving": "Saving a month", "bill": "Bill a month", "cost": "Cost a month", "at_stake": "At stake a month", "to_sku": "Would do", "account_enabled": "Enabled",
	"excluded": "Left alone", "reassignable_now": "Reassignable now", "reducible_at_renewal": "Reducible at renewal", "part": "Group",
}

func heading(column string) string {
	if h := headings[column]; h != "" {
		return h
	}
	words := strings.ReplaceAll(column, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// count shows a whole number with thousands separated.
func count[N int | int64 | uint64](n N) string {
	return proper(output.CellText(int64(n), output.Column{Type: output.Count}, ""))
}

// proper writes what the command line writes in ASCII as type does.
func proper(s string) string {
	if s == "-" {
		return "–"
	}
	if strings.HasPrefix(s, "-") {
		return "\u2212" + s[1:]
	}
	return s
}

// amounts are sums by currency: currencies are never added up.
type amounts map[string]decimal.Decimal

func (a amounts) add(currency string, amount decimal.Decimal) {
	a[currency] = a[currency].Add(amount)
}

// String lists the amounts, without those of zero where there are others; empty where there
// is none.
func (a amounts) String() string {
	var parts, zeros []string
	for _, currency := range slices.Sorted(maps.Keys(a)) {
		if a[currency].IsZero() {
			zeros = append(zeros, money(a[currency], currency))
			continue
		}
		parts = append(parts, money(a[currency], currency))
	}
	if len(parts) == 0 {
		parts = zeros
	}
	return strings.Join(parts, " + ")
}

func (a amounts) most() (most decimal.Decimal) {
	for _, amount := range a {
		most = decimal.Max(most, amount)
	}
	return most
}

// minus is the difference by currency.
func (a amounts) minus(b amounts) amounts {
	d := maps.Clone(a)
	for currency, amount := range b {
		d[currency] = d[currency].Sub(amount)
	}
	return d
}

func money(amount decimal.Decimal, currency string) string {
	text := output.CellText(amount, output.Column{Type: output.Money}, "")
	return output.Line(currency) + noBreak + proper(text)
}

// noBreak keeps a currency beside its amount.
const noBreak = "\u00a0"

// moment is a time with the age beside it.
func moment(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func day(t *time.Time) string {
	if t == nil {
		return "none"
	}
	return t.Format(time.DateOnly)
}

// age says how long something is past or ahead.
func age(t, now time.Time) string {
	d := now.Sub(t)
	ahead := d < 0
	d = d.Abs()
	text := fmt.Sprintf("%d days", int(d.Hours()/24))
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		text = fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		text = fmt.Sprintf("%d h", int(d.Hours()))
	}
	if ahead {
		return "in " + text
	}
	return text + " ago"
}

// dayAge counts days of the calendar.
func dayAge(t, now time.Time) string {
	y, m, d := now.UTC().Date()
	n := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)).Hours() / 24)
	switch {
	case n == 0:
		return "today"
	case n == 1:
		return "yesterday"
	case n < 0:
		return fmt.Sprintf("in %d days", -n)
	case n > 730:
		return fmt.Sprintf("%d years ago", n/365)
	}
	return fmt.Sprintf("%d days ago", n)
}
