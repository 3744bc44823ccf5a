package dashboard

import (
	"context"
	"net/http"
	"slices"

	"github.com/seatstream/seatstream/internal/answer"
)

// groupings are what waste is shown by.
var groupings = []string{"department", "country", "company", "office", "cost-centre"}

// tenantBody is one tenant's page.
type tenantBody struct {
	*board
	Tenant    *tenant
	By        string
	Groupings []string
	Waste     *grid
	Renewals  *grid
	Residuals *grid
	Coverage  *grid
	Outlook   *grid
	Activity  *grid
	Trend     *trend
}

func tenantPage(ctx context.Context, rq *request) error {
	if rq.tenant == nil {
		if len(rq.tenants) != 1 {
			return rq.see(rq.link("/"))
		}
		return rq.see(rq.link("/tenant", "tenant", rq.tenants[0].Domain))
	}
	by := rq.query.Get("by")
	if !slices.Contains(groupings, by) {
		by = groupings[0]
	}
	body := &tenantBody{Tenant: rq.tenant, By: by, Groupings: groupings}
	var bands []string
	grids := []struct {
		to   **grid
		spec gridSpec
	}{
		{&body.Waste, gridSpec{ID: "waste", Caption: "The bill a month by " + by, Query: "cost", Params: map[string]string{"by": by}, View: answer.View{Limit: 25, Sort: "unproductive", Desc: true},
			Only: []string{"part", "seats", "bill", "unproductive", "inactive", "never_used", "unknown", "reassignable_now"}, Sum: []string{"seats", "bill", "unproductive", "inactive", "never_used", "unknown", "reassignable_now"}}},
		{&body.Renewals, gridSpec{ID: "renewals", Caption: "Trials and renewals in the next 90 days", Query: "trials-and-renewals", View: answer.View{Limit: 25},
			Only: []string{"name", "status", "is_trial", "seats", "sku_seats", "next_change", "days_left", "at_stake"}, Empty: "No subscription changes its status in the next 90 days."}},
		{&body.Residuals, gridSpec{ID: "reconciliation", Caption: "Microsoft's count against the holders found", Query: "reconciliation", View: answer.View{Limit: 25}, Only: []string{"name", "consumed", "holders", "residual", "class"}}},
		{&body.Coverage, gridSpec{ID: "coverage", Caption: "What the figures rest on", Query: "coverage",
			Only: []string{"feed", "status", "doubt", "complete_at", "report_date", "rows", "pages", "concealed_share", "message", "remedy"}, Empty: "Nothing has been collected for this tenant yet."}},
		{&body.Outlook, gridSpec{ID: "outlook", Caption: "When products run out of seats", Query: "run-out", View: answer.View{Limit: 25}, Only: []string{"name", "assignable", "net_adds", "weeks_left", "run_out", "reason"}}},
	}
	steps := []func(context.Context) error{func(ctx context.Context) (err error) {
		body.board, bands, err = rq.board(ctx)
		return err
	}}
	steps = append(steps, func(ctx context.Context) error {
		f, err := rq.ask(ctx, "daily-activity", nil, answer.View{})
		if err == nil {
			spec := gridSpec{ID: "activity", Caption: "People active on each day, by report", Query: "daily-activity", Only: []string{"day", "report", "people", "concealed"}}
			body.Trend, body.Activity = activity(f), rq.layOut(f, spec)
			body.Activity.Evidence, body.Activity.CSV = rq.questionLink(spec), rq.export(spec, spec.View, "csv")
		}
		return err
	})
	for _, g := range grids {
		steps = append(steps, func(ctx context.Context) (err error) {
			*g.to, err = rq.grid(ctx, g.spec)
			return err
		})
	}
	if err := atOnce(ctx, steps...); err != nil {
		return err
	}
	return rq.show(http.StatusOK, "tenant.html", view{Title: rq.tenant.Label(), Nav: "tenant", Body: body, Bands: bands})
}
