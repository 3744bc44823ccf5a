package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
)

// good is a connector whose every field is well formed.
const good = `  - name: contoso
    tenant: contoso.onmicrosoft.com
    client_id: 11111111-2222-3333-4444-555555555555
    client_secret: env:CONTOSO_SECRET
`

// TestBadConfiguration starts "up" with a file that cannot work. It must say so before it
// writes anything.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	const literal = "Xk28Q~vb1L0yD3pW4uN5sR6tM7aZ8cE9hJ2gKdQf"
	for name, bad := range map[string]struct {
		config string
		words  []string
	}{
		"unknown key":             {"nats: {ulr: nats://127.0.0.1:4222}", []string{`"nats.ulr"`, "line 1", `"nats.url"`}},
		"unknown section":         {"clikhouse: {dsn: clickhouse://127.0.0.1}", []string{`"clikhouse"`, `"clickhouse"`}},
		"unknown connector key":   {"connectors:\n" + strings.Replace(good, "tenant:", "tennant:", 1) + "    tenant: contoso.onmicrosoft.com\n", []string{"tennant", "line 3", `tenant"`}},
		"key of another section":  {"url: nats://127.0.0.1:4222", []string{`"nats.url"`}},
		"secret id as reference":  {"connectors:\n" + strings.Replace(good, "env:CONTOSO_SECRET", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", 1), []string{"Secret ID", "Value"}},
		"literal secret":          {"connectors:\n" + strings.Replace(good, "env:CONTOSO_SECRET", literal, 1), []string{"client_secret", "env:NAME", "file:PATH"}},
		"literal secret as id":    {"connectors:\n" + strings.Replace(good, "11111111-2222-3333-4444-555555555555", literal, 1), []string{"client_id", "Application (client) ID"}},
		"no secret":               {"connectors:\n" + strings.Replace(good, "    client_secret: env:CONTOSO_SECRET\n", "", 1), []string{"client_secret", "missing"}},
		"tenant is a name":        {"connectors:\n" + strings.Replace(good, "contoso.onmicrosoft.com", "Contoso", 1), []string{`"Contoso"`, "directory id"}},
		"cloud":                   {"connectors:\n" + good + "    cloud: germany\n", []string{`"germany"`, "global, usgov, dod, china"}},
		"graph over http":         {"connectors:\n" + good + "    graph_url: http://127.0.0.1:80\n", []string{"graph_url", "https"}},
		"report":                  {"connectors:\n" + good + "    reports: [getNothing]\n", []string{"getNothing"}},
		"two connectors, a name":  {"connectors:\n" + good + good, []string{`"contoso"`, "already at line 2"}},
		"not YAML":                {"nats: [", []string{"read configuration"}},
		"port":                    {"nats: {port: 70000}", []string{"nats.port", "65535"}},
		"dsn of another server":   {"clickhouse: {dsn: 'postgres://127.0.0.1/x'}", []string{"clickhouse.dsn", "clickhouse://"}},
		"credentials for nothing": {"nats: {creds: a.creds}", []string{"nats.creds", "nats.url"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			c.env, c.secrets = nil, []string{literal}
			file := filepath.Join(c.dir, "seatstream.yaml")
			if err := os.WriteFile(file, []byte(bad.config), 0o600); err != nil {
				t.Fatal(err)
			}
			c.refused(1, []string{"up", "--config", file}, bad.words...)
			if left, err := os.ReadDir(c.dir); err != nil || len(left) != 1 {
				t.Errorf("it writes before it has read its configuration: %v, %v", left, err)
			}
		})
	}
	c := newCLI(t)
	c.refused(1, []string{"up", "--config", "nowhere.yaml"}, "nowhere.yaml")
	c.env = append(c.env, "SEATSTREAM_NATS_ULR=nats://127.0.0.1:1")
	c.refused(1, []string{"up"}, "SEATSTREAM_NATS_ULR", "SEATSTREAM_NATS_URL")
}

// TestUnreachableServers starts roles whose servers are not there.
func TestUnreachableServers(t *testing.T) {
	t.Parallel()
	nats, clickhouse := "nats://127.0.0.1:"+closedPort(t), "clickhouse://reader:canary-password@127.0.0.1:"+closedPort(t)
	c := newCLI(t)
	c.secrets = []string{"canary-password"}
	for _, role := range []string{"up", "producer", "consumer"} {
		c.refused(1, []string{role, "--nats-url", nats}, nats, "nats.url", "is up")
	}
	for _, args := range [][]string{{"connector", "list"}, {"subscribe"}, {"replay", "--stdout"}} {
		c.refused(1, append(args, "--nats-url", nats), nats, "nats.url")
	}
	c.refused(1, []string{"query", "tenants", "--clickhouse-dsn", clickhouse}, "clickhouse.dsn", "is up", "reader:xxxxx@")
	if left, err := os.ReadDir(c.dir); err != nil || len(left) > 0 {
		t.Errorf("it writes: %v, %v", left, err)
	}
	server := teststack.StartNATS(t)
	c.refused(1, []string{"consumer", "--log-level", "error", "--nats-url", server.URL(), "--clickhouse-dsn", clickhouse}, "clickhouse.dsn", "is up")
	info, err := server.JS.Stream(t.Context(), "M365")
	if err != nil || info.CachedInfo().State.Msgs != 0 {
		t.Errorf("records in a stream that nobody may write to: %v", err)
	}
}

// closedPort is a port on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestNoEngine runs where ClickHouse is nowhere to be found.
func TestNoEngine(t *testing.T) {
	t.Parallel()
	ways := []string{"make engine", "clickhouse binary on PATH", "clickhouse.dsn"}
	for name, env := range map[string][]string{
		"the variable points nowhere": {"SEATSTREAM_ENGINE=/nowhere/libchdb.so"},
		"empty home and cache":        {"SEATSTREAM_ENGINE=", "SEATSTREAM_CACHE=", "XDG_CACHE_HOME=", "PATH=/nowhere", "HOME=/nowhere"},
		"no home at all":              {"SEATSTREAM_ENGINE=", "SEATSTREAM_CACHE=", "XDG_CACHE_HOME=", "PATH=/nowhere", "HOME="},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			c.env = append(c.env, env...)
			c.refused(1, []string{"demo", "--once"}, ways...)
			c.refused(1, []string{"up", "--log-level", "error"}, ways...)
		})
	}
}

// TestDirectoryInUse starts a second instance on the folder of a running one. The second
// is refused, and the first goes on as if nothing had been.
func TestDirectoryInUse(t *testing.T) {
	needEngine(t)
	t.Parallel()
	c := newCLI(t)
	first := startDemo(t, c)
	for _, args := range [][]string{{"demo"}, {"demo", "--once"}, {"up", "--log-level", "error", "--data-dir", "data/demo"}} {
		c.refused(1, args, "data/demo", "--data-dir", fmt.Sprintf("process %d", first.cmd.Process.Pid))
	}
	// It is still found, and its connectors still lead to its own simulator.
	if out := c.ok("connector", "run", "northwind", "--data-dir", "data/demo"); !strings.Contains(out, " complete: ") {
		t.Errorf("connector run: %s", out)
	}
	stopDemo(t, c, first)
}

// TestPortsTaken gives the embedded servers ports that others hold: they take free ones.
func TestPortsTaken(t *testing.T) {
	needEngine(t)
	t.Parallel()
	c := newCLI(t)
	c.env = nil
	for _, name := range []string{"SEATSTREAM_NATS_PORT", "SEATSTREAM_CLICKHOUSE_TCP_PORT", "SEATSTREAM_CLICKHOUSE_HTTP_PORT"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		c.env = append(c.env, name+"="+port)
	}
	if out := c.ok("demo", "--once"); !strings.Contains(out, demoDomains[0]) {
		t.Errorf("demo with its ports taken:\n%s", tail(out))
	}
	// A port that was asked for by name is another matter: the simulator says so.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c.refused(1, []string{"sim", "--listen", l.Addr().String()}, l.Addr().String(), "address already in use")
}
