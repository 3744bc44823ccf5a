package config

import (
	_ "embed"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/seatstream/seatstream/producer"
)

//go:embed example.yaml
var example []byte

// Example is a commented configuration file with every key. It loads as it stands.
func Example() []byte { return slices.Clone(example) }

// Dump is the configuration as YAML with every key and without passwords: to show what
// is in force.
func (c Config) Dump() string {
	out, err := yaml.Marshal(node(reflect.ValueOf(c)))
	if err != nil {
		return fmt.Sprintf("# dump configuration: %v\n", err)
	}
	return string(out)
}

// String is Dump, so that a configuration that is printed or logged shows no password.
func (c Config) String() string { return c.Dump() }

// GoString is Dump too, for %#v.
func (c Config) GoString() string { return c.Dump() }

// MarshalText is Dump, so that encoding a configuration (JSON, YAML) shows no password.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.Dump()), nil }

// node builds the document in the order of the fields, which a map would lose.
func node(v reflect.Value) *yaml.Node {
	switch {
	case v.Type() == reflect.TypeFor[producer.SecretRef]():
		return scalar("!!str", showSecret(v.Interface().(producer.SecretRef)))
	case v.Type() == reflect.TypeFor[time.Duration]():
		return scalar("!!str", showDuration(time.Duration(v.Int())))
	}
	switch v.Kind() {
	case reflect.Struct:
		return mapping(v)
	case reflect.Slice:
		seq := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			seq.Content = append(seq.Content, node(v.Index(i)))
		}
		if v.Len() == 0 {
			seq.Style = yaml.FlowStyle
		}
		return seq
	case reflect.Pointer:
		if v.IsNil() {
			return scalar("!!null", "")
		}
		return node(v.Elem())
	case reflect.Int:
		return scalar("!!int", strconv.FormatInt(v.Int(), 10))
	case reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(v.Bool()))
	}
	return scalar("!!str", Redact(v.String()))
}

func mapping(v reflect.Value) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if key := fieldKey(f); key != "" {
			m.Content = append(m.Content, scalar("!!str", key), node(v.FieldByIndex(f.Index)))
		}
	}
	return m
}

func scalar(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// showSecret shows where a secret is found, and nothing of a text that is no reference,
// since that may be the secret itself.
func showSecret(r producer.SecretRef) string {
	if r != "" && r.Validate() != nil {
		return masked
	}
	return string(r)
}

// showDuration writes 24h for 24h0m0s.
func showDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
