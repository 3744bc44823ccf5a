package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/producer"
)

// Config says where the page is served and to whom.
type Config struct {
	Listen string // host:port
	Tokens []Token
	// SecretDir is where a client secret that is pasted into the page is kept, a file each
	// that only this user can read. Empty where producers run elsewhere and could not read
	// it: then only references are taken.
	SecretDir string
	Version   string
}

// Deps are the parts the page speaks to.
type Deps struct {
	DB       driver.Conn
	Registry *producer.Registry
	Consumer *consumer.Consumer
	Secrets  *producer.Secrets
	Log      zerolog.Logger
}

// Server serves the page and the API.
type Server struct {
	cfg    Config
	deps   Deps
	log    zerolog.Logger
	pages  pages
	now    func() time.Time
	verify verification

	mu  sync.Mutex // guards ctx
	ctx context.Context
}

// ErrNeedsToken says that an address that others can reach was to be served to everybody.
var ErrNeedsToken = errors.New("others can reach this address: add dashboard.tokens to the configuration, or listen on 127.0.0.1")

// Check refuses what must not be served.
func (c Config) Check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("dashboard.listen: %w", err)
	}
	if len(c.Tokens) == 0 && !loopback(host) {
		return fmt.Errorf("dashboard.listen %s: %w", c.Listen, ErrNeedsToken)
	}
	for _, t := range c.Tokens {
		if len(t.Secret) < minToken {
			return fmt.Errorf("token %s of the dashboard is too short: %d characters or more, such as openssl rand -hex 32 makes", t.Name, minToken)
		}
	}
	return nil
}

// New checks the configuration. It starts nothing.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, deps: deps, log: deps.Log, pages: parsePages(), now: time.Now}, nil
}

// Run serves until ctx is done. ready is told the address of the page. On this machine
// alone another port is taken where the one wanted is in use.
func (s *Server) Run(ctx context.Context, ready func(url string)) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.cfg.Listen)
	host, _, _ := net.SplitHostPort(s.cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) && loopback(host) {
		ln, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return fmt.Errorf("serve the page: %w", err)
	}
	s.mu.Lock()
	s.ctx = ctx
	s.mu.Unlock()
	// No timeout for whole requests: it would end the event streams too.
	srv := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }, // an open event stream ends with ctx
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	if ready != nil {
		ready("http://" + ln.Addr().String() + "/")
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve the page: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		_ = srv.Close() // what is still open is a slow reader
	}
	err = <-served
	s.verify.wait()
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}

// background is the context of work that outlives a request.
func (s *Server) background() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		return context.Background()
	}
	return s.ctx
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
