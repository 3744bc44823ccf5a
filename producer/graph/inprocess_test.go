package graph

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
)

// inProcess calls the simulator without a network, so that time can be simulated too.
type inProcess struct {
	*graphsim.Server
	refused atomic.Int64 // with 429
}

func (p *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	out := httptest.NewRecorder()
	p.ServeHTTP(out, in)
	resp := out.Result()
	resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if resp.StatusCode == http.StatusTooManyRequests {
		p.refused.Add(1)
	}
	return resp, nil
}

// inside starts a simulator that is called in process, with Graph's limits enforced.
func inside(t *testing.T, tenants ...graphsim.TenantConfig) *inProcess {
	t.Helper()
	s, err := graphsim.New(graphsim.Config{Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Tenants: tenants})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, info := range s.Tenants() {
		if err := s.Switch(info.ID, func(sw *graphsim.Switches) {
			sw.EnforceLimits = true
			sw.Roles = append(sw.Roles, permissionSignIns, permissionReportSettings)
		}); err != nil {
			t.Fatal(err)
		}
	}
	return &inProcess{Server: s}
}

func (p *inProcess) client(t *testing.T, tenant int, l *Limiter) *Client {
	t.Helper()
	info := p.Tenants()[tenant]
	c, err := newClient(Config{
		Tenant: info.ID, ClientID: info.ClientID, Secret: func() (string, error) { return info.ClientSecret, nil },
		GraphURL: p.URL(), AuthorityURL: p.AuthorityURL(), Log: zerolog.Nop(), Limiter: l,
	}, p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *inProcess) mustNotRefuse(t *testing.T) {
	t.Helper()
	if n := p.refused.Load(); n > 0 {
		t.Errorf("%d requests were refused with 429", n)
	}
}

func drain[T any](Page[T]) error { return nil }
