package schemas

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

func TestGUID(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		skuE5: skuE5, strings.ToUpper(skuE5): skuE5, skuE5 + "\u00a0": skuE5, "\u00a0" + strings.ToUpper(skuE5) + " \r\n": skuE5,
		"": "", "\u00a0": "", " ": "",
	} {
		if got := GUID(in); got != want {
			t.Errorf("GUID(%q) = %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), genRawGUID()).Draw(t, "s")
		once := GUID(s)
		if twice := GUID(once); twice != once {
			t.Fatalf("GUID(%q) = %q, and of that %q", s, once, twice)
		}
		if once != strings.TrimSpace(once) || once != strings.ToLower(once) {
			t.Fatalf("GUID(%q) = %q", s, once)
		}
	})
}

func TestTristate(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Tristate{
		`{"id":"a","accountEnabled":true}`: Yes, `{"id":"a","accountEnabled":false}`: No, `{"id":"a"}`: Unknown,
		`{"id":"a","accountEnabled":null}`: Unknown, `{"id":"a","accountEnabled":"yes"}`: Unknown, `{"id":"a","accountEnabled":{"b":[1]}}`: Unknown,
	} {
		var u User
		if err := Decode([]byte(in), &u); err != nil || u.AccountEnabled != want {
			t.Errorf("%s: got %v, %v, want %v", in, u.AccountEnabled, err, want)
		}
		b, err := NewEncoder().Encode(&u)
		if written := strings.Contains(string(b), "accountEnabled"); err != nil || written != (want != Unknown) {
			t.Errorf("%s: written as %s, %v", in, b, err)
		}
	}
	if TristateOf(true) != Yes || TristateOf(false) != No {
		t.Error("TristateOf")
	}
	b, err := NewEncoder().Encode([]Tristate{Yes, No, Unknown})
	if err != nil || string(b) != "[true,false,null]" {
		t.Errorf("got %s, %v", b, err)
	}
}

// strew puts members into every object of a record, the columns of a report aside:
// there, every member is a column.
func strew(v any, members map[string]any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			strew(e, members)
		}
	case map[string]any:
		for name, e := range v {
			if !slices.Contains([]string{"dates", "counts", "flags", "texts", "unknownColumns"}, name) {
				strew(e, members)
			}
		}
		maps.Copy(v, members)
	}
}

// tree reads JSON with its numbers as they are.
func tree(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

// TestUnknownMembers: whatever Graph or a later version adds, at any depth, is still
// there after decoding, normalizing and encoding. Annotations of the transport are not.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	news := map[string]any{
		"newText": "Süd", "newNumber": json.Number("12345678901234567890.5"), "newNull": nil,
		"newObject": map[string]any{"list": []any{json.Number("1"), map[string]any{"a": true}}},
	}
	notes := map[string]any{"@odata.type": "#microsoft.graph.x", "manager@odata.navigationLink": "https://graph.microsoft.com/x"}
	for name, golden := range goldenUpserts(t) {
		want := tree(t, golden)
		strew(want, news)
		given := tree(t, golden)
		strew(given, news)
		b := empty(kindOf(name))
		e, mirrors := b.(Entity)
		if _, row := b.(*Report); mirrors && !row { // what Graph does not give has no annotations
			strew(given, notes)
		}
		body, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(body, b); err != nil {
			t.Fatal(err)
		}
		if mirrors {
			e.Normalize()
		}
		out, err := NewEncoder().Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree(t, out); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
}

func TestDropAnnotations(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", `{"a":1}`: `{"a":1}`, `{"@odata.type":"x"}`: "", `{"@odata.type":{"a":[1]},"b":2,"c@odata.bind":null}`: `{"b":2}`,
		`{"a":"@odata.type"}`: `{"a":"@odata.type"}`, `{"a":{"@odata.type":1}}`: `{"a":{"@odata.type":1}}`,
		"{\"@odata.type\":1,\"a\":\"\xff\"}": "{\"a\":\"\ufffd\"}", `{"@odata.type":`: `{"@odata.type":`, `["@odata.type"]`: `["@odata.type"]`,
	} {
		if got := dropAnnotations(jsontext.Value(in)); string(got) != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "null x", "[]", `{"id":1}`, `{"id":"a","id":"b"}`, `{"id":"a"`, `{"assignedLicenses":{}}`} {
		if err := Decode([]byte(bad), &User{}); err == nil || !strings.Contains(err.Error(), "decode *schemas.User") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{`{"dates":[]}`, `{"counts":null}`, `{"flags":1}`, `{"texts":{"a":1,"a":2}}`, `{"texts":{"a"`} {
		if err := Decode([]byte(bad), &Report{}); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// TestDecodeTruncated cuts every golden upsert at every byte.
func TestDecodeTruncated(t *testing.T) {
	t.Parallel()
	for name, golden := range goldenUpserts(t) {
		golden = bytes.TrimSpace(golden)
		for i := range golden {
			if Decode(golden[:i], empty(kindOf(name))) == nil {
				t.Errorf("%s: cut at %d it still decodes", name, i)
			}
		}
	}
}

// TestEncoderReuse: an encoder that failed, or wrote more before, writes the same bytes.
func TestEncoderReuse(t *testing.T) {
	t.Parallel()
	enc := NewEncoder()
	for range 2 {
		for name, s := range samples() {
			got, err := enc.Encode(s)
			if err != nil {
				t.Fatal(err)
			}
			fresh, err := NewEncoder().Encode(s)
			if err != nil || !bytes.Equal(got, fresh) {
				t.Errorf("%s: %v\n got %s\nwant %s", name, err, got, fresh)
			}
			if _, err := enc.Encode(&Report{Texts: Columns{{"a", jsontext.Value("{")}}}); err == nil {
				t.Error("a column that is no JSON is encoded")
			}
		}
	}
}
