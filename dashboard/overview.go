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
	"github.com/seatstream/seatstream/producer"
)

// figure is one large number of the first line.
type figure struct {
	Key, Label, Value, Sub, Href, Evidence, State string
}

// totals are the sums that the large figures show.
type totals struct {
	Bill, Unused, Unknown, Unassigned                amounts
	UnusedSeats, UnknownSeats, UnassignedSeats, Over int64
	Unpriced                                         int64 // seats without a price
	Seats                                            int64
}

// sum adds up licence-position and cost by SKU.
func sum(seats, cost *found) totals {
	t := totals{Bill: amounts{}, Unused: amounts{}, Unknown: amounts{}, Unassigned: amounts{}}
	for _, r := range seats.rows {
		t.UnusedSeats += r.count("inactive") + r.count("never_used")
		t.UnknownSeats += r.count("unknown")
		t.UnassignedSeats += r.count("unassigned")
		t.Over += r.count("over_allocated")
		if r.text("trait") != "" {
			continue // free, viral or for the company as a whole: a million seats that cost nothing
		}
		t.Seats += r.count("enabled")
		if _, priced := r.money("price"); !priced {
			t.Unpriced += max(r.count("enabled"), r.count("consumed"))
		}
	}
	for _, r := range cost.rows {
		for column, to := range map[string]amounts{"bill": t.Bill, "reassignable_now": t.Unused, "unknown": t.Unknown, "reducible_at_renewal": t.Unassigned} {
			if amount, ok := r.money(column); ok {
				to.add(r.text("currency"), amount)
			}
		}
	}
	return t
}

// none is what stands where no amount does.
func none(a amounts, otherwise string) string {
	if text := a.String(); text != "" {
		return text
	}
	return otherwise
}

func (rq *request) figures(t totals) []figure {
	unpriced := ""
	if t.Unpriced > 0 {
		unpriced = fmt.Sprintf("; %s of them without a price", count(t.Unpriced))
	}
	return []figure{
		{Key: "bill", Label: "Bill a month", Value: none(t.Bill, "no prices"), Sub: count(t.Seats) + " paid seats bought" + unpriced, Href: rq.link("/questions/cost"), Evidence: rq.link("/questions/cost") + "#evidence"},
		{Key: "unused", Label: "Unused a month", Value: none(t.Unused, "no prices"), Sub: count(t.UnusedSeats) + " licences inactive or never used", Href: rq.link("/recommendations"), Evidence: rq.link("/questions/unused-licences") + "#evidence"},
		{Key: "unknown", Label: "Unknown", Value: count(t.UnknownSeats), Sub: "licences whose use cannot be told" + withMoney(t.Unknown), Href: rq.link("/people", "state", "unknown"), Evidence: rq.link("/questions/coverage") + "#evidence", State: "s-unknown"},
		{Key: "unassigned", Label: "Unassigned", Value: count(t.UnassignedSeats), Sub: "paid seats that nobody holds" + withMoney(t.Unassigned), Href: rq.link("/questions/unassigned"), Evidence: rq.link("/questions/unassigned") + "#evidence"},
		{Key: "over", Label: "Over-allocated", Value: count(t.Over), Sub: "seats in use beyond those bought", Href: rq.link("/questions/over-allocated"), Evidence: rq.link("/questions/over-allocated") + "#evidence"},
	}
}

func withMoney(a amounts) string {
	if text := a.String(); text != "" {
		return ": " + text
	}
	return ""
}

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
		p := sums[r.text("tenant_id")]
		if p == nil {
			p = &position{Name: "all products", Unused: amounts{}}
			sums[r.text("tenant_id")] = p
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
			if r.text("tenant_id") != t.ID {
				continue
			}
			if at := r.time("report_date"); at != nil && slices.Contains(anchors, r.text("feed")) && (line.ReportDate == nil || at.Before(*line.ReportDate)) {
				line.ReportDate = at
			}
			if d := r.text("doubt"); d != "" && d != "never complete" && !slices.Contains(doubts, d) {
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
		if at := r.time("report_date"); at != nil && slices.Contains(anchors, r.text("feed")) && (oldest == nil || at.Before(*oldest)) {
			oldest = at
		}
		if r.text("doubt") == "names concealed" {
			concealed[r.text("tenant")] = true
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

// changes answers how the large figures moved over 30 days.
func changes(ctx context.Context, rq *request) error {
	const days = 30
	then := *rq
	then.asOf = rq.at().AddDate(0, 0, -days).Format(time.DateTime)
	var f [4]*found
	err := atOnce(ctx,
		func(ctx context.Context) (err error) {
			f[0], err = rq.ask(ctx, "licence-position", nil, answer.View{})
			return err
		},
		func(ctx context.Context) (err error) { f[1], err = rq.ask(ctx, "cost", nil, answer.View{}); return err },
		func(ctx context.Context) (err error) {
			f[2], err = then.ask(ctx, "licence-position", nil, answer.View{})
			return err
		},
		func(ctx context.Context) (err error) {
			f[3], err = then.ask(ctx, "cost", nil, answer.View{})
			return err
		},
	)
	if err != nil {
		return err
	}
	out := map[string]string{}
	if len(f[2].rows) == 0 {
		for _, key := range []string{"bill", "unused", "unknown", "unassigned", "over"} {
			out[key] = "nothing collected 30 days before"
		}
		return rq.json(http.StatusOK, out)
	}
	now, before := sum(f[0], f[1]), sum(f[2], f[3])
	for key, d := range map[string]amounts{"bill": now.Bill.minus(before.Bill), "unused": now.Unused.minus(before.Unused)} {
		out[key] = moved(d)
	}
	for key, d := range map[string]int64{"unknown": now.UnknownSeats - before.UnknownSeats, "unassigned": now.UnassignedSeats - before.UnassignedSeats, "over": now.Over - before.Over} {
		out[key] = "no change in 30 days"
		if d != 0 {
			out[key] = signed(count(d)) + " in 30 days"
		}
	}
	return rq.json(http.StatusOK, out)
}

func signed(text string) string {
	if strings.HasPrefix(text, "\u2212") {
		return text
	}
	return "+" + text
}

func moved(d amounts) string {
	var parts []string
	for currency, amount := range d {
		if !amount.IsZero() {
			parts = append(parts, output.Line(currency)+noBreak+signed(strings.TrimPrefix(money(amount, currency), output.Line(currency)+noBreak)))
		}
	}
	if len(parts) == 0 {
		return "no change in 30 days"
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ") + " in 30 days"
}

// connectors lists those that may be seen.
func (rq *request) connectors(ctx context.Context) ([]producer.Connector, error) {
	list, err := rq.s.deps.Registry.List(ctx)
	if err != nil || rq.allowed == nil {
		return list, err
	}
	return slices.DeleteFunc(list, func(c producer.Connector) bool { return !rq.owns(c) }), nil
}

// owns reports whether a connector's tenant may be seen. A connector that has not told its
// tenant's directory id is for those who may see all.
func (rq *request) owns(c producer.Connector) bool {
	return rq.allowed == nil || slices.ContainsFunc(rq.tenants, func(t tenant) bool {
		return strings.EqualFold(c.Tenant, t.ID) || strings.EqualFold(c.Tenant, t.Domain)
	})
}
