package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seatstream/seatstream/schemas"
)

var (
	natsSchemes = map[string]bool{"nats": true, "tls": true, "ws": true, "wss": true}
	dsnSchemes  = map[string]bool{"clickhouse": true, "http": true, "https": true}
	logLevels   = []string{"trace", "debug", "info", "warn", "error"}
	logFormats  = []string{"auto", "console", "json"}
)

// complete fills in what connectors leave out and reports every value that cannot
// work. origin says where each key was set, lines where each connector begins.
func (c *Config) complete(origin map[string]string, lines []int) []error {
	var errs []error
	bad := func(key, value, remedy string) {
		at := key
		if origin[key] != "" {
			at += " " + origin[key]
		}
		errs = append(errs, fmt.Errorf("%s: %q: %s", at, shorten(Redact(value)), remedy))
	}
	c.checkServers(bad)
	c.checkTLS(bad)
	c.checkPorts(bad)
	if c.DataDir == "" {
		bad(keyDataDir, "", "name a folder for the data of the embedded servers")
	}
	if !hostPort(c.Dashboard.Listen, true) {
		bad("dashboard.listen", c.Dashboard.Listen, "write host:port, such as 127.0.0.1:8484")
	}
	if c.Telemetry.Listen != "" && !hostPort(c.Telemetry.Listen, true) {
		bad("telemetry.listen", c.Telemetry.Listen, "write host:port, such as 127.0.0.1:9484, or nothing to serve none")
	}
	if !slices.Contains(logLevels, c.Log.Level) {
		bad("log.level", c.Log.Level, "one of "+strings.Join(logLevels, ", "))
	}
	if !slices.Contains(logFormats, c.Log.Format) {
		bad("log.format", c.Log.Format, "one of "+strings.Join(logFormats, ", "))
	}
	if !schemas.IsToken(c.Producer.Endpoint) {
		bad("producer.endpoint", c.Producer.Endpoint, "use letters, digits, - and _")
	}
	if c.Producer.Parallel < 1 {
		bad("producer.parallel", strconv.Itoa(c.Producer.Parallel), "read one tenant at a time or more")
	}
	if w := c.Producer.Window; w < time.Minute || w > 12*time.Hour {
		bad("producer.window", w.String(), "give a time of 1m to 12h, such as 6h")
	}
	c.checkStreams(bad)
	c.checkTokens(bad)
	return append(errs, c.completeConnectors(lines)...)
}

// checkStreams checks which streams are stored.
func (c *Config) checkStreams(bad func(key, value, remedy string)) {
	if len(c.Consumer.Streams) == 0 {
		bad(keyStreams, "", "name one stream or more, such as "+schemas.StreamM365.Name)
	}
	for i, name := range c.Consumer.Streams {
		if !schemas.IsToken(name) {
			bad(fmt.Sprintf("%s[%d]", keyStreams, i), name, "use letters, digits, - and _")
		}
		if slices.Contains(c.Consumer.Streams[:i], name) {
			bad(fmt.Sprintf("%s[%d]", keyStreams, i), name, "is named before: keep one")
		}
	}
}

// checkTokens checks who may see the page. What is wrong with a reference is said without it:
// it may be the token itself.
func (c *Config) checkTokens(bad func(key, value, remedy string)) {
	for i, t := range c.Dashboard.Tokens {
		at := fmt.Sprintf("dashboard.tokens[%d].", i)
		if !schemas.IsToken(t.Name) {
			bad(at+"name", t.Name, "use letters, digits, - and _: it stands in the audit")
		}
		if slices.ContainsFunc(c.Dashboard.Tokens[:i], func(o Token) bool { return o.Name == t.Name }) {
			bad(at+"name", t.Name, "is named before: give each its own name")
		}
		if err := t.Token.Validate(); err != nil {
			bad(at+"token", "", err.Error())
		}
		if !slices.Contains(Roles, t.Role) {
			bad(at+"role", t.Role, "one of "+strings.Join(Roles, ", "))
		}
	}
}

// checkServers checks how NATS and ClickHouse are reached.
func (c *Config) checkServers(bad func(key, value, remedy string)) {
	if c.NATS.URL != "" {
		for _, address := range strings.Split(c.NATS.URL, ",") {
			if !wellFormed(strings.TrimSpace(address), natsSchemes) {
				bad("nats.url", c.NATS.URL, "write nats://host:4222, or tls://, ws:// or wss://, several with commas; leave it out for the embedded server")
				break
			}
		}
	}
	if c.NATS.URL != "" && c.NATS.Context != "" {
		bad("nats.context", c.NATS.Context, "a context names its own address: give nats.url or nats.context, not both")
	}
	if c.NATS.Creds != "" && c.NATS.Embedded() {
		// Going on would write a tenant's data to a server nobody meant.
		bad(keyNATSCreds, c.NATS.Creds, "the embedded server takes no credentials: give nats.url too")
	}
	if c.NATS.PasswordFile != "" && (c.NATS.Creds != "" || !hasUser(c.NATS.URL)) {
		bad("nats.password_file", c.NATS.PasswordFile, "it is the password of a user: write nats.url as nats://user@host:4222, without nats.creds")
	}
	if c.ClickHouse.PasswordFile != "" && !hasUser(c.ClickHouse.DSN) {
		bad("clickhouse.password_file", c.ClickHouse.PasswordFile, "it is the password of a user: write clickhouse.dsn as clickhouse://user@host:9000")
	}
	if c.ClickHouse.DSN != "" && !wellFormed(c.ClickHouse.DSN, dsnSchemes) {
		bad("clickhouse.dsn", c.ClickHouse.DSN, "write clickhouse://user:password@host:9000/database, http:// or https://, with other characters of the password percent-encoded; leave it out for the embedded server")
	}
}

// checkTLS refuses to send passwords and names of people over a network in clear text.
func (c *Config) checkTLS(bad func(key, value, remedy string)) {
	if c.AllowPlaintext {
		return
	}
	if open(c.NATS.URL, "nats", "ws") {
		bad("nats.url", c.NATS.URL, "this leaves the machine in clear text: write tls:// or wss://, or set allow_plaintext: true where the network is trusted")
	}
	if open(c.ClickHouse.DSN, "clickhouse", "http") && !secure.MatchString(c.ClickHouse.DSN) {
		bad("clickhouse.dsn", c.ClickHouse.DSN, "this leaves the machine in clear text: add ?secure=true (port 9440), write https://, or set allow_plaintext: true where the network is trusted")
	}
}

var secure = regexp.MustCompile(`[?&]secure=(true|1)(&|$)`)

// open tells whether one of several addresses has a scheme without TLS and leads off this
// machine.
func open(addresses string, schemes ...string) bool {
	for _, a := range strings.Split(addresses, ",") {
		scheme, rest, ok := strings.Cut(strings.TrimSpace(a), "://")
		if !ok { // further hosts of the first address
			scheme, rest = schemes[0], a
		}
		authority, _, _ := strings.Cut(rest, "/")
		authority, _, _ = strings.Cut(authority, "?")
		host := authority[strings.LastIndexByte(authority, '@')+1:]
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(strings.TrimSpace(host), "[]"))
		if slices.Contains(schemes, scheme) && host != "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return true
		}
	}
	return false
}

// hasUser tells whether an address names a user and no password.
func hasUser(address string) bool {
	u, err := url.Parse(strings.TrimSpace(strings.Split(address, ",")[0]))
	if err != nil || u.User == nil {
		return false
	}
	_, password := u.User.Password()
	return u.User.Username() != "" && !password
}

// checkPorts checks the preferred ports of the embedded servers.
func (c *Config) checkPorts(bad func(key, value, remedy string)) {
	for _, p := range []struct {
		key  string
		port int
	}{{"nats.port", c.NATS.Port}, {"clickhouse.tcp_port", c.ClickHouse.TCPPort}, {"clickhouse.http_port", c.ClickHouse.HTTPPort}} {
		if p.port < 0 || p.port > 65535 {
			bad(p.key, strconv.Itoa(p.port), "a port is 1 to 65535, or 0 for any")
		}
	}
}

// completeConnectors gives every connector its defaults and checks it.
func (c *Config) completeConnectors(lines []int) []error {
	var errs []error
	first := map[string]int{}
	for i := range c.Connectors {
		con := &c.Connectors[i]
		con.Default()
		line := 0
		if i < len(lines) {
			line = lines[i]
		}
		// The check repeats what it refuses, so it sees a copy without passwords, which
		// is refused for the same reasons.
		shown := *con
		shown.GraphURL, shown.AuthorityURL = Redact(con.GraphURL), Redact(con.AuthorityURL)
		for _, err := range flat(shown.Validate()) {
			errs = append(errs, fmt.Errorf("connectors[%d] at line %d: %w", i, line, err))
		}
		if at, twice := first[con.Name]; twice && con.Name != "" {
			errs = append(errs, fmt.Errorf("connectors[%d] at line %d: connector %q is already at line %d: give each its own name", i, line, con.Name, at))
		} else {
			first[con.Name] = line
		}
	}
	return errs
}

// flat takes joined errors apart.
func flat(err error) []error {
	if err == nil {
		return nil
	}
	var all []error
	for _, line := range strings.Split(err.Error(), "\n") {
		all = append(all, errors.New(line))
	}
	return all
}

// wellFormed tells whether an address has one of the schemes, and hosts whose ports are
// ports. It reads the hosts itself: url.Parse knows one host only, and its errors
// repeat parts of a password.
func wellFormed(address string, schemes map[string]bool) bool {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || !schemes[scheme] || strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return false
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if _, err := url.PathUnescape(authority[:at]); err != nil {
			return false
		}
		authority = authority[at+1:]
	} else if path, _, _ := strings.Cut(rest, "?"); strings.ContainsRune(path, '@') {
		return false // the password holds a / or #: the driver would take user:pass for a host
	}
	for _, host := range strings.Split(authority, ",") {
		if !hostPort(host, false) {
			return false
		}
	}
	return true
}

// hostPort checks host:port, where an address to listen at must name a port and may
// leave out the host, and one to reach the other way round.
func hostPort(text string, listen bool) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		// No port at all: a host alone, or an IPv6 address in brackets.
		bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
		return !listen && bare != "" && (!strings.ContainsAny(bare, ":[]") || text != bare && net.ParseIP(bare) != nil)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 && !listen {
		return false
	}
	return listen || host != ""
}
