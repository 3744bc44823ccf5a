package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seatstream/seatstream/producer"
)

// The keys that rules are tied to.
const (
	keyDataDir   = "data_dir"
	keyNATSCreds = "nats.creds"
	// The keys of files with a password, by their last part.
	keyPasswordFile = "password_file"
	keyAgeIdentity  = "age_identity"
	keyCAFile       = "ca_file"
	keyStreams      = "consumer.streams"
)

// secretKeys are the keys of a connector, or of a token of the page, that refer to a secret.
var secretKeys = []string{"client_secret", "certificate", "certificate_password", "token"}

// setting is one key that can be set outside connectors.
type setting struct {
	path  string // nats.url
	index []int  // field of Config
	typ   reflect.Type
}

// settings are the keys outside connectors, in the order of Config.
var settings = collect(reflect.TypeFor[Config](), "", nil)

func collect(t reflect.Type, prefix string, index []int) []setting {
	var all []setting
	for _, f := range reflect.VisibleFields(t) {
		key := fieldKey(f)
		at := slices.Concat(index, f.Index)
		switch {
		case key == "" || f.Type.Kind() == reflect.Slice:
		case f.Type.Kind() == reflect.Struct:
			all = append(all, collect(f.Type, prefix+key+".", at)...)
		default:
			all = append(all, setting{path: prefix + key, index: at, typ: f.Type})
		}
	}
	return all
}

// fieldKey is the key of a field, empty when the file cannot set it.
func fieldKey(f reflect.StructField) string {
	if key := f.Tag.Get("koanf"); key != "-" {
		return key
	}
	return ""
}

// children are the keys of a section with their types.
func children(t reflect.Type) (names []string, types map[string]reflect.Type) {
	types = map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if key := fieldKey(f); key != "" {
			names = append(names, key)
			types[key] = f.Type
		}
	}
	return names, types
}

// Keys lists the keys that variables and flags can set, in the order of the file.
func Keys() []string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.path
	}
	return keys
}

// Variable is the environment variable of a key: nats.url is SEATSTREAM_NATS_URL.
func Variable(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// parse reads the text of a value into the type of its field.
func parse(text string, t reflect.Type) (any, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem() // a value that may be left out
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		if d, err := time.ParseDuration(text); err == nil {
			return d, nil
		}
	case t.Kind() == reflect.String:
		return text, nil
	case t.Kind() == reflect.Int:
		if n, err := strconv.Atoi(text); err == nil {
			return n, nil
		}
	case t.Kind() == reflect.Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%q is not %s", shorten(Redact(text)), wanted(t))
}

// wanted says in words what a field takes.
func wanted(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30m, 1h or 24h"
	case t.Kind() == reflect.Struct:
		return "a section of keys"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a text"
}

// shorten keeps a message one readable line, whatever was written into a value.
func shorten(text string) string {
	const longest = 80
	if r := []rune(text); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return text
}

// suggest words the help for an unknown key: the nearest one of its own section, else
// the key of that name elsewhere, else what the section knows.
func suggest(section, name string, siblings []string) string {
	if near := nearest(name, siblings); near != "" {
		return fmt.Sprintf("did you mean %q?", section+near)
	}
	for _, s := range settings {
		if own := s.path[strings.LastIndexByte(s.path, '.')+1:]; own == fold(name) {
			return fmt.Sprintf("did you mean %q?", s.path)
		}
	}
	if names, _ := children(reflect.TypeFor[producer.Connector]()); slices.Contains(names, fold(name)) {
		return fmt.Sprintf("did you mean %q?", "connectors[]."+fold(name))
	}
	return "known here: " + strings.Join(siblings, ", ")
}

// nearest finds the known word that name is a slip of, or none. Half of the letters
// may differ at most: a farther guess misleads.
func nearest(name string, known []string) string {
	name = fold(name)
	best, least := "", 0
	for _, k := range known {
		d := distance(name, fold(k))
		if d <= max(1, min(len(name), len(k))/2) && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// fold makes clientId, client-id and CLIENT_ID comparable with client_id.
func fold(name string) string {
	var b strings.Builder
	for i, r := range shorten(name) {
		if r >= 'A' && r <= 'Z' && i > 0 && strings.ToUpper(name) != name {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(strings.ReplaceAll(b.String(), "-", "_"))
}

// distance counts the letters to insert, drop, change or swap with their neighbour.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
