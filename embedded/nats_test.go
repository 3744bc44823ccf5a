package embedded

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func startNATS(t *testing.T, cfg NATSConfig) *NATS {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.Log = zerolog.New(zerolog.NewTestWriter(t))
	n, err := StartNATS(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	return n
}

func jetStream(t *testing.T, n *NATS) jetstream.JetStream {
	t.Helper()
	conn, err := n.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestNATSSyncsEveryWrite(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{StoreMaxBytes: 64 << 20})
	varz, err := n.Server().Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !varz.JetStream.Config.SyncAlways {
		t.Error("jetstream acks before it syncs")
	}
	if got := varz.JetStream.Config.MaxStore; got != 64<<20 {
		t.Errorf("store limit is %d", got)
	}
	if host, _, _ := net.SplitHostPort(n.Server().Addr().String()); host != "127.0.0.1" {
		t.Errorf("listens on %s", host)
	}
}

func TestNATSKeepsMessagesOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startNATS(t, NATSConfig{Dir: dir})
	js := jetStream(t, first)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "M365", Subjects: []string{"m365.>"}, Storage: jetstream.FileStorage,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := js.Publish(t.Context(), "m365.user."+strconv.Itoa(i), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	first.Stop()
	stream, err := jetStream(t, startNATS(t, NATSConfig{Dir: dir})).Stream(t.Context(), "M365")
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().State.Msgs; got != 100 {
		t.Errorf("%d of 100 messages are left", got)
	}
}

func TestNATSFallsBackToAFreePort(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	taken := listener.Addr().(*net.TCPAddr).Port
	n := startNATS(t, NATSConfig{Port: taken})
	if n.URL() == fmt.Sprintf("nats://127.0.0.1:%d", taken) {
		t.Errorf("claims the taken port: %s", n.URL())
	}
	conn, err := nats.Connect(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestNATSTakesThePreferredPort(t *testing.T) {
	t.Parallel()
	port, err := choosePort(defaultHost, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := startNATS(t, NATSConfig{Port: port})
	if want := fmt.Sprintf("nats://127.0.0.1:%d", port); n.URL() != want {
		t.Errorf("url is %s, want %s", n.URL(), want)
	}
}

func TestNATSRefusesADirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startNATS(t, NATSConfig{Dir: dir})
	_, err := StartNATS(NATSConfig{Dir: dir})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want ErrInUse that names the directory", err)
	}
}

// Not parallel: it looks at the goroutines of the whole process.
func TestNATSLeavesNoGoroutines(t *testing.T) {
	before := goleak.IgnoreCurrent()
	n, err := StartNATS(NATSConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := n.Connect()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	n.Stop()
	n.Stop() // a second stop does no harm
	goleak.VerifyNone(t, before)
}
