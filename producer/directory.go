package producer

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// directory is the tenant itself as Graph gave it, or why it did not.
type directory struct {
	organization schemas.Organization
	read         time.Time
	err          error
}

// reach reads the organization, and with it whose directory this is. Where Graph puts that
// reading off or answers badly, the run goes on: the token says for which directory it is,
// and the feed's evidence why the organization was not read.
func (u *run) reach(ctx context.Context) (*directory, error) {
	d := &directory{read: u.now()}
	if d.organization, d.err = u.client.Organization(ctx); d.err == nil {
		d.organization.Normalize()
		if u.tenant = d.organization.ID; !schemas.IsGUID(u.tenant) {
			return nil, fmt.Errorf("organization id %q is not a GUID", u.tenant)
		}
		return d, nil
	}
	switch graph.KindOf(d.err) {
	case graph.Throttled, graph.Unavailable, graph.BadBody:
	default: // not permitted, or Graph is not reached: nothing else would be
		return nil, d.err
	}
	id, err := u.client.Directory(ctx)
	if err != nil {
		return nil, err
	}
	if u.tenant = schemas.GUID(id); !schemas.IsGUID(u.tenant) {
		u.tenant = ""
		return nil, d.err
	}
	return d, nil
}

func (r *Runner) client(c Connector, log zerolog.Logger) (*graph.Client, error) {
	if c.CAFile != "" {
		if _, err := os.Stat(c.CAFile); err != nil {
			return nil, fmt.Errorf("connector %s: ca_file: %w", c.Name, err)
		}
	}
	secrets := cmp.Or(r.Secrets, &Secrets{})
	if c.ClientSecret != "" { // said at once and in full; a sign-in says less
		if _, err := secrets.text("client secret", c.ClientSecret); err != nil {
			return nil, fmt.Errorf("connector %s: %w", c.Name, err)
		}
	}
	cfg := graph.Config{
		Tenant: c.Tenant, ClientID: c.ClientID, Cloud: c.Cloud, AssignedPlans: c.AssignedPlans,
		GraphURL: c.GraphURL, AuthorityURL: c.AuthorityURL, CAFile: c.CAFile, Now: r.Now, Log: log,
		Limiter: r.Limiter, Yield: r.Yield,
	}
	c.credential(secrets, &cfg)
	client, err := graph.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("connector %s: %w", c.Name, err)
	}
	return client, nil
}
