package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seatstream/seatstream/internal/answer"
)

// request is one request and what it may see.
type request struct {
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	scope scope
	// allowed are the directory ids that may be seen; nil for all.
	allowed []string
	tenants []tenant // those that may be seen, by domain
	tenant  *tenant  // the one the address names; nil for all
	asOf    string   // the moment the address names; empty for now
	query   url.Values
}

// tenant is one row of the question tenants.
type tenant struct {
	ID, Domain, Name, Status, Notes string
	LastRun                         *time.Time
}

// Label is the tenant's name, else its domain.
func (t tenant) Label() string { return cmp.Or(t.Name, t.Domain, t.ID) }

// failure is an error with the status it is answered with; its text is for whoever asked.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failf(status int, format string, args ...any) error {
	return &failure{status, fmt.Errorf(format, args...)}
}

func noTenant(err error) bool { return errors.Is(err, answer.ErrNoTenant) }

// prepare reads what every page and answer has in its address: tenant and moment.
func (rq *request) prepare(ctx context.Context) error {
	var err error
	if rq.allowed, err = rq.s.visible(ctx, rq.scope); err != nil {
		return err
	}
	rq.query = rq.r.URL.Query()
	if rq.asOf, err = readMoment(rq.query.Get("as_of")); err != nil {
		return err
	}
	found, err := rq.ask(ctx, "tenants", nil, answer.View{})
	if err != nil {
		return err
	}
	for _, r := range found.rows {
		rq.tenants = append(rq.tenants, tenant{r.Text("tenant_id"), r.Text("tenant"), r.Text("display_name"), r.Text("status"), r.Text("notes"), r.Time("last_run")})
	}
	if name := rq.query.Get("tenant"); name != "" {
		if rq.tenant, err = rq.find(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// find finds a tenant that may be seen. Whoever may not see one is told the same as of one
// that does not exist.
func (rq *request) find(ctx context.Context, name string) (*tenant, error) {
	for i, t := range rq.tenants {
		first, _, _ := strings.Cut(t.Domain, ".")
		if strings.EqualFold(name, t.ID) || strings.EqualFold(name, t.Domain) || strings.EqualFold(name, first) {
			return &rq.tenants[i], nil
		}
	}
	id, err := answer.Tenant(ctx, rq.s.deps.DB, name)
	if err != nil && !noTenant(err) {
		return nil, err
	}
	if err == nil {
		for i, t := range rq.tenants {
			if t.ID == id {
				return &rq.tenants[i], nil
			}
		}
	}
	return nil, failf(http.StatusNotFound, "tenant %q: no such tenant, or it is not yours to see", name)
}

// sees reports whether a directory id may be seen.
func (rq *request) sees(id string) bool { return rq.allowed == nil || slices.Contains(rq.allowed, id) }

// readMoment checks a moment: a day, or a day and a time in UTC.
func readMoment(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			if layout == time.DateOnly {
				return text, nil
			}
			return at.UTC().Format(time.DateTime), nil
		}
	}
	return "", failf(http.StatusBadRequest, "as_of %q: want a day such as 2026-03-04, or a moment in UTC such as 2026-03-04 06:00:00", text)
}

// at is the moment the request is about.
func (rq *request) at() time.Time {
	if day, err := time.Parse(time.DateOnly, rq.asOf); err == nil {
		return day.Add(24*time.Hour - time.Millisecond)
	}
	if at, err := time.Parse(time.DateTime, rq.asOf); err == nil {
		return at
	}
	return rq.s.now().UTC()
}

// link is an address of this page's tenant and moment with other values.
func (rq *request) link(path string, pairs ...string) string {
	v := url.Values{}
	if rq.tenant != nil {
		v.Set("tenant", rq.tenant.Domain)
	}
	if rq.asOf != "" {
		v.Set("as_of", rq.asOf)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		switch {
		case pairs[i+1] == "":
			v.Del(pairs[i])
		case pairs[i] == "where":
			v.Add(pairs[i], pairs[i+1])
		default:
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// here is this page's own address with other values; the page of a list begins anew unless
// it is one of them.
func (rq *request) here(pairs ...string) string {
	v := url.Values{}
	for k, values := range rq.query {
		v[k] = values
	}
	v.Del("page")
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			v.Del(pairs[i])
		}
	}
	if len(v) == 0 {
		return rq.r.URL.Path
	}
	return rq.r.URL.Path + "?" + v.Encode()
}
