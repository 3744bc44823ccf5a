package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seatstream/seatstream/producer"
)

// newBody is the form of a new connector. What was typed comes back, apart from the secret.
type newBody struct {
	producer.Connector
	FirstDay, Then string
	Clouds         []string
	Pasted         bool // a secret may be pasted, not only referred to
	Forms          string
	Problems       []string
}

func newConnectorPage(_ context.Context, rq *request) error {
	c := producer.Connector{}
	c.Default()
	return rq.newConnectorForm(http.StatusOK, c, nil)
}

func (rq *request) newConnectorForm(status int, c producer.Connector, problems []string) error {
	body := &newBody{Connector: c, FirstDay: "1h", Then: "24h", Clouds: producer.Clouds, Pasted: rq.s.cfg.SecretDir != "", Forms: producer.SecretForms, Problems: problems}
	if status != http.StatusOK {
		body.FirstDay, body.Then = rq.r.PostFormValue("first_day"), rq.r.PostFormValue("then")
	}
	return rq.show(status, "new.html", view{Title: "New connector", Nav: "connectors", Body: body})
}

func addConnector(ctx context.Context, rq *request) error {
	if !rq.scope.all() {
		return failf(http.StatusForbidden, "a token that is for some tenants only cannot add connectors: they could read another tenant")
	}
	value := func(name string) string { return strings.TrimSpace(rq.r.PostFormValue(name)) }
	c := producer.Connector{
		Name: value("name"), Tenant: value("tenant"), ClientID: value("client_id"), Cloud: value("cloud"), Endpoint: value("endpoint"),
		GraphURL: value("graph_url"), AuthorityURL: value("authority_url"), CAFile: value("ca_file"),
	}
	c.Schedule.Cron, c.Schedule.TimeZone = value("cron"), value("time_zone")
	var problems []string
	if c.Schedule.Cron == "" {
		for name, to := range map[string]*time.Duration{"first_day": &c.Schedule.FirstDay, "then": &c.Schedule.Then} {
			if text := value(name); text != "" {
				d, err := time.ParseDuration(text)
				if err != nil {
					problems = append(problems, fmt.Sprintf("%s %q: want a duration such as 1h or 24h", name, text))
				}
				*to = d
			}
		}
	}
	secret := value("client_secret")
	c.ClientSecret = producer.SecretRef(secret)
	pasted := c.ClientSecret.Validate()
	if pasted != nil && rq.s.cfg.SecretDir != "" && secret != "" && !errors.Is(pasted, producer.ErrSecretID) {
		c.ClientSecret = producer.SecretRef("file:" + rq.secretFile(c.Name)) // a form that is valid
	} else {
		pasted = nil
	}
	c.Default()
	if _, err := rq.s.deps.Registry.Get(ctx, c.Name); err == nil {
		problems = append(problems, fmt.Sprintf("connector %q: there is one of this name: choose another, or remove that one first", c.Name))
	}
	if err := c.Validate(); err != nil {
		problems = append(problems, strings.Split(err.Error(), "\n")...)
	}
	if len(problems) > 0 {
		return rq.newConnectorForm(http.StatusBadRequest, c, problems)
	}
	if pasted != nil {
		if err := rq.keepSecret(c.Name, secret); err != nil {
			return err
		}
	}
	if _, err := rq.s.deps.Registry.Put(ctx, c); err != nil {
		return rq.newConnectorForm(http.StatusBadRequest, c, strings.Split(err.Error(), "\n"))
	}
	rq.audit(ctx, "connector-added", c.Name, "", c.Tenant)
	return rq.see(rq.link("/connectors/"+c.Name, "following", "1"))
}

func (rq *request) secretFile(name string) string {
	return filepath.Join(rq.s.cfg.SecretDir, name+".secret")
}

// keepSecret writes a pasted secret where only this user can read it. The connector, and
// whatever is logged or stored of it, has the path alone. The name is checked by then.
func (rq *request) keepSecret(name, secret string) error {
	if err := os.MkdirAll(rq.s.cfg.SecretDir, 0o700); err != nil {
		return fmt.Errorf("keep the secret: %w", err)
	}
	f, err := os.CreateTemp(rq.s.cfg.SecretDir, ".new-*") // readable by this user alone
	if err != nil {
		return fmt.Errorf("keep the secret: %w", err)
	}
	_, err = f.WriteString(secret)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), rq.secretFile(name))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it may hold the secret
		return fmt.Errorf("keep the secret: %w", err)
	}
	return nil
}
