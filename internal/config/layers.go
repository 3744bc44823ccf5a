package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

const (
	envPrefix = "SEATSTREAM_"
	envConfig = "SEATSTREAM_CONFIG"
)

// other variables that begin with the prefix and are read elsewhere: the file's path
// here, the ClickHouse engine's library and its cache by the embedded engine.
var otherVariables = []string{envConfig, "SEATSTREAM_ENGINE", "SEATSTREAM_CACHE"}

const testPrefix = "SEATSTREAM_TEST_"

// Kubernetes gives every pod variables for the services of its namespace. With services
// called seatstream or seatstream-nats they begin with our prefix, and one of them,
// SEATSTREAM_NATS_PORT=tcp://10.0.0.1:4222, is even named like a key.
var (
	serviceVariable = regexp.MustCompile(`^SEATSTREAM_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	serviceAddress  = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// lookup finds a variable; of several the last counts, as for a started process.
func lookup(environ []string, name string) string {
	for _, e := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

// readEnv reads the SEATSTREAM_ variables into a layer. Errors never repeat a value
// that may hold a password.
func readEnv(environ []string) (*layer, []error) {
	l := newLayer()
	known := map[string]setting{}
	names := slices.Clone(otherVariables)
	for _, s := range settings {
		known[Variable(s.path)] = s
		names = append(names, Variable(s.path))
	}
	var errs []error
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, envPrefix) || foreign(name, value) {
			continue
		}
		s, ok := known[name]
		if !ok {
			errs = append(errs, unknownVariable(name, names))
			continue
		}
		if value == "" || lookup(environ, name) != value {
			continue
		}
		v, err := parse(value, s.typ)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s (%s): %w", s.path, name, err))
			continue
		}
		l.values[s.path], l.origin[s.path] = v, "from "+name
	}
	return l, errs
}

func foreign(name, value string) bool {
	return slices.Contains(otherVariables, name) || strings.HasPrefix(name, testPrefix) ||
		serviceVariable.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && serviceAddress.MatchString(value)
}

func unknownVariable(name string, names []string) error {
	own := strings.TrimPrefix(name, envPrefix)
	if strings.HasPrefix(own, "CONNECTOR") {
		return fmt.Errorf("unknown variable %s: connectors are set in the configuration file", shorten(name))
	}
	short := make([]string, len(names))
	for i, n := range names {
		short[i] = strings.TrimPrefix(n, envPrefix)
	}
	if near := nearest(own, short); near != "" {
		return fmt.Errorf("unknown variable %s: did you mean %s?", shorten(name), envPrefix+near)
	}
	return fmt.Errorf("unknown variable %s: known are %s", shorten(name), strings.Join(names, ", "))
}

// readFlags reads the flags a person gave into a layer, by key.
func readFlags(flags map[string]any) (*layer, []error) {
	l := newLayer()
	keys := Keys()
	var errs []error
	for key, value := range flags {
		i := slices.Index(keys, key)
		if i < 0 {
			errs = append(errs, fmt.Errorf("unknown key %q from a flag: %s", shorten(key), suggest("", key, keys)))
			continue
		}
		if value == nil || reflect.ValueOf(value).Kind() == reflect.Pointer && reflect.ValueOf(value).IsNil() {
			continue
		}
		v, err := parse(fmt.Sprint(value), settings[i].typ)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s (from a flag): %w", key, err))
			continue
		}
		l.values[key], l.origin[key] = v, "from a flag"
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return l, errs
}
