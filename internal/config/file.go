package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/seatstream/seatstream/producer"
)

// reader turns a parsed file into a layer. It walks the document beside the type of
// Config, because only the document knows lines and only the type knows the keys.
type reader struct {
	path  string
	layer *layer
	lines []int // line of each connector
	errs  []error
}

// readFile reads the file into a layer; an empty path is an empty layer.
func readFile(path string) (*layer, []int, []error) {
	r := &reader{path: path, layer: newLayer()}
	if path == "" {
		return r.layer, nil, nil
	}
	root, err := parseFile(path)
	if err != nil {
		return r.layer, nil, []error{err}
	}
	if root != nil {
		r.section(root, reflect.TypeFor[Config](), "", func(key string, v any) { r.layer.values[key] = v })
	}
	return r.layer, r.lines, r.errs
}

func parseFile(path string) (*yaml.Node, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read configuration %s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read configuration %s: a second document begins at line %d: keep one", path, max(more.Line, doc.Line))
	}
	return doc.Content[0], nil
}

func (r *reader) fail(n *yaml.Node, key string, err error) {
	if key == "" {
		key = "the file"
	}
	r.errs = append(r.errs, fmt.Errorf("%s at line %d: %w", key, n.Line, err))
}

// section reads a mapping whose keys are the fields of t, handing each to put by its
// full key.
func (r *reader) section(n *yaml.Node, t reflect.Type, prefix string, put func(string, any)) {
	names, types := children(t)
	seen := map[string]int{}
	for _, p := range r.pairs(n, strings.TrimSuffix(prefix, "."), 0) {
		name, key := p.key.Value, prefix+p.key.Value
		typ, known := types[name]
		if !known {
			r.errs = append(r.errs, fmt.Errorf("unknown key %q at line %d: %s", shorten(key), p.key.Line, suggest(prefix, name, names)))
			continue
		}
		if line, twice := seen[name]; twice {
			if !p.merged {
				r.fail(p.key, key, fmt.Errorf("given again, first at line %d: keep one", line))
			}
			continue
		}
		seen[name] = p.key.Line
		r.value(p.value, typ, key, put)
	}
}

// value reads one value of type t. A value left empty counts as not given.
func (r *reader) value(n *yaml.Node, t reflect.Type, key string, put func(string, any)) {
	if n = follow(n); n.ShortTag() == "!!null" {
		return
	}
	leaf := t.Kind() != reflect.Struct && t.Kind() != reflect.Slice
	switch {
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		r.section(n, t, key+".", put)
	case t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		put(key, r.list(n, t.Elem(), key))
	case leaf && n.Kind == yaml.ScalarNode:
		v, err := parse(n.Value, t)
		if err != nil {
			r.fail(n, key, err)
			return
		}
		r.layer.origin[key] = fmt.Sprintf("at line %d", n.Line)
		put(key, r.resolved(key, v))
	default:
		r.fail(n, key, fmt.Errorf("%s is not %s", shape(n, key), wanted(t)))
	}
}

// list reads a sequence: of sections (connectors) or of values.
func (r *reader) list(n *yaml.Node, elem reflect.Type, key string) []any {
	items := make([]any, 0, len(n.Content))
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", key, i)
		if elem.Kind() != reflect.Struct {
			r.value(item, elem, at, func(_ string, v any) { items = append(items, v) })
			continue
		}
		if key == "connectors" {
			r.lines = append(r.lines, item.Line)
		}
		entry := map[string]any{}
		r.value(item, elem, at, func(full string, v any) { nest(entry, strings.TrimPrefix(full, at+"."), v) })
		items = append(items, entry)
	}
	return items
}

// nest puts a value under a dotted key into maps within maps.
func nest(m map[string]any, key string, v any) {
	section, rest, deeper := strings.Cut(key, ".")
	if !deeper {
		m[key] = v
		return
	}
	inner, ok := m[section].(map[string]any)
	if !ok {
		inner = map[string]any{}
		m[section] = inner
	}
	nest(inner, rest, v)
}

// resolved makes the paths among the values relative to the file's folder.
func (r *reader) resolved(key string, v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	own := key[strings.LastIndexByte(key, '.')+1:]
	switch {
	case key == keyDataDir, key == keyNATSCreds, key == keyAgeIdentity, own == keyCAFile, own == keyPasswordFile:
		return resolve(r.path, text)
	case slices.Contains(secretKeys, own):
		if file, in, ok := producer.SecretRef(text).Path(); ok {
			return string(in(resolve(r.path, file)))
		}
	}
	return v
}

// resolve reads a relative path from the folder of the configuration file.
func resolve(config, path string) string {
	if config == "" || path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(config), path)
}

// pair is a key of a mapping; merged ones come from another mapping through "<<" and
// give way to the mapping's own.
type pair struct {
	key, value *yaml.Node
	merged     bool
}

// pairs lists a mapping's own keys, then those it merges in. Connectors of one partner
// share their settings that way. Merges in merges are followed a few steps only, so
// that a mapping that merges itself ends.
func (r *reader) pairs(n *yaml.Node, key string, depth int) []pair {
	const deepest = 4
	var own, merged []pair
	n = follow(n)
	if depth > deepest {
		r.fail(n, key, errors.New("merges itself, or sections merge each other too deeply: write the keys out"))
		return nil
	}
	if n.Kind != yaml.MappingNode {
		if n.ShortTag() != "!!null" {
			r.fail(n, key, fmt.Errorf("%s is not a section of keys", shape(n, key)))
		}
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.ShortTag() != "!!merge" {
			own = append(own, pair{key: k, value: v})
			continue
		}
		sources := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			sources = v.Content
		}
		for _, s := range sources {
			merged = append(merged, r.pairs(s, key, depth+1)...)
		}
	}
	for i := range merged {
		merged[i].merged = true
	}
	return append(own, merged...)
}

func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// shape words what was found where something else was wanted, without a secret.
func shape(n *yaml.Node, key string) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	if slices.ContainsFunc(secretKeys, func(own string) bool { return strings.Contains(key, own) }) {
		return "the value"
	}
	return fmt.Sprintf("%q", shorten(Redact(n.Value)))
}
