package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// lists are the lists of people, each the answer to one question.
var lists = []struct{ Key, Label, Query string }{
	{"", "All holders", "unused-licences"},
	{"disabled", "Disabled accounts", "disabled-licensed"},
	{"guests", "Guests", "guests-licensed"},
	{"overlaps", "Overlapping licences", "overlaps"},
	{"errors", "Assignment errors", "assignment-errors"},
}

// peopleBody is the list of people.
type peopleBody struct {
	Grid     *grid
	Lists    any
	Show     string
	ByUse    bool
	Products []row
	Days     string
}

const defaultDays = "90"

func peoplePage(ctx context.Context, rq *request) error {
	body := &peopleBody{Show: rq.query.Get("show"), Lists: lists, Days: cmp.Or(rq.query.Get("days"), defaultDays)}
	i := slices.IndexFunc(lists, func(l struct{ Key, Label, Query string }) bool { return l.Key == body.Show })
	if i < 0 {
		return failf(http.StatusNotFound, "there is no list %q of people", body.Show)
	}
	spec := gridSpec{ID: "people", Caption: lists[i].Label, Query: lists[i].Query, Paged: true, Params: map[string]string{}, Empty: "Nobody fits: take away a filter.",
		Hide: []string{"held", "superseded_plans", "contained_in"}}
	spec.View.Search, spec.View.SearchIn = rq.query.Get("search"), []string{"user_principal_name", "display_name"}
	sku := rq.query.Get("sku")
	body.ByUse = body.Show == ""
	if body.ByUse {
		if n, err := strconv.ParseUint(body.Days, 10, 16); err != nil || n == 0 {
			return failf(http.StatusBadRequest, "days %q: want a number of days of 1 to 65535, such as 90", body.Days)
		}
		spec.Params["days"] = body.Days
		if state := rq.query.Get("state"); state != "" {
			if !slices.Contains(states, state) {
				return failf(http.StatusBadRequest, "state %q: one of active, inactive, never used, unknown", state)
			}
			spec.Params["state"] = state
		}
		if sku != "" {
			spec.Params["sku"] = sku
		}
		spec.Only = []string{"display_name", "tenant", "name", "state", "last_use", "reason", "department", "held_since", "report_date", "price", "excluded"}
	} else if sku != "" {
		spec.View.Where = []answer.Condition{{Column: "sku", Value: sku}}
	}
	err := atOnce(ctx,
		func(ctx context.Context) (err error) { body.Grid, err = rq.grid(ctx, spec); return err },
		func(ctx context.Context) error {
			f, err := rq.ask(ctx, "assignable", nil, answer.View{})
			if err != nil {
				return err
			}
			seen := map[string]bool{}
			for _, r := range f.rows {
				if part := r.Text("sku"); !seen[part] {
					seen[part] = true
					body.Products = append(body.Products, row{"sku": part, "name": output.Line(cmp.Or(r.Text("name"), part))})
				}
			}
			slices.SortFunc(body.Products, func(a, b row) int { return cmp.Compare(a.Text("name"), b.Text("name")) })
			return nil
		},
	)
	if err != nil {
		return err
	}
	return rq.show(http.StatusOK, "people.html", view{Title: "People", Nav: "people", Body: body})
}

// personBody is one person.
type personBody struct {
	Name, UPN, ID string
	Department    string
	Holdings      *grid
	Workloads     *grid
	Paths         *grid
	History       *grid
	Gone          bool
}

func personPage(ctx context.Context, rq *request) error {
	id := schemas.GUID(rq.r.PathValue("user"))
	if !schemas.IsGUID(id) {
		return failf(http.StatusNotFound, "person %q: want an object id: the list of people leads to everybody", rq.r.PathValue("user"))
	}
	of := answer.View{Where: []answer.Condition{{Column: "user_id", Value: id}}}
	leave := func(r row) cell {
		if !rq.scope.May(Manager) || r.Text("excluded") != "" {
			return cell{}
		}
		return cell{Text: "Leave alone…", Href: rq.link("/exclusions/new", "tenant", r.Text("tenant_id"), "user", r.Text("user_id"), "sku", r.Text("sku_id"))}
	}
	body := &personBody{ID: id}
	specs := []struct {
		to   **grid
		spec gridSpec
	}{
		{&body.Holdings, gridSpec{ID: "holdings", Caption: "Licences held", Query: "unused-licences", View: of, Only: []string{"name", "state", "reason", "last_use", "report_date", "held_since", "reclaim", "price", "excluded"},
			Act: leave, ActTitle: "Act", Empty: "This person holds no licence, or is not known."}},
		{&body.Workloads, gridSpec{ID: "workloads", Caption: "Last activity by workload", Query: "last-use", View: of, Only: []string{"workload", "last_activity", "assigned", "refresh_date"}, Empty: "No report has a row of this person."}},
		{&body.Paths, gridSpec{ID: "paths", Caption: "How the licences are assigned", Query: "assignment-paths", View: of, Only: []string{"name", "path", "group_names", "clean_up"}, Empty: "No licence is assigned."}},
		{&body.History, gridSpec{ID: "history", Caption: "Changes of licences", Query: "changes-between", View: of, Only: []string{"observed_at", "change", "name", "states_before", "states_after"}, Empty: "No change since the first collection."}},
	}
	steps := []func(context.Context) error{func(ctx context.Context) error {
		f, err := rq.ask(ctx, "licence-holders", nil, answer.View{Where: of.Where, Limit: 1})
		if err == nil && len(f.rows) > 0 {
			r := f.rows[0]
			body.Name, body.UPN, body.Department = output.Line(r.Text("display_name")), output.Line(r.Text("user_principal_name")), output.Line(r.Text("department"))
		}
		return err
	}}
	for _, g := range specs {
		steps = append(steps, func(ctx context.Context) (err error) { *g.to, err = rq.grid(ctx, g.spec); return err })
	}
	if err := atOnce(ctx, steps...); err != nil {
		return err
	}
	if body.Name == "" && len(body.Holdings.Rows)+len(body.History.Rows)+len(body.Workloads.Rows) == 0 {
		return failf(http.StatusNotFound, "person %s: holds and held no licence in any tenant that is yours to see", id)
	}
	return rq.show(http.StatusOK, "person.html", view{Title: cmp.Or(body.Name, body.UPN, fmt.Sprintf("Person %s", id)), Nav: "people", Body: body})
}
