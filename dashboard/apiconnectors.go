package dashboard

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/producer"
)

// connectorInfo is a connector without anything that leads to its secret.
type connectorInfo struct {
	Name      string    `json:"name"`
	Tenant    string    `json:"tenant"`
	ClientID  string    `json:"client_id"`
	SignIn    string    `json:"sign_in"`
	Cloud     string    `json:"cloud"`
	Endpoint  string    `json:"endpoint"`
	Schedule  string    `json:"schedule"`
	State     string    `json:"state"`
	Problem   string    `json:"problem,omitzero"`
	LastRun   time.Time `json:"last_run,omitzero"`
	CreatedAt time.Time `json:"created_at"`
}

func (rq *request) info(ctx context.Context, c producer.Connector, producers int) (connectorInfo, error) {
	line, err := rq.connectorLine(ctx, c, producers)
	out := connectorInfo{Name: c.Name, Tenant: c.Tenant, ClientID: c.ClientID, SignIn: signIn(c), Cloud: c.Cloud, Endpoint: c.Endpoint,
		Schedule: line.Schedule, State: line.State, Problem: line.Problem, CreatedAt: c.CreatedAt}
	if line.LastRun != nil {
		out.LastRun = *line.LastRun
	}
	return out, err
}

func apiConnectors(ctx context.Context, rq *request) error {
	all := []connectorInfo{}
	err := rq.eachConnector(ctx, func(c producer.Connector, producers int) error {
		info, err := rq.info(ctx, c, producers)
		all = append(all, info)
		return err
	})
	if err != nil {
		return err
	}
	return rq.json(http.StatusOK, all)
}

func apiConnector(ctx context.Context, rq *request) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	served, err := rq.s.deps.Registry.Served(ctx)
	if err != nil {
		return err
	}
	info, err := rq.info(ctx, c, served[c.Endpoint])
	if err != nil {
		return err
	}
	return rq.json(http.StatusOK, info)
}

func apiRun(ctx context.Context, rq *request) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	id, err := rq.s.deps.Registry.RunNow(ctx, c)
	if err != nil {
		return err
	}
	rq.audit(ctx, "connector-run", c.Name, "", "")
	return rq.json(http.StatusAccepted, map[string]uint64{"command": id})
}

// checkInfo is one check of a verdict.
type checkInfo struct {
	Name     string `json:"check"`
	Result   string `json:"result"`
	Detail   string `json:"detail"`
	Remedy   string `json:"remedy,omitzero"`
	Optional bool   `json:"optional"`
}

type verdictInfo struct {
	Ready     bool                `json:"ready"`
	Checks    []checkInfo         `json:"checks"`
	Questions []producer.Question `json:"questions"`
}

func apiCheck(ctx context.Context, rq *request) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	r := rq.s.deps.Registry
	v, err := (&producer.Runner{JS: r.JS, Stores: r.Stores, Log: zerolog.Nop(), Secrets: rq.s.deps.Secrets}).Check(ctx, c)
	if err != nil {
		return failf(http.StatusUnprocessableEntity, "check connector %s: %w", c.Name, err)
	}
	rq.audit(ctx, "connector-checked", c.Name, "", "")
	out := verdictInfo{Ready: v.Ready(), Questions: slices.Clone(v.Questions)}
	for _, k := range v.Checks {
		out.Checks = append(out.Checks, checkInfo{k.Name, string(k.Status), k.Detail, k.Remedy, k.Optional})
	}
	return rq.json(http.StatusOK, out)
}
