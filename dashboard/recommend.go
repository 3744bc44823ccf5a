package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// advice are the kinds of recommendations, and what became of them.
var advice = []struct {
	Key, Label, About, Query, Kind string
	Only                           []string
}{
	{"", "Take back", "Licences that are inactive or never used, paid for, and not left alone on purpose. Unknown is never among them.", "unused-licences", "reclaim",
		[]string{"display_name", "tenant", "name", "state", "reason", "last_use", "held_since", "department", "price"}},
	{"disabled", "Disabled accounts", "Paid licences of accounts that nobody can sign in to. Those of shared, room and equipment mailboxes are so by design.", "disabled-licensed", "",
		[]string{"display_name", "tenant", "name", "mailbox", "by_design", "department", "cost", "excluded"}},
	{"overlap", "Overlaps", "Licences whose plans another licence of the same person contains. Look at limits, storage and add-ons before removing one.", "overlaps", "overlap",
		[]string{"display_name", "tenant", "name", "contained_in_name", "saving", "excluded"}},
	{"downgrade", "Smaller editions", "Candidates, never proven: reports do not cover every plan. Blockers and missing evidence stand beside each.", "downgrade-candidates", "downgrade",
		[]string{"display_name", "tenant", "name", "to_sku", "verdict", "saving", "blockers", "missing_evidence", "excluded"}},
	{"outcome", "Outcome", "What became of the seats that were recorded as recommended.", "reclaim-outcomes", "",
		[]string{"user_principal_name", "tenant", "sku", "kind", "made_at", "made_by", "outcome", "reclaimed_at", "saved", "reason"}},
	{"excluded", "Left alone", "Accounts and products that are left out on purpose, by whom, why and until when.", "", "", nil},
}

// recommendBody is the page of what could be done.
type recommendBody struct {
	Tabs     any
	Kind     string
	About    string
	Record   string // the kind under which the seats shown can be recorded
	Grid     *grid
	Standing []standing
}

// standing is an exclusion as it is shown.
type standing struct {
	catalogue.Standing
	TenantLabel, UserHref, Product string
	Everybody, EveryProduct        bool
	May                            bool // take it back
}

func adviceOf(key string) int {
	for i := range advice {
		if advice[i].Key == key {
			return i
		}
	}
	return -1
}

func recommendationsPage(ctx context.Context, rq *request) error {
	i := adviceOf(rq.query.Get("kind"))
	if i < 0 {
		return failf(http.StatusNotFound, "there are no recommendations of the kind %q", rq.query.Get("kind"))
	}
	a := advice[i]
	body := &recommendBody{Tabs: advice, Kind: a.Key, About: a.About, Record: a.Kind}
	var err error
	if a.Query == "" {
		body.Standing, err = rq.standing(ctx)
	} else {
		spec := gridSpec{ID: "seats", Caption: a.Label, Query: a.Query, Only: a.Only, Paged: true, Empty: "Nothing of this kind is known."}
		if a.Kind == "reclaim" {
			spec.View.Where = []answer.Condition{{Column: "reclaim", Value: "true"}}
		}
		if rq.scope.May(Manager) && a.Key != "outcome" {
			spec.ActTitle, spec.Act = "Act", rq.leaveAlone
		}
		body.Grid, err = rq.grid(ctx, spec)
	}
	if err != nil {
		return err
	}
	return rq.show(http.StatusOK, "recommendations.html", view{Title: "Recommendations", Nav: "recommendations", Body: body, Done: rq.did()})
}

// did says what the act before came to, from numbers alone: the address is not ours to
// quote from.
func (rq *request) did() string {
	n := func(key string) (string, bool) {
		v, err := strconv.ParseUint(rq.query.Get(key), 10, 32)
		return count(v), err == nil
	}
	if made, ok := n("recorded"); ok {
		all, _ := n("of")
		return fmt.Sprintf("Recorded %s of %s seats; the others stand already. What becomes of them is shown under Outcome.", made, all)
	}
	if _, ok := n("excluded"); ok {
		return "The seat is left alone from now on. It is shown under Left alone, where that can be taken back."
	}
	if _, ok := n("removed"); ok {
		return "Taken back."
	}
	if _, ok := n("gone"); ok {
		return "The connector is removed. What it collected stays."
	}
	if stored, ok := n("requeued"); ok {
		left, _ := n("left")
		return fmt.Sprintf("Stored %s records; %s still cannot be stored and keep their letters, with the new reason.", stored, left)
	}
	return ""
}

func (rq *request) leaveAlone(r row) cell {
	if r.Text("excluded") != "" {
		return cell{}
	}
	return cell{Text: "Leave alone…", Title: "Leave " + output.Line(r.Text("user_principal_name")) + " alone", Href: rq.link("/exclusions/new", "tenant", r.Text("tenant_id"), "user", r.Text("user_id"), "sku", r.Text("sku_id"))}
}

// standing are the exclusions that may be seen.
func (rq *request) standing(ctx context.Context) ([]standing, error) {
	list, err := catalogue.Exclusions(ctx, rq.s.deps.DB)
	if err != nil {
		return nil, err
	}
	products, err := rq.ask(ctx, "assignable", nil, answer.View{})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, r := range products.rows {
		names[r.Text("sku_id")] = output.Line(cmp.Or(r.Text("name"), r.Text("sku")))
	}
	var out []standing
	for _, e := range list {
		forAll := e.Tenant == schemas.AllTenants
		if !forAll && (!rq.sees(e.Tenant) || rq.tenant != nil && rq.tenant.ID != e.Tenant) {
			continue
		}
		s := standing{Standing: e, TenantLabel: "all tenants", Everybody: e.User == schemas.AllTenants, EveryProduct: e.SKU == schemas.AllTenants,
			Product: cmp.Or(names[e.SKU], e.SKU), May: rq.scope.May(Manager) && (!forAll || rq.scope.all())}
		if i := slices.IndexFunc(rq.tenants, func(t tenant) bool { return t.ID == e.Tenant }); i >= 0 {
			s.TenantLabel = rq.tenants[i].Label()
		}
		if !s.Everybody {
			s.UserHref = rq.link("/people/"+e.User, "tenant", e.Tenant)
		}
		out = append(out, s)
	}
	return out, nil
}

// recordRecommendations records the seats that a list names now, as reclaim record does.
func recordRecommendations(ctx context.Context, rq *request) error {
	i := adviceOf(rq.r.PostFormValue("kind"))
	if i < 0 || advice[i].Kind == "" {
		return failf(http.StatusBadRequest, "recommendations of this kind are not recorded")
	}
	a := advice[i]
	q, err := schemas.QueryNamed(a.Query)
	if err != nil {
		return err
	}
	params, id := map[string]string{}, ""
	if rq.tenant != nil {
		id = rq.tenant.ID
		params["tenant"] = id
	}
	list, err := answer.Candidates(ctx, rq.s.deps.DB, q, params, answer.View{Tenants: rq.allowed})
	if err != nil {
		return err
	}
	n, err := catalogue.Record(ctx, rq.s.deps.DB, a.Kind, rq.scope.Name, list, rq.s.now())
	if err != nil {
		return err
	}
	rq.audit(ctx, "recommendations-recorded", a.Kind, id, fmt.Sprintf("%d of %d", n, len(list)))
	return rq.see(rq.link("/recommendations", "kind", a.Key, "recorded", strconv.Itoa(n), "of", strconv.Itoa(len(list))))
}

// exclusionBody is the form that leaves a seat alone.
type exclusionBody struct {
	User, SKU, Name, Product string
	Tags                     []string
	Problem                  string
	Tag, Reason, Until       string
}

func exclusionPage(ctx context.Context, rq *request) error {
	body, err := rq.seat(ctx, rq.query.Get("user"), rq.query.Get("sku"))
	if err != nil {
		return err
	}
	return rq.show(http.StatusOK, "exclusion.html", view{Title: "Leave a seat alone", Nav: "recommendations", Body: body})
}

// seat finds the seat that a form is about.
func (rq *request) seat(ctx context.Context, user, sku string) (*exclusionBody, error) {
	user, sku = schemas.GUID(user), schemas.GUID(sku)
	if rq.tenant == nil || !schemas.IsGUID(user) || !schemas.IsGUID(sku) {
		return nil, failf(http.StatusBadRequest, "name a tenant, a user and a product: the lists of people and recommendations lead here")
	}
	f, err := rq.ask(ctx, "licence-holders", nil, answer.View{Where: []answer.Condition{{Column: "user_id", Value: user}, {Column: "sku_id", Value: sku}}, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(f.rows) == 0 {
		return nil, failf(http.StatusNotFound, "user %s does not hold product %s in this tenant", user, sku)
	}
	r := f.rows[0]
	return &exclusionBody{User: user, SKU: sku, Name: output.Line(cmp.Or(r.Text("display_name"), r.Text("user_principal_name"))), Product: output.Line(r.Text("name")), Tags: catalogue.Tags, Tag: "other"}, nil
}

func addExclusion(ctx context.Context, rq *request) error {
	body, err := rq.seat(ctx, rq.r.PostFormValue("user"), rq.r.PostFormValue("sku"))
	if err != nil {
		return err
	}
	body.Tag, body.Reason, body.Until = rq.r.PostFormValue("tag"), rq.r.PostFormValue("reason"), rq.r.PostFormValue("until")
	e := catalogue.Exclusion{Tenant: rq.tenant.ID, User: body.User, SKU: body.SKU, Tag: body.Tag, Reason: body.Reason, Who: rq.scope.Name}
	if rq.r.PostFormValue("scope") == "person" {
		e.SKU = schemas.AllTenants
	}
	switch until, err := time.Parse(time.DateOnly, body.Until); {
	case !slices.Contains(catalogue.Tags, body.Tag):
		body.Problem = "Choose why: one of the list."
	case body.Reason == "":
		body.Problem = "Say why in your words: whoever looks at this seat next wants to know."
	case len(body.Reason) > 500:
		body.Problem = "The reason is too long: 500 characters at most."
	case body.Until != "" && err != nil:
		body.Problem = "The last day is no day: write it like 2027-01-31, or leave it empty for good."
	case body.Until != "":
		e.Until = &until
	}
	if body.Problem != "" {
		return rq.show(http.StatusBadRequest, "exclusion.html", view{Title: "Leave a seat alone", Nav: "recommendations", Body: body})
	}
	id, err := catalogue.Exclude(ctx, rq.s.deps.DB, e, rq.s.now())
	if err != nil {
		return err
	}
	rq.audit(ctx, "exclusion-added", id, e.Tenant, "user "+e.User+", product "+e.SKU+", "+e.Tag)
	return rq.see(rq.link("/recommendations", "excluded", "1"))
}

func removeExclusion(ctx context.Context, rq *request) error {
	id := schemas.GUID(rq.r.PathValue("id"))
	list, err := rq.standing(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(s standing) bool { return s.ID == id && s.May })
	if i < 0 {
		return failf(http.StatusNotFound, "no exclusion %s stands that is yours to take back", id)
	}
	if err := catalogue.RemoveExclusion(ctx, rq.s.deps.DB, id, rq.scope.Name, rq.s.now()); err != nil {
		return err
	}
	rq.audit(ctx, "exclusion-removed", id, list[i].Tenant, "")
	return rq.see(rq.link("/recommendations", "kind", "excluded", "removed", "1"))
}
