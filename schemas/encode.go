package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Entity is a record body that mirrors something Graph lists.
type Entity interface {
	// Entity is the last token of the record's subject.
	Entity() string
	// Normalize brings the record into its one form, so that equal states have equal bytes.
	Normalize()
}

// Encoder turns record bodies into JSON. It reuses its buffer and is not safe for
// concurrent use.
type Encoder struct {
	buf bytes.Buffer
	enc *jsontext.Encoder
}

// NewEncoder returns an Encoder.
func NewEncoder() *Encoder {
	e := &Encoder{}
	e.enc = jsontext.NewEncoder(&e.buf)
	return e
}

// Encode renders v. The bytes are valid until the next call.
func (e *Encoder) Encode(v any) ([]byte, error) {
	e.buf.Reset()
	e.enc.Reset(&e.buf, jsontext.AllowInvalidUTF8(true))
	if err := json.MarshalEncode(e.enc, v); err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return bytes.TrimRight(e.buf.Bytes(), "\n"), nil
}

// StateHash is the 128-bit hash of an entity's state: half of SHA-256, so that two
// states of one entity never pass for one another.
func StateHash(body []byte) [16]byte {
	sum := sha256.Sum256(body)
	return [16]byte(sum[:16])
}

// FormatHash renders a state hash for the ce-hash header.
func FormatHash(h [16]byte) string { return hex.EncodeToString(h[:]) }

// ParseHash reads the ce-hash header.
func ParseHash(s string) (h [16]byte, ok bool) {
	if len(s) != 2*len(h) {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err == nil
}

// Decode reads a record body. Members the product does not know stay in the record.
func Decode(body []byte, v any) error {
	if err := json.Unmarshal(body, v, jsontext.AllowInvalidUTF8(true)); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}

// Tombstone is the body of a delete: the members that name the entity and no more.
func Tombstone(s Subject) []byte {
	var b []byte
	add := func(name, value string) {
		sep := byte(',')
		if b == nil {
			sep = '{'
		}
		b = append(b, sep)
		b, _ = jsontext.AppendQuote(b, name)
		b = append(b, ':')
		b, _ = jsontext.AppendQuote(b, value)
	}
	first, second := s.pair()
	switch s.Kind {
	case KindMember:
		add("groupId", first)
		add("memberId", second)
	case KindLicence:
		add("userId", first)
		add("skuId", second)
	case KindSKU:
		add("skuId", s.Entity)
	case KindReport:
		add("report", s.Report)
		add("key", s.Entity)
	case KindRun:
		add("feed", s.Entity)
	default:
		add("id", s.Entity)
	}
	return append(b, '}')
}
