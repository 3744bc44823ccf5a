// Package telemetry shows how a process is: metrics for Prometheus, whether it is ready for
// work, and, on loopback, Go's profiles. It also tells systemd.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
)

// Check says what is wrong with a part of the process, nil where it works.
type Check struct {
	Part string // such as nats
	// Vital parts make /healthz fail too: nothing but a new process mends them.
	Vital bool
	Check func(context.Context) error
}

// Server serves /metrics, /healthz, /readyz and, where it listens on loopback only,
// /debug/pprof/.
type Server struct {
	listener net.Listener
	http     http.Server
	checks   []Check
	log      zerolog.Logger
}

// Listen opens address, host:port. On loopback the port is a preference: where another
// process has it, any free one is taken, and Addr says which.
func Listen(ctx context.Context, address string, metrics []prometheus.Collector, checks []Check, version string, log zerolog.Logger) (*Server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if host, _, splitErr := net.SplitHostPort(address); err != nil && splitErr == nil && loopback(host) {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("serve metrics at telemetry.listen: %w: name another address, or none with an empty one", err)
	}
	registry := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "seatstream_build_info", Help: "1, with the version of the program.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	for _, c := range append(slices.Clone(metrics), build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})) {
		if err := registry.Register(c); err != nil {
			return nil, errors.Join(fmt.Errorf("register metrics: %w", err), l.Close())
		}
	}
	s := &Server{listener: l, checks: checks, log: log}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", s.answer(true))
	mux.HandleFunc("GET /readyz", s.answer(false))
	if loopback(l.Addr().(*net.TCPAddr).IP.String()) {
		for path, h := range map[string]http.HandlerFunc{
			"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
		} {
			mux.HandleFunc("GET /debug/pprof/"+path, local(h))
		}
	}
	s.http = http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return s, nil
}

// Addr is the address that is served, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends a server, also one that never ran.
func (s *Server) Close() { _ = errors.Join(s.http.Close(), s.listener.Close()) } // closed already after Run

// Run serves until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.http.Close() }) // a scrape that is cut off comes again
	defer stop()
	go s.watchdog(ctx)
	notify(ready, s.log)
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	notify(stopping, s.log)
	return nil
}

// checkTime is how long all parts together may take to answer.
const checkTime = 3 * time.Second

// failures asks the parts how they are.
func (s *Server) failures(ctx context.Context, vital bool) (lines []string) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	for _, c := range s.checks {
		if vital && !c.Vital {
			continue
		}
		if err := c.Check(ctx); err != nil {
			lines = append(lines, c.Part+": "+strings.Join(strings.Fields(err.Error()), " "))
		}
	}
	return lines
}

func (s *Server) answer(vital bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		lines := s.failures(r.Context(), vital)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if len(lines) == 0 {
			lines = []string{"ok"}
		} else {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(strings.Join(lines, "\n") + "\n")) // who asked may have gone
	}
}

// local refuses requests that a browser was led to make under a foreign name.
func local(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !loopback(host) {
			http.Error(w, "profiles are for this machine: ask 127.0.0.1", http.StatusForbidden)
			return
		}
		h(w, r)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
