package catalogue

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seatstream/seatstream/schemas"
)

// Price is what a seat of a SKU costs a month in a stretch of time.
type Price struct {
	Tenant, SKU    string // GUIDs; the tenant of zeros stands for all
	Price          string // decimal, up to four places
	Currency, Term string
	From           time.Time
	To             *time.Time // last day; nil: until a later price
	Line           int
}

// Terms are the terms of a price.
var Terms = []string{"monthly", "annual", "triennial"}

var (
	priceColumns = []string{"tenant", "sku", "price", "currency", "term", "from"}
	amount       = regexp.MustCompile(`^[0-9]{1,14}(\.[0-9]{1,4})?$`)
)

// Lookup finds the GUIDs of names that people use. An empty id means that there is none;
// an error says why it could not be decided.
type Lookup struct {
	Tenant func(name string) (string, error) // domain, connector or id
	SKU    func(name string) (string, error) // part number
}

// BadLines are all faults of a file, so that they can be mended at once.
type BadLines struct {
	What   string
	Faults []string // each begins with its line
}

func (e *BadLines) Error() string {
	return fmt.Sprintf("%s: %d bad lines, nothing was imported\n  %s", e.What, len(e.Faults), strings.Join(e.Faults, "\n  "))
}

// ReadPrices reads a price list: tenant (a name or "all"), sku (part number or GUID), price
// of a seat a month, currency, term, from, and to, which may be blank. Where any line is
// wrong the error names every one. before are the prices that are stored already: a new
// one with the same tenant, SKU, currency, term and first day replaces it, and may not
// overlap any other.
func ReadPrices(r io.Reader, find Lookup, before []Price) ([]Price, error) {
	in, err := newLines(r, "price file", priceColumns, []string{"to"})
	if err != nil {
		return nil, err
	}
	faults := &BadLines{What: "price file"}
	var prices []Price
	for {
		row, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		p, bad := readPrice(row, find)
		for _, b := range bad {
			faults.Faults = append(faults.Faults, fmt.Sprintf("line %d: %s", row.number, b))
		}
		if len(bad) == 0 {
			prices = append(prices, p)
		}
	}
	faults.Faults = append(faults.Faults, collisions(prices, before)...)
	if len(faults.Faults) > 0 {
		slices.SortStableFunc(faults.Faults, func(a, b string) int { return cmp.Compare(lineOf(a), lineOf(b)) })
		return nil, faults
	}
	if len(prices) == 0 {
		return nil, errors.New("price file: it has a header and no price")
	}
	return prices, nil
}

func lineOf(fault string) (n int) {
	_, _ = fmt.Sscanf(fault, "line %d:", &n) // every fault is written with its line
	return n
}

// readPrice reads one line and lists everything that is wrong with it.
func readPrice(row line, find Lookup) (p Price, bad []string) {
	fault := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	p.Line = row.number
	var err error
	switch name := row.text("tenant"); {
	case name == "":
		fault("tenant is blank: give a tenant, or all")
	case strings.EqualFold(name, "all"):
		p.Tenant = schemas.AllTenants
	default:
		if p.Tenant, err = find.Tenant(name); err != nil {
			fault("%v", err)
		}
	}
	switch name := row.text("sku"); {
	case name == "":
		fault("sku is blank: give a part number or a GUID")
	case schemas.IsGUID(strings.ToLower(name)):
		p.SKU = strings.ToLower(name)
	default:
		if p.SKU, err = find.SKU(name); err != nil {
			fault("%v", err)
		}
	}
	switch p.Price = row.text("price"); {
	case strings.HasPrefix(p.Price, "-"):
		fault("price %s is negative", p.Price)
	case !amount.MatchString(p.Price):
		fault("price %q: want a figure such as 36.40, with at most four places", p.Price)
	}
	if p.Currency = row.text("currency"); !slices.Contains(currencies, p.Currency) {
		fault("currency %q is no ISO 4217 code: want one such as EUR", p.Currency)
	}
	if p.Term = row.text("term"); !slices.Contains(Terms, p.Term) {
		fault("term %q: want one of %s", p.Term, strings.Join(Terms, ", "))
	}
	if p.From, err = day(row.text("from")); err != nil {
		fault("from %q: want a day such as 2026-07-01", row.text("from"))
	}
	if to := row.text("to"); to != "" {
		last, err := day(to)
		switch p.To = &last; {
		case err != nil:
			fault("to %q: want a day such as 2027-06-30, or nothing", to)
		case last.Before(p.From):
			fault("to %s is before from %s", to, row.text("from"))
		}
	}
	return p, bad
}

// day reads a day that Date32 can hold.
func day(s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err == nil && (t.Year() < 1990 || t.Year() > 2200) {
		err = errors.New("out of range")
	}
	return t, err
}

type priceKey struct{ tenant, sku, currency, term string }

// collisions lists the lines that say the same as another, or speak of the same days. A
// price without end ends where the next one begins.
func collisions(prices, before []Price) (faults []string) {
	byKey := map[priceKey][]Price{}
	for _, p := range prices {
		k := priceKey{p.Tenant, p.SKU, p.Currency, p.Term}
		byKey[k] = append(byKey[k], p)
	}
	for _, p := range before {
		k := priceKey{p.Tenant, p.SKU, p.Currency, p.Term}
		replaced := slices.ContainsFunc(byKey[k], func(q Price) bool { return q.Line > 0 && q.From.Equal(p.From) })
		if len(byKey[k]) > 0 && !replaced {
			p.Line = 0
			byKey[k] = append(byKey[k], p)
		}
	}
	for _, list := range byKey {
		slices.SortStableFunc(list, func(a, b Price) int {
			return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Line, b.Line))
		})
		widest := list[0] // of those before, the one that ends last
		for _, b := range list[1:] {
			faults = append(faults, collision(widest, b)...)
			if b.To != nil && (widest.To == nil || b.To.After(*widest.To)) || widest.To == nil {
				widest = b
			}
		}
	}
	return faults
}

// collision compares a price with one that does not begin before it.
func collision(a, b Price) []string {
	if a.From.Equal(b.From) {
		what := "speaks of the same seat and first day as"
		if a.Price == b.Price && sameDay(a.To, b.To) {
			what = "is a duplicate of"
		}
		return []string{fmt.Sprintf("line %d: it %s line %d", b.Line, what, a.Line)}
	}
	if a.To == nil || a.To.Before(b.From) {
		return nil
	}
	at, other := b, a
	if at.Line == 0 {
		at, other = a, b
	}
	if at.Line == 0 {
		return nil // both are stored
	}
	return []string{fmt.Sprintf("line %d: its time overlaps that of %s", at.Line, other.place())}
}

func sameDay(a, b *time.Time) bool { return a == b || a != nil && b != nil && a.Equal(*b) }

func (p Price) place() string {
	if p.Line > 0 {
		return fmt.Sprintf("line %d", p.Line)
	}
	return "the stored price from " + p.From.Format(time.DateOnly)
}
