package dashboard

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// found is an answer in memory. Pages ask for as many rows as they show.
type found struct {
	query   *schemas.Query
	columns []output.Column
	rows    []row
	total   uint64
}

// row is one row by the names of its columns.
type row = answer.Row

// read keeps what into writes.
func (f *found) read(into func(output.Writer) error) error {
	w := &answer.Rows{Take: func(r row) { f.rows = append(f.rows, r) }}
	err := into(w)
	f.columns = w.Columns
	return err
}

// ask asks a shipped question about the request's tenant and moment, within what may be
// seen. The values of params come on top.
func (rq *request) ask(ctx context.Context, name string, params map[string]string, v answer.View) (*found, error) {
	q, err := schemas.QueryNamed(name)
	if err != nil {
		return nil, &failure{http.StatusNotFound, err}
	}
	f := &found{query: q}
	return f, f.read(func(w output.Writer) (err error) {
		f.total, err = rq.into(ctx, q, params, v, w)
		return err
	})
}

// into is ask with the answer handed to a writer.
func (rq *request) into(ctx context.Context, q *schemas.Query, params map[string]string, v answer.View, w output.Writer) (uint64, error) {
	values := map[string]string{}
	for _, p := range q.Params {
		switch {
		case p.Name == "tenant" && rq.tenant != nil:
			values["tenant"] = rq.tenant.ID
		case p.Name == "tenant" && len(rq.allowed) == 1:
			values["tenant"] = rq.allowed[0] // the view below would drop the others' rows: they need not be read
		case p.Name == "as_of" && rq.asOf != "":
			values["as_of"] = rq.asOf
		}
	}
	for k, value := range params {
		values[k] = value
	}
	v.Tenants = rq.allowed
	total, err := answer.Shown(ctx, rq.s.deps.DB, q, values, v, w)
	if errors.Is(err, answer.ErrNoColumn) {
		err = &failure{http.StatusBadRequest, err}
	}
	return total, err
}

// atOnce does several things at the same time, a few of them at once: the server that
// answers has few cores too.
func atOnce(ctx context.Context, steps ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, step := range steps {
		g.Go(func() error { return step(ctx) })
	}
	return g.Wait()
}
