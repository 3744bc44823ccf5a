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
		t.UnusedSeats += r.Count("inactive") + r.Count("never_used")
		t.UnknownSeats += r.Count("unknown")
		t.UnassignedSeats += r.Count("unassigned")
		t.Over += r.Count("over_allocated")
		if r.Text("trait") != "" {
			continue // free, viral or for the company as a whole: a million seats that cost nothing
		}
		t.Seats += r.Count("enabled")
		if _, priced := r.Money("price"); !priced {
			t.Unpriced += max(r.Count("enabled"), r.Count("consumed"))
		}
	}
	for _, r := range cost.rows {
		for column, to := range map[string]amounts{"bill": t.Bill, "reassignable_now": t.Unused, "unknown": t.Unknown, "reducible_at_renewal": t.Unassigned} {
			if amount, ok := r.Money(column); ok {
				to.add(r.Text("currency"), amount)
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
