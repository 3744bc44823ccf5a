package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
)

// station is "seatstream up" on a folder of its own, reading the tenants of a simulator.
type station struct {
	*cli
	sim *simulator
	up  *proc
}

// startStation writes a configuration with one connector per tenant, each with its secret
// in a variable, and starts everything on it. The connectors have run when it returns.
func startStation(t testing.TB, tenants ...string) *station {
	t.Helper()
	needEngine(t)
	s := &station{cli: newCLI(t), sim: startSim(t, tenants...)}
	config := "data_dir: ./here\nnats: {port: 0}\nclickhouse: {tcp_port: 0, http_port: 0}\nconnectors:\n"
	var names []string
	for i, n := range s.sim.tenants {
		name, _, _ := strings.Cut(n.domain, ".")
		names = append(names, name)
		config += s.sim.yaml(i, name, "env:SECRET_"+name)
		s.env = append(s.env, "SECRET_"+name+"="+n.secret)
		s.secrets = append(s.secrets, n.secret)
	}
	file := filepath.Join(s.dir, "seatstream.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.up = s.start("up", "--config", file)
	s.announced(t)
	s.env = append(s.env, "SEATSTREAM_CONFIG="+file)
	for _, name := range names {
		if out := s.ok("connector", "run", name); !strings.Contains(out, " complete: ") {
			t.Fatalf("run of %s: %s", name, out)
		}
	}
	return s
}

// announced waits until other commands on the folder find the instance.
func (s *station) announced(t testing.TB) {
	t.Helper()
	eventually(t, "the instance is up", func() bool {
		select {
		case <-s.up.done:
			t.Fatalf("up ended:\n%s", s.up.err.String())
		default:
		}
		_, err := os.Stat(filepath.Join(s.dir, "here", "running.json"))
		return err == nil
	})
	explainedAtTheEnd(t, s.up, filepath.Join(s.dir, "here"))
}

// stored waits until a query of one number gives at least want.
func (c *cli) stored(want float64, sql string, flags ...string) {
	c.t.Helper()
	var got any
	eventually(c.t, fmt.Sprintf("%s gives %v", sql, want), func() bool {
		got = rows(c.t, c.ok(append([]string{"query", "-o", "json", "--sql", "SELECT toUInt32((" + sql + ")) AS n"}, flags...)...))[0]["n"]
		n, is := got.(float64)
		return is && n >= want
	})
	if got != want {
		c.t.Errorf("%s gives %v, want %v", sql, got, want)
	}
}

// TestUpFromAConfiguration is one process with everything, from a file in another folder.
func TestUpFromAConfiguration(t *testing.T) {
	t.Parallel()
	s := startStation(t, "contoso.onmicrosoft.com=60", "fabrikam.onmicrosoft.com=30")
	for i, n := range s.sim.tenants {
		users := s.sim.of(i).list("users", "id")
		s.stored(float64(len(users)), "SELECT count() FROM m365.users FINAL WHERE tenant_id = '"+n.id+"'")
	}
	if code := s.up.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("up: exit %d after SIGTERM", code)
	}
	if pids := engines(t, s.dir); len(pids) > 0 {
		t.Errorf("engines are left: %v", pids)
	}
	for line := range strings.Lines(s.up.err.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["message"] == nil || fields["time"] == nil {
			t.Errorf("log line in a pipe is not JSON with a message: %s", line)
		}
		if level := fields["level"]; level != "info" {
			t.Errorf("logged in good times: %s", line)
		}
	}
	if s.up.out.String() != "" {
		t.Errorf("a service prints:\n%s", s.up.out.String())
	}
}

// TestProducerAndConsumerApart runs the roles as processes of their own against servers
// that stand alone, and asks from a third place.
func TestProducerAndConsumerApart(t *testing.T) {
	t.Parallel()
	nats := teststack.StartNATS(t)
	clickhouse := tables(t, nats)
	sim := startSim(t, "contoso.onmicrosoft.com=60")
	secret := sim.tenants[0].secret
	// Only the producer knows the secret.
	producing, consuming, asking := newCLI(t), newCLI(t), newCLI(t)
	producing.env = append(producing.env, "CONTOSO_SECRET="+secret)
	for _, c := range []*cli{producing, consuming, asking} {
		c.secrets = []string{secret}
	}
	toNATS, toClickHouse := []string{"--nats-url", nats.URL()}, []string{"--clickhouse-dsn", clickhouse.DSN()}
	producer := producing.start(append([]string{"producer"}, toNATS...)...)
	consumer := consuming.start(append(append([]string{"consumer"}, toNATS...), toClickHouse...)...)

	out := asking.ok(append(sim.connector(0, "contoso", "env:CONTOSO_SECRET"), toNATS...)...)
	if !strings.Contains(out, "added") {
		t.Errorf("connector add: %s", out)
	}
	asking.ok(append([]string{"connector", "run", "contoso"}, toNATS...)...)
	users := sim.of(0).list("users", "id")
	asking.stored(float64(len(users)), "SELECT count() FROM m365.users FINAL", toClickHouse...)

	first := asking.ok(append([]string{"subscribe", "m365.*.user.>", "--last-per-subject", "--count", "5"}, toNATS...)...)
	if strings.Count(first, `"type":"seatstream.user.v1"`) != 5 {
		t.Errorf("subscribe --count 5:\n%s", first)
	}
	for name, p := range map[string]*proc{"producer": producer, "consumer": consumer} {
		if code := p.stop(syscall.SIGINT); code != 0 {
			t.Errorf("%s: exit %d after SIGINT\n%s", name, code, p.err.String())
		}
	}
	for _, c := range []*cli{producing, consuming, asking} {
		if left, err := os.ReadDir(c.dir); err != nil || len(left) > 0 {
			t.Errorf("a role that embeds nothing writes to its folder: %v, %v", left, err)
		}
	}
}
