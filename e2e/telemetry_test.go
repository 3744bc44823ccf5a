package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/teststack"
)

// metricsAddress waits for the line in which a service says where its metrics are.
func (p *proc) metricsAddress() string {
	p.t.Helper()
	address := ""
	eventually(p.t, "the service says where its metrics are", func() bool {
		select {
		case <-p.done:
			p.t.Fatalf("it ended:\n%s", p.err.String())
		default:
		}
		for line := range strings.Lines(p.err.String()) {
			var l struct{ Message, Metrics string }
			if json.Unmarshal([]byte(line), &l) == nil && l.Message == "seatstream is up" {
				address = l.Metrics
			}
		}
		return address != ""
	})
	return address
}

func httpGet(t testing.TB, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
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

// scrape reads the metrics: series as they are written to their values.
func scrape(t testing.TB, address string) map[string]float64 {
	t.Helper()
	_, body := httpGet(t, "http://"+address+"/metrics")
	series := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if strings.HasPrefix(lines.Text(), "#") || at < 0 {
			continue
		}
		v, err := strconv.ParseFloat(lines.Text()[at+1:], 64)
		if err != nil {
			t.Fatalf("metric %s: %v", lines.Text(), err)
		}
		series[lines.Text()[:at]] = v
	}
	return series
}

// caughtUp waits until everything that was published is stored.
func (s *station) caughtUp() {
	s.t.Helper()
	address := s.up.metricsAddress()
	eventually(s.t, "everything published is stored", func() bool {
		m := scrape(s.t, address)
		return m[`seatstream_consumer_records_stored_total{stream="M365"}`] == m["seatstream_producer_records_published_total"]
	})
}

// TestMetricsTellTheTruth compares the metrics of a process with what it did, and takes
// connectors over at a SIGHUP.
func TestMetricsTellTheTruth(t *testing.T) {
	t.Parallel()
	s := startStation(t, "contoso.onmicrosoft.com=40", "fabrikam.onmicrosoft.com=20")
	address := s.up.metricsAddress()
	s.stored(2, "SELECT uniqExact(tenant_id) FROM m365.organizations FINAL")
	rowsOf := func(sql string) float64 {
		n, is := rows(t, s.ok("query", "-o", "json", "--sql", sql))[0]["n"].(float64)
		if !is {
			t.Fatalf("%s gives no number", sql)
		}
		return n
	}
	published := scrape(t, address)["seatstream_producer_records_published_total"]
	s.caughtUp()
	m := scrape(t, address)
	feeds := rowsOf("SELECT toFloat64(uniqExact(tenant_id, feed)) AS n FROM m365.run_changes WHERE feed != 'all' AND status = 'complete'")
	complete := 0.0
	for name := range m {
		if strings.HasPrefix(name, "seatstream_feed_complete_timestamp_seconds{") {
			complete++
		}
	}
	if complete != feeds || published == 0 {
		t.Errorf("%v feeds shown as complete, %v in the evidence; %v records published", complete, feeds, published)
	}
	if got, want := m[`seatstream_producer_runs_total{status="complete"}`], rowsOf("SELECT toFloat64(count()) AS n FROM m365.run_changes FINAL WHERE feed = 'all' AND status = 'complete'"); got != want {
		t.Errorf("%v complete runs counted, %v in the evidence", got, want)
	}
	for _, none := range []string{
		`seatstream_consumer_dead_letters_total{stream="M365"}`, `seatstream_consumer_held_up{stream="M365"}`,
		`seatstream_consumer_insert_failures_total{outcome="operator",stream="M365"}`, `seatstream_graph_requests_total{status="429"}`,
	} {
		if v, there := m[none]; !there || v != 0 {
			t.Errorf("%s is %v, there: %v", none, v, there)
		}
	}
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ok\n"} {
		if code, body := httpGet(t, "http://"+address+path); code != http.StatusOK || body != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}

	file := filepath.Join(s.dir, "seatstream.yaml")
	config, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	more := string(config) + s.sim.yaml(1, "fabrikam-again", "env:SECRET_fabrikam")
	if err := os.WriteFile(file, []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.up.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new connector is taken over", func() bool {
		return strings.Contains(s.ok("connector", "list"), "fabrikam-again")
	})
}

// TestPasswordsInFiles: a consumer reaches ClickHouse with the password in a file, says when
// it is wrong, and shows it nowhere.
func TestPasswordsInFiles(t *testing.T) {
	t.Parallel()
	const password = "canary@of/the#tables"
	nats := teststack.StartNATS(t)
	clickhouse := tables(t, nats, embedded.User{Name: "writer", Password: password})
	c := newCLI(t)
	c.secrets = []string{password, "canary%40of"}
	file := filepath.Join(c.dir, "password")
	dsn := strings.Replace(clickhouse.DSN(), "://", "://writer@", 1)
	dsn = dsn[:strings.IndexByte(dsn, '@')+1] + dsn[strings.LastIndexByte(dsn, '@')+1:]
	c.env = append(c.env, "SEATSTREAM_CLICKHOUSE_PASSWORD_FILE="+file, "SEATSTREAM_CLICKHOUSE_DSN="+dsn, "SEATSTREAM_NATS_URL="+nats.URL())
	c.refused(1, []string{"consumer"}, "clickhouse.password_file", "no such file")
	if err := os.WriteFile(file, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.refused(1, []string{"consumer"}, "user or password is wrong")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The embedded engine ends with a login that failed and is started again.
	eventually(t, "the engine is back", func() bool { return clickhouse.Conn.Ping(t.Context()) == nil })
	p := c.start("consumer", "--log-level", "debug")
	address := p.metricsAddress()
	eventually(t, "the consumer is ready", func() bool {
		code, _ := httpGet(t, "http://"+address+"/readyz")
		return code == http.StatusOK
	})
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
	p.noSecrets()
}
