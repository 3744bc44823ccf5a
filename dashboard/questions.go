package dashboard

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

func questionsPage(_ context.Context, rq *request) error {
	var all []*schemas.Query
	for i := range schemas.Queries() {
		if q := &schemas.Queries()[i]; !q.Internal {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(a, b *schemas.Query) int { return strings.Compare(a.Name, b.Name) })
	return rq.show(http.StatusOK, "questions.html", view{Title: "Questions", Nav: "questions", Body: all})
}

// questionBody is one question: its answer, what that means and what it rests on.
type questionBody struct {
	Query    *schemas.Query
	Params   []paramField
	Grid     *grid
	Evidence *grid
	Command  string
	Search   bool
}

type paramField struct{ Name, Value, Doc, Default string }

func questionPage(ctx context.Context, rq *request) error {
	q, err := schemas.QueryNamed(rq.r.PathValue("name"))
	if err != nil {
		return &failure{http.StatusNotFound, err}
	}
	values, v, err := rq.choices(q)
	if err != nil {
		return err
	}
	body := &questionBody{Query: q, Command: "seatstream query " + q.Name}
	if rq.tenant != nil {
		body.Command += " --tenant " + rq.tenant.Domain
	}
	if rq.asOf != "" && takes(q, "as_of") {
		body.Command += " --param as_of='" + rq.asOf + "'"
	}
	for _, p := range q.Params {
		if p.Name == "tenant" || p.Name == "as_of" {
			continue
		}
		f := paramField{p.Name, values[p.Name], p.Doc, strings.Trim(p.Default, "'")}
		body.Params = append(body.Params, f)
		if f.Value != "" {
			body.Command += " --param " + p.Name + "='" + strings.ReplaceAll(f.Value, "'", `'\''`) + "'"
		}
	}
	spec := gridSpec{ID: "answer", Caption: q.Title, Query: q.Name, Params: values, View: v, Paged: true, Empty: "The answer is empty."}
	err = atOnce(ctx,
		func(ctx context.Context) (err error) { body.Grid, err = rq.grid(ctx, spec); return err },
		func(ctx context.Context) (err error) { body.Evidence, err = rq.evidence(ctx, q); return err },
	)
	if err != nil {
		return err
	}
	return rq.show(http.StatusOK, "question.html", view{Title: q.Title, Nav: "questions", Body: body})
}

// evidence is what a question's answers rest on; nil where it rests on no feed.
func (rq *request) evidence(ctx context.Context, q *schemas.Query) (*grid, error) {
	f := &found{query: q}
	err := f.read(func(w output.Writer) error { return rq.evidenceInto(ctx, q, w) })
	if err != nil || f.columns == nil {
		return nil, err
	}
	f.total = uint64(len(f.rows))
	g := rq.layOut(f, gridSpec{ID: "evidence-table", Caption: "Evidence: the last readings of the feeds", Empty: "No run has been stored yet."})
	g.To = len(f.rows)
	return g, nil
}

func (rq *request) evidenceInto(ctx context.Context, q *schemas.Query, w output.Writer) error {
	tenants := rq.allowed
	if rq.tenant != nil {
		tenants = []string{rq.tenant.ID}
	}
	return answer.EvidenceOf(ctx, rq.s.deps.DB, q, tenants, w)
}

func takes(q *schemas.Query, param string) bool {
	return slices.ContainsFunc(q.Params, func(p schemas.Param) bool { return p.Name == param })
}

// reserved are the values of an address that are about the rows and not the question.
var reserved = []string{"tenant", "as_of", "format", "sort", "search", "where", "page", "limit", "offset"}

// choices reads a question's parameters and the view of its rows from the address.
func (rq *request) choices(q *schemas.Query) (map[string]string, answer.View, error) {
	var v answer.View
	values := map[string]string{}
	for name, given := range rq.query {
		if slices.Contains(reserved, name) {
			continue
		}
		if !takes(q, name) {
			return nil, v, failf(http.StatusBadRequest, "question %s has no parameter %q", q.Name, name)
		}
		if len(given) > 0 && given[0] != "" {
			values[name] = given[0]
		}
	}
	for _, w := range rq.query["where"] {
		column, value, ok := strings.Cut(w, ":")
		if !ok {
			return nil, v, failf(http.StatusBadRequest, "where %q: want column:value", w)
		}
		v.Where = append(v.Where, answer.Condition{Column: column, Value: value})
	}
	if v.Search = rq.query.Get("search"); v.Search != "" {
		v.SearchIn = searchable(q)
		if len(v.SearchIn) == 0 {
			return nil, v, failf(http.StatusBadRequest, "question %s is not about people: it cannot be searched by name", q.Name)
		}
	}
	sort := rq.query.Get("sort")
	v.Sort, v.Desc = strings.TrimPrefix(sort, "-"), strings.HasPrefix(sort, "-")
	return values, v, nil
}

// searchable are the columns of names, where a question is about people.
func searchable(q *schemas.Query) (columns []string) {
	for _, c := range []string{"user_principal_name", "display_name"} {
		if strings.Contains(q.SQL, "AS "+c) {
			columns = append(columns, c)
		}
	}
	return columns
}
