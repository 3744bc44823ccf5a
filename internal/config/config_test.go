package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/producer"
)

// write puts a configuration file into a folder of its own.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seatstream.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const contoso = `
connectors:
  - name: contoso
    tenant: contoso.onmicrosoft.com
    client_id: 00000000-0000-0000-0000-000000000001
    client_secret: file:contoso.secret
    ca_file: ca.pem
`

func TestDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := Default(); !reflect.DeepEqual(*cfg, want) {
		t.Errorf("got %v, want %v", cfg, want)
	}
	if !cfg.NATS.Embedded() || !cfg.ClickHouse.Embedded() {
		t.Error("not embedded")
	}
	for _, empty := range []string{"", "\n", "# nothing\n", "nats:\n", "---\n", "connectors: []\n"} {
		if _, err := Load(write(t, empty), nil, nil); err != nil {
			t.Errorf("%q: %v", empty, err)
		}
	}
}

// TestOrder sets one key in each layer and more: the later layer counts.
func TestOrder(t *testing.T) {
	t.Parallel()
	path := write(t, "nats: {url: 'tls://file:4222', port: 1}\nlog: {level: warn, format: json}\ndashboard: {listen: ':1'}\n")
	environ := []string{
		"PATH=/bin", "SEATSTREAM_LOG_LEVEL=debug", "SEATSTREAM_DASHBOARD_LISTEN=:2", "SEATSTREAM_LOG_FORMAT=",
		"SEATSTREAM_NATS_PORT=1", "SEATSTREAM_NATS_PORT=2", "SEATSTREAM_CONFIG=" + path,
	}
	flags := map[string]any{"dashboard.listen": ":3", "producer.parallel": 9, "nats.creds": nil}
	cfg, err := Load("", environ, flags)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{cfg.NATS.URL, cfg.NATS.Port, cfg.Log.Level, cfg.Log.Format, cfg.Dashboard.Listen, cfg.Producer.Parallel, cfg.ClickHouse.TCPPort}
	want := []any{"tls://file:4222", 2, "debug", "json", ":3", 9, 9000}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	path := write(t, "nats: {url: 'tls://h', creds: n.creds}\n"+contoso)
	in := func(name string) string { return filepath.Join(filepath.Dir(path), name) }
	cfg, err := Load(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	con := cfg.Connectors[0]
	got := []string{cfg.DataDir, cfg.NATS.Creds, con.CAFile, string(con.ClientSecret)}
	if want := []string{in("data"), in("n.creds"), in("ca.pem"), "file:" + in("contoso.secret")}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	cfg, err = Load(path, []string{"SEATSTREAM_NATS_CREDS=here.creds"}, map[string]any{"data_dir": "here"})
	if err != nil || cfg.DataDir != "here" || cfg.NATS.Creds != "here.creds" {
		t.Errorf("outside the file: %v, %v", cfg, err)
	}
	cfg, err = Load(write(t, "data_dir: /srv/seatstream\n"), nil, nil)
	if err != nil || cfg.DataDir != "/srv/seatstream" {
		t.Errorf("absolute: %v, %v", cfg, err)
	}
}

func TestConnectors(t *testing.T) {
	t.Parallel()
	path := write(t, `
connectors:
  - &partner
    name: contoso
    tenant: contoso.onmicrosoft.com
    client_id: 00000000-0000-0000-0000-00000000000A
    client_secret: env:PARTNER_SECRET
    schedule: {first_day: 30m, then: 12h}
    reports: [getOffice365ActiveUserDetail]
  - <<: *partner
    name: 1234
    tenant: fabrikam.com
    schedule:
`)
	cfg, err := Load(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Connectors) != 2 {
		t.Fatalf("%d connectors", len(cfg.Connectors))
	}
	one, two := cfg.Connectors[0], cfg.Connectors[1]
	want := producer.Connector{
		Name: "contoso", Tenant: "contoso.onmicrosoft.com", ClientID: "00000000-0000-0000-0000-00000000000a",
		ClientSecret: "env:PARTNER_SECRET", Cloud: "global", Endpoint: producer.DefaultEndpoint,
		Schedule: producer.Schedule{FirstDay: 30 * time.Minute, Then: 12 * time.Hour}, Reports: []string{"getOffice365ActiveUserDetail"},
		Members: producer.MembersLicensed, Backfill: new(producer.DefaultBackfill),
	}
	if !reflect.DeepEqual(one, want) {
		t.Errorf("got %+v, want %+v", one, want)
	}
	if two.Name != "1234" || two.Tenant != "fabrikam.com" || two.ClientSecret != one.ClientSecret || two.Schedule != producer.DefaultSchedule {
		t.Errorf("merged: %+v", two)
	}
}

// faults are mistakes and the lines of the error they give.
var faults = map[string]struct {
	file    string
	environ []string
	flags   map[string]any
	want    []string // each in a line of its own, and no more lines
}{
	"slip":      {file: "\nclickhouse:\n  dns: clickhouse://h\n", want: []string{`unknown key "clickhouse.dns" at line 3: did you mean "clickhouse.dsn"?`}},
	"section":   {file: "clickhose: {dsn: 'clickhouse://h'}", want: []string{`unknown key "clickhose" at line 1: did you mean "clickhouse"?`}},
	"misplaced": {file: "dsn: clickhouse://h", want: []string{`did you mean "clickhouse.dsn"?`}},
	"outside":   {file: "clientSecret: env:X", want: []string{`did you mean "connectors[].client_secret"?`}},
	"no idea":   {file: "log: {wxyzwxyz: 1}", want: []string{`unknown key "log.wxyzwxyz" at line 1: known here: level, format`}},
	"connector": {file: contoso + "    schedule: {frist_day: 1h, Then: 2h}\n", want: []string{
		`unknown key "connectors[0].schedule.frist_day" at line 8: did you mean "connectors[0].schedule.first_day"?`,
		`unknown key "connectors[0].schedule.Then" at line 8: did you mean "connectors[0].schedule.then"?`,
	}},
	"number":   {file: "nats: {port: many}", want: []string{`nats.port at line 1: "many" is not a whole number`}},
	"duration": {file: contoso + "    schedule: {then: 1d}\n", want: []string{`connectors[0].schedule.then at line 8: "1d" is not a duration such as 30m, 1h or 24h`}},
	"kinds": {file: "nats: nats://u:hush@h\nlog: [a]\nconnectors: {a: 1}\ndata_dir: {b: 2}\n", want: []string{
		`nats at line 1: "nats://u:xxxxx@h" is not a section of keys`, `log at line 2: a list is not a section of keys`,
		`connectors at line 3: a section of keys is not a list`, `data_dir at line 4: a section of keys is not a text`,
	}},
	"twice":    {file: "log: {level: info}\nlog: {level: warn}\n", want: []string{`log at line 2: given again, first at line 1: keep one`}},
	"syntax":   {file: "nats:\n\turl: x\n", want: []string{"line 2"}},
	"scalar":   {file: "nats", want: []string{`the file at line 1: "nats" is not a section of keys`}},
	"second":   {file: "log: {level: info}\n---\nlog: {level: warn}\n", want: []string{"a second document begins"}},
	"circle":   {file: "log: &a\n  <<: *a\n  level: info\n", want: []string{"log at line 1: merges itself"}},
	"variable": {environ: []string{"SEATSTREAM_CLICKHOUSE_DNS=clickhouse://u:hush@h"}, want: []string{"unknown variable SEATSTREAM_CLICKHOUSE_DNS: did you mean SEATSTREAM_CLICKHOUSE_DSN?"}},
	"no list":  {environ: []string{"SEATSTREAM_CONNECTORS_0_NAME=a"}, want: []string{"connectors are set in the configuration file"}},
	"env type": {environ: []string{"SEATSTREAM_PRODUCER_PARALLEL=four"}, want: []string{`producer.parallel (SEATSTREAM_PRODUCER_PARALLEL): "four" is not a whole number`}},
	"flag":     {flags: map[string]any{"nats.prot": 1, "nats.port": "x"}, want: []string{`nats.port (from a flag): "x" is not a whole number`, `unknown key "nats.prot" from a flag: did you mean "nats.port"?`}},
	"values": {file: "nats: {url: 'http://u:hush@h', port: 70000}\nclickhouse: {dsn: 'mysql://u:hush@h'}\ndashboard: {listen: 8484}\n" +
		"log: {level: loud, format: xml}\nproducer: {endpoint: a b, parallel: 0}\n", want: []string{
		`nats.url at line 1: "http://u:xxxxx@h": write nats://`, `clickhouse.dsn at line 2: "mysql://u:xxxxx@h"`, `nats.port at line 1: "70000"`,
		`dashboard.listen at line 3: "8484"`, `log.level at line 4: "loud": one of trace`, "log.format at line 4", "producer.endpoint at line 5", "producer.parallel at line 5",
	}},
	"origin": {environ: []string{"SEATSTREAM_LOG_LEVEL=loud"}, flags: map[string]any{"log.format": "xml"}, want: []string{"log.level from SEATSTREAM_LOG_LEVEL", "log.format from a flag"}},
	"creds":  {file: "nats: {creds: a.creds}", want: []string{"nats.creds at line 1"}},
	"both":   {file: "nats: {url: 'tls://h', context: c}", want: []string{"nats.context at line 1"}},
	"same name": {file: contoso + strings.Replace(contoso, "\nconnectors:", "", 1), want: []string{
		`connectors[1] at line 9: connector "contoso" is already at line 3: give each its own name`,
	}},
	"invalid connector": {file: "connectors:\n  - name: a\n    tenant: a.com\n    client_id: 00000000-0000-0000-0000-000000000001\n    client_secret: hush\n" +
		"    graph_url: https://u:hush@h\n", want: []string{"connectors[0] at line 2: connector \"a\": client_secret: not a reference", `graph_url "https://u:xxxxx@h"`}},
	"all at once": {file: "nats: {port: x}\nlogs: 1\n", environ: []string{"SEATSTREAM_X=1"}, flags: map[string]any{"log.level": "loud"}, want: []string{
		"nats.port", `"log"`, "SEATSTREAM_X", "log.level",
	}},
}

// TestFaults: every fault is named with its key, its place and what to write instead.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := ""
			if c.file != "" {
				path = write(t, c.file)
			}
			cfg, err := Load(path, c.environ, c.flags)
			if err == nil || cfg != nil {
				t.Fatalf("loaded as %v", cfg)
			}
			lines := strings.Split(err.Error(), "\n")
			for i, want := range c.want {
				if i >= len(lines) || !strings.Contains(lines[i], want) {
					t.Errorf("line %d is not %q", i, want)
				}
			}
			if len(lines) != len(c.want) || strings.Contains(err.Error(), "hush") || t.Failed() {
				t.Errorf("got %d lines, want %d:\n%s", len(lines), len(c.want), err)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v", err)
	}
}

// TestForeignVariables: what others set is not a fault, even where it looks like ours.
func TestForeignVariables(t *testing.T) {
	t.Parallel()
	cfg, err := Load("", []string{
		"SEATSTREAM_ENGINE=/x", "SEATSTREAM_CACHE=/x", "SEATSTREAM_TEST_SLOW=1", "SEATSTREAMER=1",
		"SEATSTREAM_SERVICE_HOST=10.0.0.1", "SEATSTREAM_SERVICE_PORT_HTTP=80", "SEATSTREAM_PORT=tcp://10.0.0.1:80",
		"SEATSTREAM_PORT_80_TCP_ADDR=10.0.0.1", "SEATSTREAM_NATS_SERVICE_HOST=10.0.0.2", "SEATSTREAM_NATS_PORT=tcp://10.0.0.2:4222",
		"SEATSTREAM_NATS_PORT_4222_TCP=tcp://10.0.0.2:4222",
	}, nil)
	if err != nil || cfg.NATS.Port != 4222 {
		t.Errorf("port %v, %v", cfg, err)
	}
}

func TestKeysAndVariables(t *testing.T) {
	t.Parallel()
	want := "data_dir nats.url nats.creds nats.password_file nats.context nats.port clickhouse.dsn clickhouse.password_file clickhouse.tcp_port clickhouse.http_port " +
		"dashboard.listen telemetry.listen log.level log.format producer.endpoint producer.parallel producer.window allow_plaintext age_identity"
	if got := strings.Join(Keys(), " "); got != want {
		t.Errorf("keys %s, want %s", got, want)
	}
	seen := map[string]string{}
	for _, k := range Keys() {
		v := Variable(k)
		if seen[v] != "" {
			t.Errorf("%s stands for %s and %s", v, seen[v], k)
		}
		seen[v] = k
	}
	if got := fmt.Sprint(Variable("clickhouse.http_port"), Variable("data_dir")); got != "SEATSTREAM_CLICKHOUSE_HTTP_PORTSEATSTREAM_DATA_DIR" {
		t.Error(got)
	}
}

// TestClearTextStaysOnTheMachine: addresses of other machines need TLS, or somebody who says
// that they do not.
func TestClearTextStaysOnTheMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		nats, dsn string
		refused   bool
	}{
		{"nats://127.0.0.1:4222", "clickhouse://127.0.0.1:9000", false},
		{"nats://localhost:4222,nats://[::1]:4222", "http://u:p@localhost:8123/m365", false},
		{"tls://nats.example.net", "https://ch.example.net:8443", false},
		{"wss://nats.example.net", "clickhouse://u@ch.example.net:9440?x=1&secure=true", false},
		{"nats://nats.example.net", "", true},
		{"ws://nats.example.net", "", true},
		{"tls://a.example.net,nats://b.example.net", "", true},
		{"nats://127.0.0.1.example.net", "", true},
		{"nats://127.0.0.1@nats.example.net", "", true},
		{"nats://[2001:db8::1]:4222", "", true},
		{"", "clickhouse://10.0.0.1:9000", true},
		{"", "clickhouse://127.0.0.1:9000,10.0.0.1:9000", true},
		{"", "http://ch.example.net:8123?secure=false", true},
		{"", "clickhouse://ch.example.net?insecure=true&notsecure=true", true},
	} {
		text := fmt.Sprintf("nats: {url: '%s'}\nclickhouse: {dsn: '%s'}\n", c.nats, c.dsn)
		_, err := Load(write(t, text), nil, nil)
		if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "allow_plaintext") {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := Load(write(t, "allow_plaintext: true\n"+text), nil, nil); err != nil {
			t.Errorf("%s allowed: %v", text, err)
		}
	}
}
