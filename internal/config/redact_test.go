package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seatstream/seatstream/producer"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                             "",
		"nats://h:4222":                "nats://h:4222",
		"nats://u:hush@h:4222":         "nats://u:xxxxx@h:4222",
		"nats://hush@h":                "nats://xxxxx@h",
		"NATSS://hush@h":               "NATSS://xxxxx@h",
		"nats://u:hush@a,tls://hush@b": "nats://u:xxxxx@a,tls://xxxxx@b",
		"nats://u:hush@a:1,b:2":        "nats://u:xxxxx@a:1,b:2",
		"clickhouse://default@h":       "clickhouse://default@h",
		"clickhouse://u:hush@a:9000,b:9000/m365?secure=true":  "clickhouse://u:xxxxx@a:9000,b:9000/m365?secure=true",
		"clickhouse://u:hu/sh@h":                              "clickhouse://u:xxxxx@h",
		"clickhouse://u:hu@sh@h":                              "clickhouse://u:xxxxx@h",
		"clickhouse://u:hu#sh@h":                              "clickhouse://u:xxxxx@h",
		"clickhouse://u:12?hush@h":                            "clickhouse://xxxxx",
		"clickhouse://h?username=u&password=hush&debug=true":  "clickhouse://h?username=u&password=xxxxx&debug=true",
		"clickhouse://h?p%61ssword=hush":                      "clickhouse://h?p%61ssword=xxxxx",
		"clickhouse://h?http_proxy=http%3A%2F%2Fu%3Ahush%40p": "clickhouse://h?http_proxy=xxxxx",
		"clickhouse://h/db?password=hu@sh":                    "clickhouse://xxxxx",
		"u:hush@h":                                            "u:xxxxx@h",
		"://u:hush@h":                                         "://u:xxxxx@h",
		"anna@contoso.com":                                    "anna@contoso.com",
		"./data":                                              "./data",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("nats://u:", "@h:4222")
	f.Add("clickhouse://a,nats://u:", "@h?x=1&y=z")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "hush-7Q"
		if !strings.Contains(before, "://") || !strings.Contains(before[strings.Index(before, "://")+3:], ":") ||
			strings.ContainsAny(before[strings.Index(before, "://")+3:], "/?#@,:") || !strings.HasPrefix(after, "@") {
			t.Skip()
		}
		if got := Redact(before + secret + after); strings.Contains(got, secret) {
			t.Fatalf("%q shows the password: %q", before+secret+after, got)
		}
	})
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"clickhouse://h": true, "clickhouse://u:p@a:9000,b:9001/db?x=1": true, "https://h:8443/": true, "http://[::1]:8123": true,
		"clickhouse://[::1]": true, "clickhouse://u:p%40ss@h": true, "clickhouse://u:p@ss@h": true,
		"clickhouse://": false, "clickhouse://h:": false, "clickhouse://h:0": false, "clickhouse://h:port": false, "clickhouse:///db": false,
		"clickhouse://u:p/ss@h": false, "clickhouse://u:12/ss@h": false, "clickhouse://u:12#ss@h": false, "clickhouse://u:%zz@h": false, "clickhouse://a,": false,
		"clickhouse://a:1:2": false, "clickhouse:// h": false, "tcp://h": false, "h:9000": false, "CLICKHOUSE://h": false,
	} {
		if got := wellFormed(address, dsnSchemes); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	for listen, want := range map[string]bool{
		"127.0.0.1:8484": true, ":8484": true, "[::1]:0": true, "localhost:1": true, "8484": false, "h": false, "h:": false, "h:http": false, "h:65536": false, "": false, "::1": false,
	} {
		if got := hostPort(listen, true); got != want {
			t.Errorf("%s: %v, want %v", listen, got, want)
		}
	}
}

// TestDump: what is shown is YAML that loads again, and never holds a password.
func TestDump(t *testing.T) {
	t.Parallel()
	path := write(t, contoso)
	cfg, err := Load(path, []string{"SEATSTREAM_NATS_URL=nats://u:hush@h", "SEATSTREAM_CLICKHOUSE_DSN=clickhouse://u:hush@h", "SEATSTREAM_ALLOW_PLAINTEXT=true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(write(t, cfg.Dump()), nil, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, cfg.Dump())
	}
	want := *cfg
	want.NATS.URL, want.ClickHouse.DSN = "nats://u:xxxxx@h", "clickhouse://u:xxxxx@h"
	if !strings.Contains(cfg.Dump(), "then: 24h\n") || !reflect.DeepEqual(again.Connectors[0].Schedule, want.Connectors[0].Schedule) {
		t.Errorf("durations in\n%s", cfg.Dump())
	}
	again.Connectors[0].Reports, again.Dashboard.Tokens = nil, nil // an empty list and none are the same
	if !reflect.DeepEqual(*again, want) {
		t.Errorf("got\n%s\nwant\n%s", again, want)
	}
	cfg.Connectors = append(cfg.Connectors, producer.Connector{ClientSecret: "hush", GraphURL: "https://u:hush@h"})
	js, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ym, err := yaml.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{cfg.Dump(), fmt.Sprint(cfg), fmt.Sprintf("%v %+v %#v", *cfg, *cfg, *cfg), string(js), string(ym)} {
		if strings.Contains(text, "hush") || !strings.Contains(text, "xxxxx") {
			t.Errorf("shows a password:\n%s", text)
		}
	}
}

var optional = regexp.MustCompile(`(?m)^( *)#([a-z_]+:)`)

// TestExample: the example loads as it stands and with every optional setting, has
// every key, and the defaults it shows are the defaults.
func TestExample(t *testing.T) {
	t.Parallel()
	cfg, err := Load(write(t, string(Example())), nil, map[string]any{"data_dir": "./data"})
	if err != nil {
		t.Fatal(err)
	}
	plain := *cfg
	plain.Connectors = nil
	if !reflect.DeepEqual(plain, Default()) {
		t.Errorf("got\n%s\nwant\n%s", plain, Default())
	}
	con := cfg.Connectors[0]
	if con.Default(); con.Schedule != producer.DefaultSchedule || con.Endpoint != producer.DefaultEndpoint || con.Cloud != producer.Clouds[0] {
		t.Errorf("connector %+v", con)
	}

	full := optional.ReplaceAllString(string(Example()), "$1$2")
	// An address and a context exclude each other, and so do the ways to sign in: each has
	// its turn.
	for _, drop := range []string{
		"url|password_file|certificate|certificate_password|workload_identity|managed_identity", "context|creds|client_secret|workload_identity|managed_identity",
		"url|password_file|client_secret|certificate|certificate_password|managed_identity", "url|password_file|client_id|client_secret|certificate|certificate_password|workload_identity",
	} {
		text := regexp.MustCompile(`(?m)^ +(`+drop+`): .*\n`).ReplaceAllString(full, "")
		if _, err := Load(write(t, text), nil, nil); err != nil {
			t.Errorf("without %s: %v", drop, err)
		}
	}
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(full), &doc); err != nil {
		t.Fatal(err)
	}
	complete(t, doc, reflect.TypeFor[Config](), "")
}

func complete(t *testing.T, doc map[string]any, typ reflect.Type, prefix string) {
	t.Helper()
	names, types := children(typ)
	for _, name := range names {
		v, ok := doc[name]
		if !ok {
			t.Errorf("the example has no %s%s", prefix, name)
			continue
		}
		if list, ok := v.([]any); ok && types[name].Elem().Kind() == reflect.Struct {
			complete(t, list[0].(map[string]any), types[name].Elem(), prefix+name+"[].")
		} else if types[name].Kind() == reflect.Struct {
			complete(t, v.(map[string]any), types[name], prefix+name+".")
		}
	}
}
