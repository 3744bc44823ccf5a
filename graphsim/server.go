package graphsim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Config is what New needs. Only Tenants is required.
type Config struct {
	// Listen is host:port; "127.0.0.1:0" (a free port) when empty.
	Listen string
	// Dir keeps ca.pem and ca.key so that clients that trust the authority
	// still do after a restart. It is created if missing; empty keeps the
	// authority in memory.
	Dir string
	// Start is the simulated today at day 0, cut to midnight UTC; the zero
	// value is the date of the machine.
	Start   time.Time
	Tenants []TenantConfig
	Log     zerolog.Logger
}

// Server is a simulator bound to its port. It answers once Run is called.
type Server struct {
	cfg      Config
	url      string
	listener net.Listener
	ca       *authority
	cal      *calendar
	day      atomic.Int64
	tenants  []*tenant
	rules    rules
	seen     requestCounts
	texts    texts
	tokens   tokenCache
	serial   atomic.Uint64
	observer atomic.Pointer[func(*http.Request)]
	stop     chan struct{}
	once     sync.Once
}

// New checks the configuration, makes or loads the certificate authority and
// binds the listener so that URL is known. It serves nothing yet.
func New(cfg Config) (*Server, error) {
	if len(cfg.Tenants) == 0 {
		return nil, errors.New("start simulator: no tenants configured")
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Start.IsZero() {
		cfg.Start = time.Now()
	}
	cfg.Start = cfg.Start.UTC().Truncate(24 * time.Hour)
	s := &Server{cfg: cfg, cal: newCalendar(cfg.Start), stop: make(chan struct{})}
	for _, tc := range cfg.Tenants {
		t, err := newTenant(tc, s.cal)
		if err != nil {
			return nil, err
		}
		if s.tenant(t.info.ID) != nil || s.tenant(t.info.Domain) != nil {
			return nil, fmt.Errorf("add tenant %s: domain or seed already in use", tc.Domain)
		}
		s.tenants = append(s.tenants, t)
	}
	var err error
	if s.ca, err = loadAuthority(cfg.Dir); err != nil {
		return nil, err
	}
	if s.listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	s.url = "https://" + reachable(s.listener.Addr())
	return s, nil
}

// reachable is the address to name in URLs: a wildcard listener is reached
// over loopback.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// Run serves until ctx is done, then lets running requests finish for a few
// seconds and closes. It closes the listener also when it fails. It is called
// once.
func (s *Server) Run(ctx context.Context) error {
	defer func() { _ = s.listener.Close() }() // closed already where serving began
	host, _, _ := net.SplitHostPort(s.listener.Addr().String())
	cert, err := s.ca.issue(host)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           s,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          log.New(discard{}, "", 0), // aborted connections are what faults are for
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.ServeTLS(s.listener, "", "") }()
	s.cfg.Log.Info().Str("url", s.url).Int("tenants", len(s.tenants)).Msg("graph simulator serving")
	select {
	case err := <-failed:
		return fmt.Errorf("serve simulator: %w", err)
	case <-ctx.Done():
	}
	s.once.Do(func() { close(s.stop) }) // wakes stalled requests
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		_ = srv.Close()
	}
	<-failed //nolint:errcheck // the server was closed
	return nil
}

// Observe calls f with every request to Graph and the sign-in before it is answered. The
// answer waits for f. Only one observer is kept.
func (s *Server) Observe(f func(*http.Request)) { s.observer.Store(&f) }

// Close releases the port of a server that was never run. After Run it does
// nothing.
func (s *Server) Close() error {
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close listener: %w", err)
	}
	return nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// URL is the base of all addresses, without /v1.0: https://127.0.0.1:port.
func (s *Server) URL() string { return s.url }

// AuthorityURL is the base of the token endpoint, which is
// {authority}/{tenant}/oauth2/v2.0/token.
func (s *Server) AuthorityURL() string { return s.url }

// CAFile is the path of the authority's certificate (PEM), empty when
// Config.Dir is.
func (s *Server) CAFile() string { return s.ca.file }

// CAPEM is the authority's certificate as PEM.
func (s *Server) CAPEM() []byte { return append([]byte(nil), s.ca.pem...) }

// Tenants lists the tenants in the order of the configuration.
func (s *Server) Tenants() []TenantInfo {
	out := make([]TenantInfo, len(s.tenants))
	for i, t := range s.tenants {
		out[i] = t.info
	}
	return out
}

// Day is the number of simulated days since the start.
func (s *Server) Day() int { return int(s.day.Load()) }

// Now is midnight UTC of the simulated day.
func (s *Server) Now() time.Time { return s.cal.date(s.Day()) }

// Advance moves the simulated clock by so many days. The clock never goes
// back: a negative number is ignored.
func (s *Server) Advance(days int) {
	if days > 0 {
		s.day.Add(int64(days))
	}
}

// tenant finds a tenant by domain or id, in any case; nil when there is none.
func (s *Server) tenant(key string) *tenant {
	for _, t := range s.tenants {
		if t.is(key) {
			return t
		}
	}
	return nil
}
