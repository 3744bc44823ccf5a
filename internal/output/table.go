package output

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

const (
	ansiBold  = "\x1b[1m"
	ansiFaint = "\x1b[2m"
	ansiReset = "\x1b[0m"
)

// tableWriter keeps the rows it will show, already as text, and the sums of all.
type tableWriter struct {
	w       io.Writer
	opt     Options
	head    Table
	unitAt  []int // column with the unit of each column, -1 none
	visible []int // columns shown
	rows    [][]string
	count   int
	sums    []*sum
}

func (t *tableWriter) Begin(head *Table) error {
	t.head = *head
	columns := head.Columns
	hidden := map[int]bool{}
	t.unitAt, t.sums = make([]int, len(columns)), make([]*sum, len(columns))
	for i, c := range columns {
		t.unitAt[i] = -1
		if c.UnitOf != "" {
			at := slices.IndexFunc(columns, func(o Column) bool { return o.Name == c.UnitOf })
			if at < 0 {
				return fmt.Errorf("write table: no column %q for the unit of %q", c.UnitOf, c.Name)
			}
			t.unitAt[i], hidden[at] = at, true
		}
		if c.Total {
			t.sums[i] = newSum()
		}
	}
	for i := range columns {
		if !hidden[i] {
			t.visible = append(t.visible, i)
		}
	}
	return nil
}

func (t *tableWriter) Row(cells []any) error {
	columns := t.head.Columns
	if err := fits(cells, columns); err != nil {
		return err
	}
	t.count++
	show := t.opt.MaxRows <= 0 || len(t.rows) < t.opt.MaxRows
	var row []string
	for _, i := range t.visible {
		unit := columns[i].Unit
		if at := t.unitAt[i]; at >= 0 {
			unit = machine(normal(cells[at], Text), Text, ", ")
		}
		v := normal(cells[i], columns[i].Type)
		if t.sums[i] != nil {
			t.sums[i].add(v, unit)
		}
		if show {
			row = append(row, people(v, columns[i], unit))
		}
	}
	if show {
		t.rows = append(t.rows, row)
	}
	return nil
}

func (t *tableWriter) End(notes ...string) error {
	var b strings.Builder
	if head := strings.TrimSpace(clean(t.head.Title) + "   " + clean(t.head.Subtitle)); head != "" {
		b.WriteString(t.paint(ansiBold, head) + "\n")
	}
	total, remarks := t.totals()
	b.WriteString(t.render(total))
	if hidden := t.count - len(t.rows); hidden > 0 {
		remarks = append(remarks, fmt.Sprintf("%s more rows not shown; -o csv and -o json give all", group(strconv.Itoa(hidden))))
	}
	if t.count == 0 {
		remarks = append(remarks, orDefault(clean(t.head.Empty), "no rows"))
	}
	for _, note := range append(remarks, notes...) {
		b.WriteString(t.paint(ansiFaint, clean(note)) + "\n")
	}
	if _, err := io.WriteString(t.w, b.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// totals is the last row, or nil: one row is its own total. What a sum leaves out is
// said in a remark, since a total that is quietly too low misleads.
func (t *tableWriter) totals() (row, remarks []string) {
	if t.count < 2 || !slices.ContainsFunc(t.sums, func(s *sum) bool { return s != nil }) {
		return nil, nil
	}
	for n, i := range t.visible {
		col, s := t.head.Columns[i], t.sums[i]
		switch {
		case s != nil:
			row = append(row, s.text(col))
			if s.unknown > 0 && s.known > 0 {
				remarks = append(remarks, fmt.Sprintf("total of %s leaves out %s unknown", header(col), group(strconv.Itoa(s.unknown))))
			}
		case n == 0 && t.head.Noun != "":
			row = append(row, group(strconv.Itoa(t.count))+" "+clean(t.head.Noun))
		case n == 0:
			row = append(row, "total")
		default:
			row = append(row, "")
		}
	}
	return row, remarks
}

// render lays the rows out: two spaces between columns, no lines, nothing behind the
// last column.
func (t *tableWriter) render(total []string) string {
	if len(t.visible) == 0 {
		return ""
	}
	lines := append([][]string{t.headers()}, t.rows...)
	if total != nil {
		lines = append(lines, total)
	}
	t.fit(lines)

	tw := table.NewWriter()
	tw.SetStyle(plainStyle())
	configs := make([]table.ColumnConfig, len(t.visible))
	for n, i := range t.visible {
		align := text.AlignLeft
		if t.head.Columns[i].Type.numeric() {
			align = text.AlignRight
		}
		configs[n] = table.ColumnConfig{Number: n + 1, Align: align}
	}
	tw.SetColumnConfigs(configs)
	for _, line := range lines {
		row := make(table.Row, len(line))
		for n, cell := range line {
			row[n] = cell
		}
		tw.AppendRow(row)
	}
	out := strings.Split(tw.Render(), "\n")
	for i := range out {
		out[i] = strings.TrimRight(out[i], " ")
		if i == 0 || total != nil && i == len(out)-1 {
			out[i] = t.paint(ansiBold, out[i])
		}
	}
	return strings.Join(out, "\n") + "\n"
}

// plainStyle has nothing but the two spaces behind each column.
func plainStyle() table.Style {
	s := table.Style{Name: "plain", Options: table.OptionsNoBordersAndSeparators}
	s.Box.PaddingRight = "  "
	return s
}

func (t *tableWriter) headers() []string {
	row := make([]string, len(t.visible))
	for n, i := range t.visible {
		row[n] = header(t.head.Columns[i])
	}
	return row
}

// header is the column's heading; the unit of money stands with each amount instead.
func header(c Column) string {
	name := c.Header
	if name == "" {
		name = strings.ToUpper(strings.ReplaceAll(c.Name, "_", " "))
	}
	if c.Unit != "" && c.Type != Money {
		name += " (" + c.Unit + ")"
	}
	return clean(name)
}

// fit cuts the longest columns of text until the lines have room, each no further than
// still tells its values apart. Figures and times are never cut: half a number is a
// wrong one.
func (t *tableWriter) fit(lines [][]string) {
	const gap, narrowest, ellipsis = 2, 8, "…"
	widths, sum := make([]int, len(t.visible)), gap*(len(t.visible)-1)
	for n := range widths {
		for _, line := range lines {
			widths[n] = max(widths[n], text.StringWidthWithoutEscSequences(line[n]))
		}
		sum += widths[n]
	}
	for t.opt.Width > 0 && sum > t.opt.Width {
		longest := -1
		for n, i := range t.visible {
			if t.head.Columns[i].Type == Text && widths[n] > narrowest && (longest < 0 || widths[n] > widths[longest]) {
				longest = n
			}
		}
		if longest < 0 {
			break
		}
		widths[longest]--
		sum--
	}
	for _, line := range lines {
		for n := range line {
			line[n] = text.Snip(line[n], widths[n], ellipsis)
		}
	}
}

func (t *tableWriter) paint(colour, line string) string {
	if !t.opt.Color || line == "" {
		return line
	}
	return colour + line + ansiReset
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
