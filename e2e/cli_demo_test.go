package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const invitation = "In another terminal:"

// demoDomains are the tenants of the demo.
var demoDomains = []string{"contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com", "northwind.onmicrosoft.com"}

// TestDemoOnceFromAnEmptyFolder is the first command of a newcomer.
func TestDemoOnceFromAnEmptyFolder(t *testing.T) {
	needEngine(t)
	t.Parallel()
	c := newCLI(t)
	out := c.ok("demo", "--once")
	for _, domain := range demoDomains {
		if !strings.Contains(out, domain) {
			t.Errorf("the output lacks %s", domain)
		}
	}
	for _, words := range []string{"UNASSIGNED", "SPE_E3", "INACTIVE", "LAST USE"} {
		if !strings.Contains(strings.ToUpper(out), words) {
			t.Errorf("the output lacks %s:\n%s", words, out)
		}
	}
	if strings.Contains(out, invitation) {
		t.Error("a demo that ends invites to its servers")
	}
	if pids := engines(t, c.dir); len(pids) > 0 {
		t.Errorf("engines are left: %v", pids)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "data/demo/running.json")); !os.IsNotExist(err) {
		t.Errorf("the demo is still announced: %v", err)
	}
}

// startDemo starts a demo and waits until it stays up.
func startDemo(t testing.TB, c *cli, args ...string) *proc {
	t.Helper()
	p := c.start(append([]string{"demo"}, args...)...)
	p.line(`(?s)` + invitation + `.*curl .*\n`)
	explainedAtTheEnd(t, p, filepath.Join(c.dir, "data", "demo"))
	return p
}

// stopDemo ends a demo as Ctrl-C does.
func stopDemo(t testing.TB, c *cli, p *proc) {
	t.Helper()
	if code := p.stop(syscall.SIGINT); code != 0 {
		t.Errorf("demo: exit %d after SIGINT", code)
	}
	if s := p.err.String(); s != "" {
		t.Errorf("demo: stderr:\n%s", s)
	}
	if pids := engines(t, c.dir); len(pids) > 0 {
		t.Errorf("engines are left: %v", pids)
	}
}

// TestDemoInvitation executes every line that the demo prints, as it stands, in a shell in
// another folder. The demo's own folder has a name that a shell would take apart.
func TestDemoInvitation(t *testing.T) {
	needEngine(t)
	t.Parallel()
	c := newCLI(t)
	if c.dir = filepath.Join(c.dir, "it's a $HOME"); os.Mkdir(c.dir, 0o700) != nil {
		t.Fatal("no folder")
	}
	demo := startDemo(t, c)
	done := map[string]bool{}
	for _, line := range invited(t, demo) {
		t.Log(line)
		switch {
		case strings.Contains(line, " query list"):
			done["list"] = true
			atShell(t, c, line, `licence-position`)
		case strings.Contains(line, " query unused-licences"):
			done["query"] = true
			atShell(t, c, line, `(?i)inactive`)
		case strings.Contains(line, " connector run"):
			done["run"] = true
			atShell(t, c, line, `run \S+ complete: \d+ entities, 0 published`)
		case strings.Contains(line, " subscribe "):
			done["subscribe"] = true
			subscribed(t, c, demo, line)
		case strings.HasPrefix(line, "nats "):
			done["nats"] = true
			natsLine(t, c, line)
		case strings.HasPrefix(line, "clickhouse "):
			done["native"] = true
			nativeLine(t, line)
		case strings.HasPrefix(line, "curl "):
			done["http"] = true
			httpLine(t, line)
		default:
			t.Errorf("the demo prints a line that no test executes: %s", line)
		}
	}
	for _, what := range []string{"list", "query", "run", "subscribe", "nats", "native", "http"} {
		if !done[what] {
			t.Errorf("the demo does not invite to %s", what)
		}
	}
	pageOf(t, demo)
	stopDemo(t, c, demo)
	// What was collected is found again.
	if again := c.ok("demo", "--once"); !strings.Contains(again, demoDomains[2]) {
		t.Errorf("the second demo on a folder lacks a tenant:\n%s", again)
	}
}

// pageOf reads the page whose address the demo prints.
func pageOf(t *testing.T, demo *proc) {
	t.Helper()
	m := regexp.MustCompile(`The page: (http://127\.0\.0\.1:\d+/)\n`).FindStringSubmatch(demo.out.String())
	if m == nil {
		t.Fatal("the demo prints no address of its page")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the page: %d, %v", res.StatusCode, err)
	}
	for _, domain := range demoDomains {
		if !strings.Contains(string(body), domain) {
			t.Errorf("the page does not show %s", domain)
		}
	}
}

// invited returns the commands of the demo's invitation: a label of 13 characters, then
// the command.
func invited(t *testing.T, demo *proc) []string {
	t.Helper()
	_, text, _ := strings.Cut(demo.out.String(), invitation)
	var lines []string
	for line := range strings.Lines(text) {
		if len(line) > 15 {
			lines = append(lines, strings.TrimSpace(line[15:]))
		}
	}
	return lines
}

// shell starts a line in a shell in a folder of its own.
func shell(t *testing.T, c *cli, line string) *proc {
	t.Helper()
	other := &cli{t: t, dir: t.TempDir(), env: c.env, secrets: c.secrets}
	return other.startProgram("/bin/sh", "-c", "exec "+line)
}

func atShell(t *testing.T, c *cli, line, want string) {
	t.Helper()
	p := shell(t, c, line)
	code := p.wait()
	if code != 0 || p.err.String() != "" || !regexp.MustCompile(want).MatchString(p.out.String()) {
		t.Errorf("%s\nexit %d, want output with %s\n%s%s", line, code, want, tail(p.out.String()), p.err.String())
	}
}

// subscribed executes the subscribe line; what it waits for happens when the simulated
// tenant is five days older and is read again.
func subscribed(t *testing.T, c *cli, demo *proc, line string) {
	t.Helper()
	p := shell(t, c, line+" --count 1")
	data := filepath.Join(c.dir, "data", "demo")
	g, _ := demoGraph(t, c, data, "contoso")
	g.control(http.MethodPost, "clock", map[string]int{"days": 5}, nil)
	c.ok("connector", "run", "contoso", "--data-dir", data)
	if code := p.wait(); code != 0 || !strings.Contains(p.out.String(), `"type":"seatstream.licence.v1"`) {
		t.Errorf("%s: exit %d\n%s%s", line, code, p.out.String(), p.err.String())
	}
	demo.noSecrets()
}

// demoGraph finds the demo's simulator as a user would, in the connector's settings.
func demoGraph(t testing.TB, c *cli, data, connector string) (*graph, string) {
	t.Helper()
	settings := map[string]string{}
	for _, row := range rows(t, c.ok("connector", "show", connector, "-o", "json", "--data-dir", data)) {
		name, _ := row["setting"].(string)
		settings[name], _ = row["value"].(string)
	}
	secret, err := os.ReadFile(strings.TrimPrefix(settings["client_secret"], "file:"))
	if err != nil {
		t.Fatal(err)
	}
	g := newGraph(t, settings["graph_url"], settings["ca_file"])
	return g.of(settings["tenant"], settings["client_id"], string(secret)), string(secret)
}

// natsLine checks the server with the nats program, and then executes the line with an
// end: as it stands it goes on for ever.
func natsLine(t *testing.T, c *cli, line string) {
	t.Helper()
	path := natsProgram(t)
	if path == "" {
		return
	}
	server := regexp.MustCompile(`--server (\S+)`).FindString(line)
	if server == "" {
		t.Fatalf("no server in %s", line)
	}
	quoted := "'" + path + "' "
	atShell(t, c, quoted+server+" stream info M365", `Subjects: m365\.>`)
	sub := shell(t, c, quoted+strings.TrimPrefix(line, "nats ")+" --count 1")
	// It says so when it is subscribed; whatever is published from then on must show.
	eventually(t, "nats sub subscribes", func() bool {
		return strings.Contains(sub.out.String()+sub.err.String(), "Subscribing on m365.>")
	})
	c.ok("connector", "run", "northwind", "--data-dir", filepath.Join(c.dir, "data", "demo"))
	if code := sub.wait(); code != 0 || !strings.Contains(sub.out.String(), "m365.") {
		t.Errorf("%s: exit %d\n%s", line, code, sub.out.String())
	}
}

// natsProgram finds the nats command line tool. Without it the lines with nats are not
// tested, which is fatal in CI.
func natsProgram(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("nats"); err == nil {
		return path
	}
	dirs := []string{os.Getenv("SEATSTREAM_TOOLS")}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".cache", "seatstream", "bin"))
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, "nats")
		if info, err := os.Stat(path); dir != "" && err == nil && !info.IsDir() {
			return path
		}
	}
	const remedy = "no nats program on PATH, in $SEATSTREAM_TOOLS or ~/.cache/seatstream/bin: go install github.com/nats-io/natscli/nats@v0.5.1"
	if os.Getenv("CI") == "true" {
		t.Fatal(remedy)
	}
	t.Log("not tested: " + remedy)
	return ""
}

// nativeLine asks over the native protocol what the clickhouse program would.
func nativeLine(t *testing.T, line string) {
	t.Helper()
	m := regexp.MustCompile(`--port (\d+) --query "(.+)"`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("no port and query in %s", line)
	}
	conn := openClickHouse(t, "clickhouse://127.0.0.1:"+m[1])
	var n uint64
	if err := conn.QueryRow(t.Context(), m[2]).Scan(&n); err != nil || n < 400 {
		t.Errorf("%s: %d, %v", line, n, err)
	}
}

func openClickHouse(t testing.TB, dsn string) clickhouse.Conn {
	t.Helper()
	opts, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// httpLine fetches the address of a curl line.
func httpLine(t *testing.T, line string) {
	t.Helper()
	address := strings.Trim(strings.TrimPrefix(line, "curl "), "'")
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !regexp.MustCompile(`^\d{3,}\n$`).Match(body) {
		t.Errorf("%s: %q, %v", line, body, err)
	}
}

// TestTwoDemosSideBySide starts two at the same moment, each wanting the usual ports.
func TestTwoDemosSideBySide(t *testing.T) {
	needEngine(t)
	t.Parallel()
	one, other := newCLI(t), newCLI(t)
	one.env, other.env = nil, nil // the ports of a machine without any setting
	a, b := one.start("demo"), other.start("demo")
	for _, p := range []*proc{a, b} {
		p.line(`(?s)` + invitation + `.*curl .*\n`)
	}
	const count = "SELECT uniqExact(user_id) AS users FROM m365.users FINAL"
	for _, c := range []*cli{one, other} {
		if got := rows(t, c.ok("query", "--sql", count, "-o", "json", "--data-dir", "data/demo")); len(got) != 1 {
			t.Errorf("users: %v", got)
		}
	}
	// What happens in one does not happen in the other.
	other.ok("connector", "remove", "contoso", "--data-dir", "data/demo")
	if out := one.ok("connector", "list", "--data-dir", "data/demo"); !strings.Contains(out, "contoso") {
		t.Errorf("a connector removed in one demo is gone in the other:\n%s", out)
	}
	stopDemo(t, one, a)
	other.ok("connector", "run", "fabrikam", "--data-dir", "data/demo")
	stopDemo(t, other, b)
}
