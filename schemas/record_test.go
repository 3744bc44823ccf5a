package schemas

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func genRecord() *rapid.Generator[Record] {
	// Few values, so that equal parts in unequal records are frequent.
	return rapid.Custom(func(t *rapid.T) Record {
		short := rapid.SampledFrom([]string{"a", "b", "a_b", "1", "a-1"})
		r := Record{
			Subject: Subject{
				Tenant: rapid.SampledFrom([]string{sampleTenant, sampleGroup}).Draw(t, "tenant"),
				Kind:   rapid.SampledFrom(Kinds).Draw(t, "kind"), Entity: short.Draw(t, "entity"),
			},
			Op:   rapid.SampledFrom([]Op{Upsert, Delete}).Draw(t, "op"),
			Run:  rapid.SampledFrom([]string{sampleRun, "20260314T060000Z-9f3a51c3", "20260314T060001Z-9f3a51c2"}).Draw(t, "run"),
			Seen: rapid.IntRange(0, 12).Draw(t, "seen"),
			Time: time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "time")).UTC(),
			Body: []byte(rapid.SampledFrom([]string{"{}", `{"id":"a"}`}).Draw(t, "body")),
		}
		if r.Subject.Kind == KindReport {
			r.Subject.Report = short.Draw(t, "report")
		}
		return r
	})
}

// TestRecordID: two records have one id exactly if they are the same occurrence of the
// same entity in the same run, whatever they say and hold.
func TestRecordID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := genRecord().Draw(t, "a"), genRecord().Draw(t, "b")
		same := a.Subject == b.Subject && a.Run == b.Run && a.Seen == b.Seen
		if (a.ID() == b.ID()) != same {
			t.Fatalf("ids %q and %q", a.ID(), b.ID())
		}
		for name, other := range map[string]func(*Record){
			"run": func(r *Record) { r.Run = "20270101T000000Z-00000000" }, "entity": func(r *Record) { r.Subject.Entity += "x" },
			"seen": func(r *Record) { r.Seen++ }, "tenant": func(r *Record) { r.Subject.Tenant = sampleUser },
			"kind": func(r *Record) {
				r.Subject.Kind = map[bool]Kind{true: KindGroup, false: KindUser}[r.Subject.Kind == KindUser]
			},
		} {
			c := a
			if other(&c); c.ID() == a.ID() {
				t.Fatalf("another %s, the same id %q", name, a.ID())
			}
		}
		flipped := a
		flipped.Op, flipped.Body, flipped.Hash = Delete, []byte("{}"), "00"
		if flipped.ID() != a.ID() {
			t.Fatalf("the id %q depends on the content", a.ID())
		}
	})
}

func TestEnvelopeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := genRecord().Draw(t, "record")
		env, err := ParseEnvelope(r.Subject.String(), first(r.Headers()))
		want := Envelope{Subject: r.Subject, Type: r.Subject.Kind.Type(), Op: r.Op, Run: r.Run, Time: r.Time, ID: r.ID()}
		if err != nil || env != want {
			t.Fatalf("got %+v, %v\nwant %+v", env, err, want)
		}
	})
}

func first(headers map[string][]string) func(string) string {
	return func(name string) string {
		if len(headers[name]) == 0 {
			return ""
		}
		return headers[name][0]
	}
}

// TestEnvelopeErrors: the error names the header that is wrong.
func TestEnvelopeErrors(t *testing.T) {
	t.Parallel()
	r := sampleRecord(KindUser, sample(KindUser), Upsert)
	for header, values := range map[string][]string{
		HeaderType: {"", "seatstream.user.v2", "seatstream.group.v1", "SEATSTREAM.USER.V1"},
		HeaderOp:   {"", "insert", "UPSERT"},
		HeaderID:   {"", "no-run", "ends/"},
		HeaderTime: {"", "yesterday", "2026-03-14", "1773468000"},
	} {
		for _, value := range values {
			h := r.Headers()
			h[header] = []string{value}
			_, err := ParseEnvelope(r.Subject.String(), first(h))
			if err == nil || !strings.Contains(err.Error(), "header "+header+":") {
				t.Errorf("%s %q: %v", header, value, err)
			}
		}
		h := r.Headers()
		delete(h, header)
		if _, err := ParseEnvelope(r.Subject.String(), first(h)); err == nil || !strings.Contains(err.Error(), header) {
			t.Errorf("no %s: %v", header, err)
		}
	}
	if _, err := ParseEnvelope("m365.x", first(r.Headers())); err == nil || !strings.Contains(err.Error(), `"m365.x"`) {
		t.Errorf("bad subject: %v", err)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	h := StateHash([]byte("a"))
	got, ok := ParseHash(FormatHash(h))
	if !ok || got != h {
		t.Errorf("got %x, %v, want %x", got, ok, h)
	}
	if StateHash([]byte("b")) == h {
		t.Error("two states have one hash")
	}
	for _, bad := range []string{"", "00", FormatHash(h) + "0", strings.Repeat("g", 32)} {
		if _, ok := ParseHash(bad); ok {
			t.Errorf("%q is taken for a hash", bad)
		}
	}
}

func TestParseKind(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds {
		if got, err := ParseKind(string(k)); err != nil || got != k {
			t.Errorf("%s: got %s, %v", k, got, err)
		}
		if empty(k) == nil || sample(k) == nil {
			t.Errorf("%s has no record type or sample in these tests", k)
		}
	}
	if _, err := ParseKind("User"); err == nil || !strings.Contains(err.Error(), "licence") {
		t.Errorf("the error lists the kinds: %v", err)
	}
}
