package dashboard

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seatstream/seatstream/internal/output"
)

// position is a SKU's seats, of one tenant or summed over several.
type position struct {
	SKUID, SKU, Name string
	Enabled, Held    int64
	Use              [4]int64 // by states
	Unassigned, Over int64
	Unused           amounts
}

// positions sums the rows of licence-position by SKU: most unused money first, then most
// seats.
func positions(f *found) []position {
	at := map[string]int{}
	var all []position
	for _, r := range f.rows {
		id := r.Text("sku_id")
		i, known := at[id]
		if !known {
			i = len(all)
			at[id] = i
			all = append(all, position{SKUID: id, SKU: r.Text("sku"), Name: output.Line(cmp.Or(r.Text("name"), r.Text("sku"))), Unused: amounts{}})
		}
		all[i].plus(r)
	}
	slices.SortStableFunc(all, func(a, b position) int {
		return cmp.Or(b.Unused.most().Cmp(a.Unused.most()), cmp.Compare(b.seats(), a.seats()), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func (p *position) plus(r row) {
	p.Enabled += r.Count("enabled")
	p.Held += r.Count("holders")
	for i, column := range []string{"active", "inactive", "never_used", "unknown"} {
		p.Use[i] += r.Count(column)
	}
	p.Unassigned += r.Count("unassigned")
	p.Over += r.Count("over_allocated")
	if amount, ok := r.Money("unused_cost"); ok {
		p.Unused.add(r.Text("currency"), amount)
	}
}

func (p *position) seats() int64 {
	n := p.Unassigned
	for _, use := range p.Use {
		n += use
	}
	return n
}

// chart is a drawing in units of its own; the page scales it.
type chart struct {
	Label         string
	Width, Height int
	Bars          []bar
	More          int // products that found no room and stand in the table
}

type bar struct {
	Label                string
	TextY, BarY, NumberY int
	Parts                []part
}

type part struct {
	Class, Title, Text string
	X, Width, TextX    float64
}

const (
	chartWidth = 940
	chartLine  = 46
	chartBars  = 12
	textRoom   = 34 // a number is written into a part that is as wide
	gap        = 1
)

// draw makes one bar a SKU, each as long as the others: products differ too much in size
// for one scale, so the size is said in words.
func draw(list []position) *chart {
	c := &chart{Label: "Seats of every product by use; the table has the same figures", Width: chartWidth}
	for _, p := range list {
		if p.seats() == 0 {
			continue
		}
		if len(c.Bars) == chartBars {
			c.More++
			continue
		}
		c.Bars = append(c.Bars, p.bar(len(c.Bars)))
	}
	c.Height = len(c.Bars) * chartLine
	return c
}

func (p *position) bar(i int) bar {
	y := i * chartLine
	name := []rune(p.Name)
	if len(name) > 56 {
		name = append(name[:55], '…')
	}
	b := bar{Label: fmt.Sprintf("%s: %s seats", string(name), count(p.seats())), TextY: y + 13, BarY: y + 18, NumberY: y + 34}
	b.Parts = p.parts(chartWidth)
	return b
}

// parts are the pieces of a bar of that width, in the order of the states.
func (p *position) parts(width float64) (out []part) {
	most := max(p.seats(), 1)
	x := 0.0
	add := func(class, what string, n int64) {
		if n <= 0 {
			return
		}
		w := float64(n) * width / float64(most)
		q := part{Class: class, Title: fmt.Sprintf("%s: %s %s", p.Name, count(n), what), X: x, Width: max(w-gap, 0.5)}
		if w >= textRoom {
			q.Text, q.TextX = count(n), x+w/2
		}
		x += w
		out = append(out, q)
	}
	for i, n := range p.Use {
		add(stateClass(states[i]), states[i], n)
	}
	add("s-unassigned", "unassigned", p.Unassigned)
	return out
}
