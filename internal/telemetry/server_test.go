package telemetry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, address string, checks ...Check) *Server {
	t.Helper()
	s, err := Listen(t.Context(), address, []prometheus.Collector{prometheus.NewGauge(prometheus.GaugeOpts{Name: "a_metric"})}, checks, "v1", zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Server) get(t *testing.T, path, host string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host, req.Close = host, true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// TestReadyMeansIt: readiness follows every part and names the one that fails, health only
// the vital ones.
func TestReadyMeansIt(t *testing.T) {
	t.Parallel()
	var store, link atomic.Bool
	check := func(fails *atomic.Bool, text string) func(context.Context) error {
		return func(context.Context) error {
			if fails.Load() {
				return errors.New(text)
			}
			return nil
		}
	}
	s := start(t, "127.0.0.1:0", Check{Part: "store", Check: check(&store, "disk\nfull")}, Check{Part: "link", Vital: true, Check: check(&link, "closed")})
	for _, c := range []struct {
		store, link     bool
		healthz, readyz string
	}{
		{false, false, "200 ok", "200 ok"},
		{true, false, "200 ok", "503 store: disk full"},
		{true, true, "503 link: closed", "503 store: disk full|link: closed"},
	} {
		store.Store(c.store)
		link.Store(c.link)
		for path, want := range map[string]string{"/healthz": c.healthz, "/readyz": c.readyz} {
			code, body := s.get(t, path, "")
			if got := http.StatusText(code) + " " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "|"); got != strings.NewReplacer("200", "OK", "503", "Service Unavailable").Replace(want) {
				t.Errorf("%s with %+v: %s", path, c, got)
			}
		}
	}
	if _, body := s.get(t, "/metrics", ""); !strings.Contains(body, `seatstream_build_info{version="v1"} 1`) || !strings.Contains(body, "a_metric 0") {
		t.Errorf("metrics:\n%.2000s", body)
	}
}

// TestProfilesStayHere: profiles show memory, so neither another machine nor a page in a
// browser on this one may ask for them.
func TestProfilesStayHere(t *testing.T) {
	t.Parallel()
	s := start(t, "127.0.0.1:0")
	if code, _ := s.get(t, "/debug/pprof/", ""); code != http.StatusOK {
		t.Errorf("on loopback: %d", code)
	}
	if code, _ := s.get(t, "/debug/pprof/", "rebound.example"); code != http.StatusForbidden {
		t.Errorf("under a foreign name: %d", code)
	}
	open := start(t, ":0")
	if code, _ := open.get(t, "/debug/pprof/", ""); code != http.StatusNotFound {
		t.Errorf("off loopback: %d", code)
	}
}

// TestPortIsAPreference on loopback, and an order elsewhere.
func TestPortIsAPreference(t *testing.T) {
	t.Parallel()
	s := start(t, "127.0.0.1:0")
	other := start(t, s.Addr())
	if other.Addr() == s.Addr() {
		t.Errorf("both at %s", s.Addr())
	}
	all := start(t, ":0")
	_, port, _ := net.SplitHostPort(all.Addr())
	second, err := Listen(t.Context(), ":"+port, nil, nil, "", zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), "telemetry.listen") {
		t.Errorf("a taken port off loopback: %v", err)
	}
	if second != nil {
		second.Close()
	}
}

// TestSystemdIsTold listens where systemd would. The variables are the process's: no other
// test may run beside it.
func TestSystemdIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "60000")
	t.Setenv("WATCHDOG_PID", "")
	if err := os.Unsetenv("WATCHDOG_PID"); err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	s, err := Listen(t.Context(), "127.0.0.1:0", nil, []Check{{Part: "link", Vital: true, Check: func(context.Context) error {
		if broken.Load() {
			return errors.New("closed")
		}
		return nil
	}}}, "", zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	told := func(limit time.Duration) string {
		buf := make([]byte, 100)
		if err := l.SetReadDeadline(time.Now().Add(limit)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(buf)
		if err != nil {
			return err.Error()
		}
		return string(buf[:n])
	}
	got := map[string]int{}
	for len(got) < 2 || got[alive] < 3 {
		word := told(time.Minute)
		if word != ready && word != alive {
			t.Fatalf("told %q", word)
		}
		got[word]++
	}
	broken.Store(true)
	for quiet := false; !quiet; { // what was on its way may still come
		quiet = strings.Contains(told(500*time.Millisecond), "timeout")
	}
	stop()
	if word := told(time.Minute); word != stopping {
		t.Errorf("told %q at the end", word)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
