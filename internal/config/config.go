// Package config reads seatstream's settings: defaults, then the configuration file,
// then the environment, then the command line, each over the one before.
//
// The file is YAML; example.yaml names every key. Every key outside connectors has an
// environment variable: SEATSTREAM_, the section and the key, joined by one underscore
// and in upper case, so nats.url is SEATSTREAM_NATS_URL and data_dir is
// SEATSTREAM_DATA_DIR. An empty variable counts as not set.
//
// Relative paths: data_dir (its default too), nats.creds, age_identity, a connector's
// ca_file and its file: and age: references are resolved against the folder of the configuration file, so the same
// file means the same places wherever the program is started. In a variable or a flag,
// or without a file, they are relative to the working directory.
//
// Nothing is ignored quietly: unknown keys, wrong types and values that cannot work are
// errors, all reported at once, one line each, and never with a password in them.
package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"

	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// Config is the whole configuration. Its text forms (String, Dump, MarshalText) hold no
// password; its fields do.
type Config struct {
	DataDir    string     `koanf:"data_dir"`   // files of the embedded parts
	NATS       NATS       `koanf:"nats"`       // the stream
	ClickHouse ClickHouse `koanf:"clickhouse"` // the tables
	Dashboard  Dashboard  `koanf:"dashboard"`  // the web page
	Telemetry  Telemetry  `koanf:"telemetry"`  // metrics, health and profiles
	Log        Log        `koanf:"log"`        // what is logged and how
	Producer   Producer   `koanf:"producer"`   // this process as a producer
	Consumer   Consumer   `koanf:"consumer"`   // this process as a consumer; file only
	// AllowPlaintext lets nats.url and clickhouse.dsn name other machines without TLS.
	AllowPlaintext bool `koanf:"allow_plaintext"`
	// AgeIdentity is the file with the identities that decrypt age: references.
	AgeIdentity string               `koanf:"age_identity"`
	Connectors  []producer.Connector `koanf:"connectors"` // the tenants; file only
}

// NATS says which NATS server to use.
type NATS struct {
	URL   string `koanf:"url"`   // one address or several, with commas
	Creds string `koanf:"creds"` // credentials file
	// PasswordFile has the password of the user in URL, read at every connection.
	PasswordFile string `koanf:"password_file"`
	Context      string `koanf:"context"` // a context of the nats command, instead of a URL
	Port         int    `koanf:"port"`    // preferred port of the embedded server, 0 any
}

// Embedded tells whether the server inside this process is used.
func (n NATS) Embedded() bool { return n.URL == "" && n.Context == "" }

// ClickHouse says which ClickHouse server to use.
type ClickHouse struct {
	DSN string `koanf:"dsn"` // clickhouse:// or http(s)://
	// PasswordFile has the password of the user in DSN, read at the start.
	PasswordFile string `koanf:"password_file"`
	TCPPort      int    `koanf:"tcp_port"`  // preferred native port of the embedded server, 0 any
	HTTPPort     int    `koanf:"http_port"` // preferred HTTP port of the embedded server, 0 any
}

// Embedded tells whether the engine that comes with seatstream is used.
func (c ClickHouse) Embedded() bool { return c.DSN == "" }

// Dashboard says where the web page is served.
type Dashboard struct {
	Listen string `koanf:"listen"` // host:port
	// Tokens let people and programs in. Without any the page is for this machine alone.
	Tokens []Token `koanf:"tokens"` // file only
}

// Telemetry says where metrics, health and, on loopback, profiles are served.
type Telemetry struct {
	Listen string `koanf:"listen"` // host:port; empty for nowhere
}

// Token is who may see and do what on the page and its API.
type Token struct {
	Name    string             `koanf:"name"`    // stands in the audit
	Token   producer.SecretRef `koanf:"token"`   // where the token is found, 16 characters or more
	Role    string             `koanf:"role"`    // one of Roles
	Tenants []string           `koanf:"tenants"` // domains, directory ids or connector names; none for all
}

// Roles are what a token may do, each also what those before may: look; run connectors,
// leave seats alone, requeue dead letters; add, change and remove connectors, verify.
var Roles = []string{"viewer", "manager", "admin"}

// Log says what is logged and in which form.
type Log struct {
	Level  string `koanf:"level"`
	Format string `koanf:"format"`
}

// Producer says which connectors this process runs.
type Producer struct {
	Endpoint string `koanf:"endpoint"` // runs the connectors of this endpoint
	Parallel int    `koanf:"parallel"` // tenants read at once
	// Window is the longest time a run takes before it makes room for others.
	Window time.Duration `koanf:"window"`
}

// Consumer says what this process stores.
type Consumer struct {
	Streams []string `koanf:"streams"` // streams it shares with the other consumers
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		DataDir:    "./data",
		NATS:       NATS{Port: 4222},
		ClickHouse: ClickHouse{TCPPort: 9000, HTTPPort: 8123},
		Dashboard:  Dashboard{Listen: "127.0.0.1:8484"},
		Telemetry:  Telemetry{Listen: "127.0.0.1:9484"},
		Log:        Log{Level: "info", Format: "auto"},
		Producer:   Producer{Endpoint: producer.DefaultEndpoint, Parallel: 4, Window: producer.DefaultWindow},
		Consumer:   Consumer{Streams: []string{schemas.StreamM365.Name}},
	}
}

// layer is one source of settings: full keys to typed values, and where each came from
// in the words of an error ("at line 7").
type layer struct {
	values map[string]any
	origin map[string]string
}

func newLayer() *layer {
	return &layer{values: map[string]any{}, origin: map[string]string{}}
}

// Load reads the configuration: the file at path, or with an empty path the one named
// by SEATSTREAM_CONFIG, or none; then environ ("NAME=value", as from os.Environ); then
// flags, which holds only the flags a person gave, by key ("nats.url"). The error holds
// every fault, each one line.
func Load(path string, environ []string, flags map[string]any) (*Config, error) {
	if path == "" {
		path = lookup(environ, envConfig)
	}
	file, lines, fileErrs := readFile(path)
	env, envErrs := readEnv(environ)
	flag, flagErrs := readFlags(flags)
	errs := append(append(fileErrs, envErrs...), flagErrs...)

	k := koanf.New(".")
	origin := map[string]string{}
	for _, l := range []*layer{defaults(path), file, env, flag} {
		if err := k.Load(confmap.Provider(l.values, "."), nil); err != nil {
			errs = append(errs, fmt.Errorf("merge settings: %w", err))
		}
		for key, from := range l.origin {
			origin[key] = from
		}
	}
	var cfg Config
	if err := k.Unmarshal("", &cfg); err != nil {
		// Every value was checked against its field before, so this is a fault of ours.
		errs = append(errs, fmt.Errorf("decode settings: %w", err))
	}
	errs = append(errs, cfg.complete(origin, lines)...)
	if len(errs) > 0 {
		return nil, joinLines(errs)
	}
	return &cfg, nil
}

// defaults is Default as a layer, its folder beside the configuration file.
func defaults(path string) *layer {
	l := newLayer()
	d := reflect.ValueOf(Default())
	for _, k := range settings {
		l.values[k.path] = d.FieldByIndex(k.index).Interface()
	}
	l.values[keyStreams] = Default().Consumer.Streams
	l.values[keyDataDir] = resolve(path, Default().DataDir)
	return l
}

// joinLines joins errors so that each is one line: joined errors are taken apart, and
// line breaks within one are spaces.
func joinLines(errs []error) error {
	var lines []error
	var add func(error)
	add = func(err error) {
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				add(e)
			}
			return
		}
		if text := err.Error(); strings.ContainsAny(text, "\r\n") {
			err = errors.New(strings.Join(strings.Fields(text), " "))
		}
		lines = append(lines, err)
	}
	for _, err := range errs {
		add(err)
	}
	return errors.Join(lines...)
}
