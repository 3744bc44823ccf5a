package schemas

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Tristate is a boolean that may be unknown: Graph gives null, or nothing.
type Tristate uint8

// The three values. Unknown is never counted as No.
const (
	Unknown Tristate = iota
	No
	Yes
)

// TristateOf returns Yes for true and No for false.
func TristateOf(b bool) Tristate {
	if b {
		return Yes
	}
	return No
}

// MarshalJSONTo writes true, false or null.
func (t Tristate) MarshalJSONTo(enc *jsontext.Encoder) error {
	switch t {
	case Yes:
		return enc.WriteToken(jsontext.True)
	case No:
		return enc.WriteToken(jsontext.False)
	default:
		return enc.WriteToken(jsontext.Null)
	}
}

// UnmarshalJSONFrom reads true or false; anything else Graph may send there is unknown.
func (t *Tristate) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case 't':
		*t = Yes
	case 'f':
		*t = No
	default:
		*t = Unknown
	}
	return dec.SkipValue()
}

// GUID brings a GUID into the form that keys use: trimmed and in lower case. Microsoft's
// own catalogue has one that ends in a no-break space.
func GUID(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' || c <= ' ' || c >= 0x80 {
			return strings.ToLower(strings.TrimSpace(s))
		}
	}
	return s
}

var odata = []byte("@odata.")

// dropAnnotations removes members such as @odata.type from unknown members: they
// describe the transport, not the entity, and differ between two ways of asking.
func dropAnnotations(unknown jsontext.Value) jsontext.Value {
	if !bytes.Contains(unknown, odata) {
		return unknown
	}
	// Records keep bytes that are not UTF-8 (see Decode); they must not stop the copy.
	dec := jsontext.NewDecoder(bytes.NewReader(unknown), jsontext.AllowInvalidUTF8(true))
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out, jsontext.AllowInvalidUTF8(true))
	if !copyMembers(dec, enc) {
		return unknown
	}
	if v := bytes.TrimSpace(out.Bytes()); len(v) > 2 {
		return jsontext.Value(v)
	}
	return nil
}

func copyMembers(dec *jsontext.Decoder, enc *jsontext.Encoder) bool {
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	if enc.WriteToken(jsontext.BeginObject) != nil {
		return false
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return false
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return false
		}
		if strings.Contains(key, "@odata.") {
			continue
		}
		if enc.WriteToken(jsontext.String(key)) != nil || enc.WriteValue(value) != nil {
			return false
		}
	}
	return enc.WriteToken(jsontext.EndObject) == nil
}
