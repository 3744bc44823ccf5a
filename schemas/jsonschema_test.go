package schemas

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compiled returns a kind's schema, ready to validate, formats included.
func compiled(t *testing.T, kind Kind) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	doc := document(t, kind)
	id := doc["$id"].(string)
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document returns a kind's schema as parsed JSON.
func document(t *testing.T, kind Kind) map[string]any {
	t.Helper()
	b, err := JSONSchema(kind)
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, b)
}

func parsed(t *testing.T, b []byte) map[string]any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

func TestSchemaNames(t *testing.T) {
	t.Parallel()
	var want []string
	for _, k := range Kinds {
		want = append(want, string(k)+".v1")
	}
	slices.Sort(want)
	if got := SchemaNames(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := JSONSchema("mailbox"); err == nil || !strings.Contains(err.Error(), `"mailbox"`) {
		t.Errorf("unknown kind: %v", err)
	}
}

func TestSchemaHeads(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		doc := document(t, kind)
		for member, want := range map[string]string{
			"$schema": "https://json-schema.org/draft/2020-12/schema",
			"$id":     "https://seatstream.dev/schemas/" + string(kind) + ".v1.json",
			"title":   kind.Type(),
			"type":    "object",
		} {
			if doc[member] != want {
				t.Errorf("%s: %s is %v, want %q", kind, member, doc[member], want)
			}
		}
	}
}

func TestGoldenValid(t *testing.T) {
	t.Parallel()
	upserts := goldenUpserts(t)
	for _, kind := range Kinds {
		s := compiled(t, kind)
		for name, b := range upserts {
			if kindOf(name) != kind {
				continue
			}
			if err := s.Validate(parsed(t, b)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		stone := Tombstone(sampleRecord(kind, sample(kind), Delete).Subject)
		if err := s.Validate(parsed(t, stone)); err != nil {
			t.Errorf("%s tombstone %s: %v", kind, stone, err)
		}
		if err := s.Validate(map[string]any{}); err == nil {
			t.Errorf("%s: a body that names no entity is accepted", kind)
		}
	}
}

// TestSchemaRefuses shows that each schema judges: a required member that is missing and
// a member of another type are refused, a member that nobody knows is not.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		s := compiled(t, kind)
		golden := func() map[string]any { return parsed(t, goldenUpserts(t)[string(kind)+".v1.json"]) }
		more := golden()
		more["seatstreamTest"] = map[string]any{"a": "b"}
		if err := s.Validate(more); err != nil {
			t.Errorf("%s: an unknown member is refused: %v", kind, err)
		}
		required := alwaysWritten(reflect.TypeOf(empty(kind)).Elem())
		for name := range golden() {
			bad := golden()
			bad[name] = []any{map[string]any{}, 1.5}
			if s.Validate(bad) == nil {
				t.Errorf("%s: %s accepts %v", kind, name, bad[name])
			}
			less := golden()
			delete(less, name)
			if err := s.Validate(less); (err != nil) != slices.Contains(required, name) {
				t.Errorf("%s without %s: %v", kind, name, err)
			}
		}
	}
}

// jsonName returns the member a field is written as. ok is false for the field that
// holds unknown members.
func jsonName(f reflect.StructField) (name string, always, ok bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, options == "", name != ""
}

// alwaysWritten lists the members that a Go type writes whatever they hold.
func alwaysWritten(typ reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(typ) {
		if name, always, ok := jsonName(f); ok && always {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// walker compares a Go type with the schema that describes it.
type walker struct {
	defs   map[string]any
	faults []string
}

func (w *walker) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// resolve follows a reference into $defs.
func (w *walker) resolve(s map[string]any) map[string]any {
	ref, ok := s["$ref"].(string)
	if !ok {
		return s
	}
	def, ok := w.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	if !ok {
		w.fault("reference %s leads nowhere", ref)
	}
	return def
}

// object compares a struct: same members, the required ones are those always written,
// unknown ones are allowed and kept.
func (w *walker) object(at string, typ reflect.Type, s map[string]any) {
	properties, _ := s["properties"].(map[string]any)
	left := maps.Clone(properties)
	keeps := false
	for _, f := range reflect.VisibleFields(typ) {
		name, _, ok := jsonName(f)
		if !ok {
			keeps = f.Type == reflect.TypeFor[jsontext.Value]() && f.Tag.Get("json") == ",embed"
			continue
		}
		p, ok := properties[name].(map[string]any)
		if !ok {
			w.fault("%s.%s is in the Go type and not in the schema", at, name)
			continue
		}
		delete(left, name)
		if d, _ := p["description"].(string); !strings.HasSuffix(d, ".") {
			w.fault("%s.%s: description %q: want sentences", at, name, d)
		}
		w.value(at+"."+name, f.Type, w.resolve(p))
	}
	for name := range left {
		w.fault("%s.%s is in the schema and not in the Go type", at, name)
	}
	if s["additionalProperties"] != true || !keeps {
		w.fault("%s: unknown members must be allowed by the schema and kept by the Go type", at)
	}
	if d, _ := s["description"].(string); !strings.HasSuffix(d, ".") {
		w.fault("%s: description %q: want sentences", at, d)
	}
	required := s
	if up, ok := w.defs["upsert"].(map[string]any); ok && !strings.Contains(at, ".") {
		required = up
	}
	var names []string
	list, _ := required["required"].([]any)
	for _, n := range list {
		names = append(names, n.(string))
	}
	slices.Sort(names)
	if want := alwaysWritten(typ); !slices.Equal(names, want) {
		w.fault("%s: requires %v, always written are %v", at, names, want)
	}
}

func (w *walker) value(at string, typ reflect.Type, s map[string]any) {
	want := ""
	switch {
	case typ == reflect.TypeFor[Tristate]() || typ.Kind() == reflect.Bool:
		want = "boolean"
	case typ == reflect.TypeFor[Columns]():
		want = "object"
	case typ.Kind() == reflect.Pointer:
		w.value(at, typ.Elem(), s)
		return
	case typ.Kind() == reflect.Struct:
		want = "object"
		w.object(at, typ, s)
	case typ.Kind() == reflect.Slice:
		want = "array"
		items, _ := s["items"].(map[string]any)
		w.value(at+"[]", typ.Elem(), w.resolve(items))
	case typ.Kind() == reflect.Int64:
		want = "integer"
	case typ.Kind() == reflect.String:
		want = "string"
	}
	if s["type"] != want {
		w.fault("%s is %v in the schema and %v in Go", at, s["type"], typ)
	}
}

// TestSchemasMatchTypes compares each Go type with its schema, down to the last member.
func TestSchemasMatchTypes(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		doc := document(t, kind)
		w := walker{}
		w.defs, _ = doc["$defs"].(map[string]any)
		w.object(string(kind), reflect.TypeOf(empty(kind)).Elem(), doc)
		for _, f := range w.faults {
			t.Error(f)
		}
	}
}
