package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/producer"
)

// connectorLine is a connector with what its last run came to.
type connectorLine struct {
	producer.Connector
	State, Problem string
	LastRun        *time.Time
	Schedule       string
	Href           string
}

func (rq *request) connectorLine(ctx context.Context, c producer.Connector, producers int) (connectorLine, error) {
	line := connectorLine{Connector: c, State: "waiting", Schedule: c.Schedule.String(), Href: rq.link("/connectors/" + c.Name)}
	st, err := rq.s.deps.Registry.Status(ctx, c.Name)
	if err != nil {
		return line, err
	}
	if st != nil {
		line.State, line.LastRun = st.State, &st.Updated
		if st.Error != nil {
			line.Problem = output.Line(st.Error.Message + ". " + st.Error.Remedy)
		} else if st.State == producer.StateDone && st.Run != nil && len(st.Run.Notes) > 0 {
			line.Problem = output.Line(strings.Join(st.Run.Notes, "; "))
		}
	}
	if c.Paused {
		line.State = pausedState
	} else if producers == 0 {
		line.Problem = "no producer serves endpoint " + c.Endpoint + ": start one (seatstream up or seatstream producer)"
	}
	return line, nil
}

// eachConnector calls f with every connector that may be seen, and how many producers serve it.
func (rq *request) eachConnector(ctx context.Context, f func(c producer.Connector, producers int) error) error {
	list, err := rq.connectors(ctx)
	if err != nil {
		return err
	}
	served, err := rq.s.deps.Registry.Served(ctx)
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := f(c, served[c.Endpoint]); err != nil {
			return err
		}
	}
	return nil
}

func connectorsPage(ctx context.Context, rq *request) error {
	var lines []connectorLine
	err := rq.eachConnector(ctx, func(c producer.Connector, producers int) error {
		line, err := rq.connectorLine(ctx, c, producers)
		lines = append(lines, line)
		return err
	})
	if err != nil {
		return err
	}
	return rq.show(http.StatusOK, "connectors.html", view{Title: "Connectors", Nav: "connectors", Body: lines, Done: rq.did()})
}

// named is the connector of the address, where it may be seen.
func (rq *request) named(ctx context.Context) (producer.Connector, error) {
	c, err := rq.s.deps.Registry.Get(ctx, rq.r.PathValue("name"))
	if errors.Is(err, producer.ErrNoConnector) || err == nil && !rq.owns(c) {
		return c, failf(http.StatusNotFound, "connector %q: no such connector, or it is not yours to see", rq.r.PathValue("name"))
	}
	return c, err
}

// connectorBody is one connector's page.
type connectorBody struct {
	connectorLine
	SignIn  string // how the app signs in; never the secret
	Running bool
	Verdict *producer.Verdict
	Failed  string // why the check could not be made
	Runs    *grid
	Feeds   *grid
}

func connectorPage(ctx context.Context, rq *request) error {
	return rq.connectorPage(ctx, nil, "")
}

func (rq *request) connectorPage(ctx context.Context, v *producer.Verdict, failed string) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	served, err := rq.s.deps.Registry.Served(ctx)
	if err != nil {
		return err
	}
	line, err := rq.connectorLine(ctx, c, served[c.Endpoint])
	if err != nil {
		return err
	}
	body := &connectorBody{connectorLine: line, SignIn: signIn(c), Running: line.State == producer.StateRunning, Verdict: v, Failed: failed}
	for i, t := range rq.tenants {
		if strings.EqualFold(t.Domain, c.Tenant) || strings.EqualFold(t.ID, c.Tenant) {
			rq.tenant = &rq.tenants[i]
		}
	}
	if rq.tenant != nil {
		err = atOnce(ctx,
			func(ctx context.Context) (err error) {
				body.Runs, err = rq.grid(ctx, gridSpec{ID: "runs", Caption: "Runs", Query: "runs", Params: map[string]string{"feed": "all"}, View: answer.View{Limit: 20},
					Only: []string{"finished_at", "status", "entities", "published", "unchanged", "deleted", "events", "started_at", "message", "remedy"}, Empty: "No run has been stored yet."})
				return err
			},
			func(ctx context.Context) (err error) {
				body.Feeds, err = rq.grid(ctx, gridSpec{ID: "feeds", Caption: "Evidence of the last readings", Query: "coverage",
					Only: []string{"feed", "status", "doubt", "complete_at", "report_date", "rows", "pages", "concealed_share", "message", "remedy"}, Empty: "Nothing has been read yet."})
				return err
			})
		if err != nil {
			return err
		}
	}
	return rq.show(http.StatusOK, "connector.html", view{Title: "Connector " + c.Name, Nav: "connectors", Body: body, Done: rq.did()})
}

// signIn says how a connector's app signs in and where its secret is found, as the
// command line does.
func signIn(c producer.Connector) string {
	switch {
	case c.WorkloadIdentity:
		return "workload identity"
	case c.ManagedIdentity != "":
		return "managed identity"
	case c.Certificate != "":
		return "a certificate, kept outside of the connector"
	}
	kind, _, _ := strings.Cut(string(c.ClientSecret), ":")
	place := map[string]string{"env": "an environment variable", "file": "a file", "age": "an age-encrypted text", "keyvault": "a key vault"}[kind]
	if place == "" {
		return "not set"
	}
	return "a client secret from " + place
}

func checkConnector(ctx context.Context, rq *request) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	r := rq.s.deps.Registry
	v, err := (&producer.Runner{JS: r.JS, Stores: r.Stores, Log: zerolog.Nop(), Secrets: rq.s.deps.Secrets}).Check(ctx, c)
	if err != nil {
		return rq.connectorPage(ctx, nil, err.Error())
	}
	rq.audit(ctx, "connector-checked", c.Name, "", "")
	return rq.connectorPage(ctx, v, "")
}

func runConnector(ctx context.Context, rq *request) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	if _, err := rq.s.deps.Registry.RunNow(ctx, c); err != nil {
		return err
	}
	rq.audit(ctx, "connector-run", c.Name, "", "")
	return rq.see(rq.link("/connectors/"+c.Name, "following", "1"))
}

func pauseConnector(pause bool) func(context.Context, *request) error {
	return func(ctx context.Context, rq *request) error {
		c, err := rq.named(ctx)
		if err != nil {
			return err
		}
		if err := rq.s.deps.Registry.Pause(ctx, c.Name, pause); err != nil {
			return err
		}
		what := "connector-resumed"
		if pause {
			what = "connector-paused"
		}
		rq.audit(ctx, what, c.Name, "", "")
		return rq.see(rq.link("/connectors/" + c.Name))
	}
}

// removeBody says what removing a connector will do, in numbers.
type removeBody struct {
	producer.Connector
	Users, Holdings, Runs uint64
	Known                 bool
}

func removePage(ctx context.Context, rq *request) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	body := &removeBody{Connector: c}
	i := slices.IndexFunc(rq.tenants, func(t tenant) bool { return strings.EqualFold(t.Domain, c.Tenant) || strings.EqualFold(t.ID, c.Tenant) })
	if i >= 0 {
		rq.tenant, body.Known = &rq.tenants[i], true
		for query, to := range map[string]*uint64{"licence-holders": &body.Holdings, "runs": &body.Runs} {
			f, err := rq.ask(ctx, query, nil, answer.View{Limit: 1})
			if err != nil {
				return err
			}
			*to = f.total
		}
	}
	return rq.show(http.StatusOK, "remove.html", view{Title: "Remove connector " + c.Name, Nav: "connectors", Body: body})
}

func removeConnector(ctx context.Context, rq *request) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	if rq.r.PostFormValue("name") != c.Name {
		return failf(http.StatusBadRequest, "to remove connector %s, write its name into the field", c.Name)
	}
	if err := rq.s.deps.Registry.Remove(ctx, c.Name); err != nil {
		return err
	}
	rq.audit(ctx, "connector-removed", c.Name, "", "")
	return rq.see(rq.link("/connectors", "gone", "1"))
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
