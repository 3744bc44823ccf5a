package dashboard

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
)

// pageRows is how many rows a list shows at once.
const pageRows = 50

// gridSpec says which answer a table shows, and how.
type gridSpec struct {
	ID, Caption string
	Query       string
	Params      map[string]string
	View        answer.View
	Only        []string // columns, in this order; none for all
	Hide        []string
	Paged       bool // sort and page are in the address
	Sum         []string
	Empty       string
	// Act adds a last column of what can be done about a row.
	Act      func(r row) cell
	ActTitle string
}

// grid is a table as the template draws it.
type grid struct {
	ID, Caption   string
	Columns       []head
	Rows          [][]cell
	Foot          []cell
	Total         uint64
	From, To      int
	Prev, Next    string
	CSV, XLSX     string // the same rows as a file
	Evidence      string // what the answer rests on
	Empty, Beyond string
}

type head struct {
	Title, Href, Sorted string
	Numeric             bool
	State               string
}

type cell struct {
	Text, Sub, Title, Href string
	Numeric                bool
	Whole                  bool // one line: a moment, a day, a state
	State                  string
	Label                  string // the column's title, for the card that a row is on a small screen
}

// grid asks and lays out.
func (rq *request) grid(ctx context.Context, spec gridSpec) (*grid, error) {
	v := spec.View
	pageNo := 1
	if spec.Paged {
		sort := rq.query.Get("sort")
		v.Sort, v.Desc = strings.TrimPrefix(sort, "-"), strings.HasPrefix(sort, "-")
		if n, err := strconv.Atoi(rq.query.Get("page")); err == nil {
			pageNo = min(max(1, n), 1_000_000)
		}
		v.Limit, v.Offset = pageRows, (pageNo-1)*pageRows
	}
	f, err := rq.ask(ctx, spec.Query, spec.Params, v)
	if err != nil {
		return nil, err
	}
	g := rq.layOut(f, spec)
	g.CSV, g.XLSX = rq.export(spec, v, "csv"), rq.export(spec, v, "xlsx")
	g.Evidence = rq.questionLink(spec)
	if len(f.rows) > 0 {
		g.From, g.To = v.Offset+1, v.Offset+len(f.rows)
	}
	if spec.Paged {
		if pageNo > 1 {
			g.Prev = rq.here("page", strconv.Itoa(pageNo-1))
			if len(f.rows) == 0 {
				g.Empty, g.Prev = "There is no such page of this list.", rq.here()
			}
		}
		if uint64(g.To) < f.total {
			g.Next = rq.here("page", strconv.Itoa(pageNo+1))
		}
	} else if uint64(len(f.rows)) < f.total {
		g.Beyond = fmt.Sprintf("Show all %s", count(f.total))
	}
	return g, nil
}

// layOut makes cells of rows that are asked already.
func (rq *request) layOut(f *found, spec gridSpec) *grid {
	g := &grid{ID: spec.ID, Caption: spec.Caption, Total: f.total, Empty: spec.Empty}
	if g.Empty == "" {
		g.Empty = "Nothing found."
	}
	shown := slices.DeleteFunc(rq.shown(f.columns, spec), func(c output.Column) bool { return slices.Contains(seldom, c.Name) && blank(f, c.Name) })
	for _, c := range shown {
		h := head{Title: heading(c.Name), Numeric: numeric(c)}
		if c.Type == output.Count && slices.Contains(states, strings.ReplaceAll(c.Name, "_", " ")) {
			h.State = stateClass(strings.ReplaceAll(c.Name, "_", " "))
		}
		if spec.Paged {
			sort := rq.query.Get("sort")
			h.Sorted, h.Href = "none", rq.here("sort", c.Name)
			switch sort {
			case c.Name:
				h.Sorted, h.Href = "ascending", rq.here("sort", "-"+c.Name)
			case "-" + c.Name:
				h.Sorted, h.Href = "descending", rq.here("sort", c.Name)
			}
		}
		g.Columns = append(g.Columns, h)
	}
	if spec.Act != nil {
		g.Columns = append(g.Columns, head{Title: spec.ActTitle})
	}
	for _, r := range f.rows {
		var cells []cell
		for i, c := range shown {
			x := rq.cell(r, c)
			x.Label, x.Numeric = g.Columns[i].Title, g.Columns[i].Numeric
			cells = append(cells, x)
		}
		if spec.Act != nil {
			x := spec.Act(r)
			x.Label = spec.ActTitle
			cells = append(cells, x)
		}
		g.Rows = append(g.Rows, cells)
	}
	g.Foot = foot(f, shown, spec)
	return g
}

// seldom are columns that say something about few rows: where none has anything to say,
// their room is better used.
var seldom = []string{"message", "remedy", "excluded", "blockers", "doubt", "superseded_plans", "problem", "states_before", "states_after"}

func blank(f *found, column string) bool {
	return !slices.ContainsFunc(f.rows, func(r row) bool {
		list, isList := r[column].([]string)
		return isList && len(list) > 0 || !isList && r.Text(column) != ""
	})
}

// beside are columns that are shown under another one: the id under the name.
var beside = map[string]string{"display_name": "user_principal_name", "name": "sku"}

// shown are the columns that people see: no ids, no tenant where there is one only.
func (rq *request) shown(all []output.Column, spec gridSpec) (out []output.Column) {
	has := func(name string) bool {
		return slices.ContainsFunc(all, func(c output.Column) bool { return c.Name == name })
	}
	if spec.Only != nil {
		for _, name := range spec.Only {
			if i := slices.IndexFunc(all, func(c output.Column) bool { return c.Name == name }); i >= 0 {
				out = append(out, all[i])
			}
		}
		return slices.DeleteFunc(out, func(c output.Column) bool { return c.Name == "tenant" && rq.tenant != nil })
	}
	for _, c := range all {
		under := (c.Name == "sku" && has("name") && !slices.Contains(spec.Hide, "name")) || (c.Name == "user_principal_name" && has("display_name"))
		if under || strings.HasSuffix(c.Name, "_id") || c.Name == "currency" || c.Name == "tenant" && rq.tenant != nil || slices.Contains(spec.Hide, c.Name) {
			continue
		}
		out = append(out, c)
	}
	return out
}

func numeric(c output.Column) bool { return c.Type >= output.Count && c.Type <= output.Share }

func isMoney(c output.Column) bool { return strings.HasPrefix(c.Exact, "Decimal") }

// cell shows one value.
func (rq *request) cell(r row, c output.Column) cell {
	v := r[c.Name]
	x := cell{Text: proper(output.CellText(v, c, ""))}
	switch {
	case isMoney(c):
		x.Text, x.Title = "–", "not known: no price, or it counts for nothing"
		if amount, ok := r.Money(c.Name); ok {
			x.Text, x.Title = money(amount, r.Text("currency")), ""
		}
	case c.Type == output.Time || c.Type == output.Date:
		if at, ok := v.(time.Time); ok && at.Year() > 1970 {
			x.Sub = age(at, rq.at())
			x.Whole = true
			if at.Equal(at.Truncate(24 * time.Hour)) {
				x.Text, x.Sub = at.Format(time.DateOnly), dayAge(at, rq.at())
			}
		} else {
			x.Text = "–"
		}
	case c.Name == "state":
		x.State, x.Whole = stateClass(x.Text), true
	case c.Name == "tenant":
		x.Title, x.Text = x.Text, strings.TrimSuffix(x.Text, ".onmicrosoft.com")
	}
	rq.linked(&x, r, c.Name)
	if under := beside[c.Name]; under != "" && r[under] != nil {
		x.Sub = output.Line(r.Text(under))
		if x.Text == x.Sub {
			x.Sub = ""
		}
		if x.Text == "" || x.Text == "–" {
			x.Text, x.Sub = x.Sub, ""
		}
	}
	if len(x.Text) > 60 {
		x.Title = x.Text
	}
	return x
}

// linked makes people, tenants and products lead to their pages.
func (rq *request) linked(x *cell, r row, column string) {
	switch column {
	case "user_principal_name", "display_name":
		if id := r.Text("user_id"); id != "" {
			x.Href = rq.link("/people/"+id, "tenant", r.Text("tenant_id"))
		}
	case "kind":
		if r["action"] != nil {
			x.Href = rq.savingLink(r)
		}
	case "tenant":
		x.Href = rq.link("/tenant", "tenant", r.Text("tenant"))
	case "name", "sku":
		if part := r.Text("sku"); part != "" && r.Text("user_id") == "" {
			x.Href = rq.link("/people", "tenant", r.Text("tenant"), "sku", part)
		}
	}
	if x.Text == "" || x.Text == "–" {
		x.Href = ""
	}
}

// savingLink leads from a saving to the seats that it counts.
func (rq *request) savingLink(r row) string {
	about := []string{"tenant", r.Text("tenant"), "sku", r.Text("sku")}
	switch kind := r.Text("kind"); kind {
	case "inactive", "never used":
		return rq.link("/people", append(about, "state", kind)...)
	case "disabled account":
		return rq.link("/people", append(about, "show", "disabled")...)
	case "unassigned":
		return rq.link("/questions/unassigned", "tenant", r.Text("tenant"), "where", "sku:"+r.Text("sku"))
	}
	return rq.link("/people", append(about, "show", "overlaps")...)
}

// foot sums what may be summed: seats, and money by currency.
func foot(f *found, shown []output.Column, spec gridSpec) []cell {
	if len(spec.Sum) == 0 || len(f.rows) < 2 || uint64(len(f.rows)) < f.total {
		return nil
	}
	n := len(shown)
	if spec.Act != nil {
		n++
	}
	cells := make([]cell, n)
	cells[0].Text = fmt.Sprintf("%s in all", count(len(f.rows)))
	for i, c := range shown {
		cells[i].Label, cells[i].Numeric = heading(c.Name), numeric(c)
		if !slices.Contains(spec.Sum, c.Name) {
			continue
		}
		if isMoney(c) {
			sum := amounts{}
			for _, r := range f.rows {
				if amount, ok := r.Money(c.Name); ok {
					sum.add(r.Text("currency"), amount)
				}
			}
			cells[i].Text = sum.String()
			continue
		}
		var n int64
		for _, r := range f.rows {
			n += r.Count(c.Name)
		}
		cells[i].Text = count(n)
	}
	return cells
}

// address is a question with all that chooses its rows.
func (rq *request) address(spec gridSpec, v answer.View) []string {
	var pairs []string
	for k, value := range spec.Params {
		pairs = append(pairs, k, value)
	}
	for _, c := range v.Where {
		pairs = append(pairs, "where", c.Column+":"+c.Value)
	}
	if v.Search != "" {
		pairs = append(pairs, "search", v.Search)
	}
	if v.Sort != "" {
		pairs = append(pairs, "sort", map[bool]string{true: "-"}[v.Desc]+v.Sort)
	}
	return pairs
}

func (rq *request) export(spec gridSpec, v answer.View, format string) string {
	return rq.link("/api/v1/queries/"+spec.Query, append(rq.address(spec, v), "format", format)...)
}

// questionLink leads to the question's own page: definition, evidence and SQL.
func (rq *request) questionLink(spec gridSpec) string {
	return rq.link("/questions/"+spec.Query, rq.address(spec, spec.View)...) + "#evidence"
}
