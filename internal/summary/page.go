package summary

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

//go:embed page.html.tmpl
var pageText string

// page is parsed once; the template is part of the program.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"count": count, "day": day, "moment": moment, "line": line,
}).Parse(pageText))

// Write writes the page.
func Write(w io.Writer, s *Summary) error {
	if err := page.Execute(w, newView(s)); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// view is a summary as the template takes it.
type view struct {
	*Summary
	Total SKU
	Bars  []bar
	Chart struct{ Width, Height int }
}

// bar is one line of the chart, in units of its drawing.
type bar struct {
	Label    string
	Y, TextY int
	ValueY   int
	Parts    []part
}

type part struct {
	Class, Title, Text string
	X, Width, TextX    float64
}

const (
	chartWidth = 640
	barHeight  = 26
	barGap     = 22
	maxBars    = 20
	textRoom   = 34 // a number is written into a part that is as wide
	labelRunes = 60
)

func newView(s *Summary) *view {
	v := &view{Summary: s, Total: SKU{Unused: Money{}}}
	for _, k := range s.SKUs {
		v.Total.Enabled += k.Enabled
		v.Total.Consumed += k.Consumed
		v.Total.Unassigned += k.Unassigned
		v.Total.OverAllocated += k.OverAllocated
		v.Total.Excluded += k.Excluded
		v.Total.Unpriced += k.Unpriced
		for i, n := range k.Use {
			v.Total.Use[i] += n
		}
		for currency, amount := range k.Unused {
			v.Total.Unused[currency] = v.Total.Unused[currency].Add(amount)
		}
	}
	shown := s.SKUs[:min(len(s.SKUs), maxBars)]
	for i, k := range shown {
		v.Bars = append(v.Bars, k.bar(i))
	}
	v.Chart.Width, v.Chart.Height = chartWidth, len(shown)*(barHeight+barGap)
	return v
}

// seats are all that the bar of a SKU shows.
func (s SKU) seats() int64 {
	n := s.Unassigned
	for _, use := range s.Use {
		n += use
	}
	return n
}

// bar shows the parts of one SKU's seats: products differ too much in size for one scale,
// so the size is said in words.
func (s SKU) bar(i int) bar {
	most := max(s.seats(), 1)
	y := i * (barHeight + barGap)
	b := bar{Label: cut(line(s.Name), labelRunes) + ": " + count(s.seats()) + " seats", Y: y + barGap - 4, TextY: y + barGap - 9, ValueY: y + barGap + 12}
	x := 0.0
	add := func(class, name string, n int64) {
		if n <= 0 {
			return
		}
		p := part{Class: class, Title: fmt.Sprintf("%s: %s %s", line(s.Name), count(n), name), X: x, Width: float64(n) * chartWidth / float64(most)}
		if p.Width >= textRoom {
			p.Text, p.TextX = count(n), p.X+p.Width/2
		}
		x += p.Width
		b.Parts = append(b.Parts, p)
	}
	for state, n := range s.Use {
		add("s"+fmt.Sprint(state), StateNames[state], n)
	}
	add("s4", "unassigned", s.Unassigned)
	return b
}

// UnusedText lists the unused money per currency.
func (s SKU) UnusedText() string {
	var parts []string
	for _, c := range slices.Sorted(maps.Keys(s.Unused)) {
		whole, cents, _ := strings.Cut(s.Unused[c].StringFixed(2), ".")
		parts = append(parts, line(c)+" "+grouped(whole)+"."+cents)
	}
	return strings.Join(parts, " + ")
}

// count shows a whole number with thousands separated.
func count(n int64) string { return grouped(fmt.Sprint(n)) }

func grouped(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "\u2212", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

func day(t *time.Time) string {
	if t == nil {
		return "none"
	}
	return t.Format(time.DateOnly)
}

func moment(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// line makes a name one harmless line: what steers the direction of writing or cannot be
// seen is dropped. That it cannot be markup is the template's business.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

func cut(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes-1]) + "…"
	}
	return s
}
