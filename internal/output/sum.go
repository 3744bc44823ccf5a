package output

import (
	"math/big"
	"strings"
)

// sum adds a column up, exactly, and remembers what it could not add.
type sum struct {
	total   *big.Rat
	unit    string
	mixed   bool // amounts in several currencies have no sum
	known   int
	unknown int
}

func newSum() *sum { return &sum{total: new(big.Rat)} }

func (s *sum) add(v any, unit string) {
	f, ok := v.(figure)
	if !ok {
		s.unknown++
		return
	}
	n, ok := new(big.Rat).SetString(string(f))
	if !ok {
		s.unknown++
		return
	}
	if s.known > 0 && unit != s.unit {
		s.mixed = true
	}
	s.unit = unit
	s.known++
	s.total.Add(s.total, n)
}

// text is the sum as the column shows its figures.
func (s *sum) text(col Column) string {
	const places = 12 // beyond any amount there is; the column rounds for itself
	switch {
	case s.known == 0:
		return "-"
	case s.mixed:
		return "mixed"
	}
	digits := s.total.FloatString(places)
	digits = strings.TrimRight(strings.TrimRight(digits, "0"), ".")
	return amount(figure(digits), col.Type, s.unit)
}
