package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
)

// board is what overview and tenant pages share.
type board struct {
	Figures   []figure
	Chart     *chart
	Positions *grid
	Savings   *grid
	Tenants   []tenantLine
	Freshness []string
	Reports   string
	Empty     bool
	Connected bool // there are connectors
	More      []*grid
	Summary   string
}

// tenantLine is a tenant of the overview with its small chart.
type tenantLine struct {
	Tenant     tenant
	Href       string
	Parts      []part
	Title      string
	Unused     string
	ReportDate *time.Time
	Doubt      string
}

const smallWidth = 160

func overviewPage(ctx context.Context, rq *request) error {
	if rq.tenant != nil {
		return rq.see(rq.link("/tenant"))
	}
	b, bands, err := rq.board(ctx)
	if err != nil {
		return err
	}
	return rq.show(http.StatusOK, "overview.html", view{Title: "Overview", Nav: "overview", Body: b, Bands: bands})
}

// board asks what the overview and the tenant page begin with.
func (rq *request) board(ctx context.Context) (*board, []string, error) {
	var seats, cost, coverage *found
	b := &board{}
	if len(rq.tenants) == 0 {
		b.Empty = true
		list, err := rq.connectors(ctx)
		b.Connected = len(list) > 0
		return b, nil, err
	}
	err := atOnce(ctx,
		func(ctx context.Context) (err error) {
			seats, err = rq.ask(ctx, "licence-position", nil, answer.View{})
			return err
		},
		func(ctx context.Context) (err error) { cost, err = rq.ask(ctx, "cost", nil, answer.View{}); return err },
		func(ctx context.Context) (err error) {
			coverage, err = rq.ask(ctx, "coverage", nil, answer.View{})
			return err
		},
		func(ctx context.Context) (err error) {
			b.Savings, err = rq.grid(ctx, gridSpec{
				ID: "savings", Caption: "What could be saved a month, largest first", Query: "savings", View: answer.View{Limit: 10},
				Only: []string{"saving", "kind", "seats", "name", "tenant", "action", "next_change"}, Empty: "Nothing to save is known: see what is unknown, and whether prices are imported.",
			})
			return err
		},
	)
	if err != nil {
		return nil, nil, err
	}
	list := positions(seats)
	b.Figures, b.Chart = rq.figures(sum(seats, cost)), draw(list)
	b.Positions = rq.positionGrid(seats, list)
	b.Tenants = rq.tenantLines(seats, coverage)
	bands, reports := rq.trust(coverage)
	b.Reports = reports
	return b, bands, nil
}

// positionGrid is licence-position, over several tenants summed by SKU.
func (rq *request) positionGrid(f *found, list []position) *grid {
	spec := gridSpec{
		ID: "position", Caption: "Seats of every product by use", Query: "licence-position",
		Only: []string{"name", "enabled", "holders", "active", "inactive", "never_used", "unknown", "unassigned", "over_allocated", "unused_cost"},
		Sum:  []string{"enabled", "holders", "active", "inactive", "never_used", "unknown", "unassigned", "over_allocated", "unused_cost"},
	}
	summed := &found{query: f.query, columns: f.columns, total: uint64(len(list))}
	g := rq.layOut(summed, spec)
	add := func(c cell) []cell { c.Numeric = true; return []cell{c} }
	var all position
	all.Unused = amounts{}
	cells := func(p position, first cell) []cell {
		line := append([]cell{first}, add(cell{Text: count(p.Enabled)})...)
		line = append(line, add(cell{Text: count(p.Held)})...)
		for _, n := range p.Use {
			line = append(line, add(cell{Text: count(n)})...)
		}
		line = append(line, add(cell{Text: count(p.Unassigned)})...)
		line = append(line, add(cell{Text: count(p.Over)})...)
		line = append(line, add(cell{Text: none(p.Unused, "–")})...)
		for i := range line {
			line[i].Label = g.Columns[i].Title
		}
		return line
	}
	for _, p := range list {
		x := cell{Text: p.Name, Href: rq.link("/people", "sku", p.SKU)}
		if p.Name != p.SKU {
			x.Sub = output.Line(p.SKU)
		}
		line := cells(p, x)
		for i, state := range states {
			if p.Use[i] > 0 {
				line[3+i].Href = rq.link("/people", "sku", p.SKU, "state", state)
			}
			all.Use[i] += p.Use[i]
		}
		all.Enabled, all.Held, all.Unassigned, all.Over = all.Enabled+p.Enabled, all.Held+p.Held, all.Unassigned+p.Unassigned, all.Over+p.Over
		for currency, amount := range p.Unused {
			all.Unused.add(currency, amount)
		}
		g.Rows = append(g.Rows, line)
	}
	g.To = len(list)
	if len(list) > 1 {
		g.Foot = cells(all, cell{Text: count(len(list)) + " products"})
	}
	g.CSV, g.XLSX, g.Evidence = rq.export(spec, spec.View, "csv"), rq.export(spec, spec.View, "xlsx"), rq.questionLink(spec)
	return g
}

func (rq *request) tenantLines(seats, coverage *found) (out []tenantLine) {
	sums := map[string]*position{}
	for _, r := range seats.rows {
		p := sums[r.Text("tenant_id")]
		if p == nil {
			p = &position{Name: "all products", Unused: amounts{}}
			sums[r.Text("tenant_id")] = p
		}
		p.plus(r)
	}
	for _, t := range rq.tenants {
		line := tenantLine{Tenant: t, Href: rq.link("/tenant", "tenant", t.Domain)}
		if p := sums[t.ID]; p != nil {
			line.Parts, line.Unused = p.parts(smallWidth), none(p.Unused, "–")
			var words []string
			for i, n := range p.Use {
				words = append(words, count(n)+" "+states[i])
			}
			line.Title = strings.Join(append(words, count(p.Unassigned)+" unassigned"), ", ")
		}
		doubts := []string{}
		for _, r := range coverage.rows {
			if r.Text("tenant_id") != t.ID {
				continue
			}
			if at := r.Time("report_date"); at != nil && slices.Contains(anchors, r.Text("feed")) && (line.ReportDate == nil || at.Before(*line.ReportDate)) {
				line.ReportDate = at
			}
			if d := r.Text("doubt"); d != "" && d != "never complete" && !slices.Contains(doubts, d) {
				doubts = append(doubts, d)
			}
		}
		line.Doubt = strings.Join(doubts, ", ")
		out = append(out, line)
	}
	return out
}

// anchors are the reports that answers about use rest on.
var anchors = []string{"getOffice365ActiveUserDetail", "getM365AppUserDetail"}

// trust says in a line what the figures rest on, and in bands what is not whole.
func (rq *request) trust(coverage *found) (bands []string, reports string) {
	var oldest *time.Time
	concealed := map[string]bool{}
	for _, r := range coverage.rows {
		if at := r.Time("report_date"); at != nil && slices.Contains(anchors, r.Text("feed")) && (oldest == nil || at.Before(*oldest)) {
			oldest = at
		}
		if r.Text("doubt") == "names concealed" {
			concealed[r.Text("tenant")] = true
		}
	}
	for _, t := range rq.tenants {
		if rq.tenant != nil && t.ID != rq.tenant.ID {
			continue
		}
		if t.Status != "complete" && rq.asOf == "" {
			since := "never collected"
			if t.LastRun != nil {
				since = "last run " + moment(t.LastRun)
			}
			bands = append(bands, fmt.Sprintf("%s: the last run was not complete (%s; %s). %s Figures are those of the last complete readings.", output.Line(t.Label()), t.Status, since, output.Line(t.Notes)))
		}
		if concealed[t.Domain] {
			bands = append(bands, fmt.Sprintf("%s: reports conceal names, so use is unknown. An administrator can show them: Microsoft 365 admin centre, Settings, Org settings, Services, Reports.", output.Line(t.Label())))
		}
	}
	if oldest == nil {
		return bands, "no usage report has been read"
	}
	return bands, "usage reports to " + day(oldest) + ", " + dayAge(*oldest, rq.at())
}
