package schemas

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
)

func FuzzParseSubject(f *testing.F) {
	for _, k := range Kinds {
		f.Add(sampleRecord(k, sample(k), Upsert).Subject.String())
	}
	for _, token := range hostile {
		f.Add("m365." + sampleTenant + ".report.getX." + token)
	}
	f.Add("m365......")
	f.Fuzz(func(t *testing.T, subject string) {
		s, err := ParseSubject(subject)
		if err != nil {
			return
		}
		if s.String() != subject {
			t.Errorf("%q was read as %q", subject, s)
		}
		if err := s.Check(); err != nil {
			t.Errorf("%q was read and does not hold: %v", subject, err)
		}
		if strings.ContainsAny(subject, "*> \t\r\n/+@") {
			t.Errorf("%q holds what no subject may", subject)
		}
		if again := (Record{Subject: s, Run: sampleRun}); runOf(again.ID()) != sampleRun {
			t.Errorf("the run cannot be read back from %q", again.ID())
		}
	})
}

// settle decodes a body, and checks that what it encodes to is decoded and encoded to the
// same bytes: a record that is read back and written again is the same record.
func settle(t *testing.T, stored []byte, fresh func() Entity) {
	e := fresh()
	if Decode(stored, e) != nil {
		return
	}
	e.Normalize()
	once, err := NewEncoder().Encode(e)
	if err != nil {
		t.Fatalf("%q was decoded and cannot be encoded: %v", stored, err)
	}
	again := fresh()
	if err := Decode(once, again); err != nil {
		t.Fatalf("%q was encoded and cannot be decoded: %v", once, err)
	}
	again.Normalize()
	twice, err := NewEncoder().Encode(again)
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%v\nonce  %q\ntwice %q", err, once, twice)
	}
}

func FuzzDecodeUser(f *testing.F) {
	b, err := NewEncoder().Encode(sample(KindUser))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for _, s := range []string{
		`{}`, `{"id":null}`, `{"id":"A\u00a0","accountEnabled":"x","new":[1e400,{"a":"\ud800"}],"@odata.type":"#u"}`, "{\"id\":\"\xff\",\"\xfe\":1}",
		`{"id":"a","assignedLicenses":[{"skuId":"B","x":{"@odata.type":1}},{"skuId":"b","disabledPlans":["D","C"]}]}`,
		`{"ID":"a","Unknown":{"a":1},"":0}`, "null", ` {"id" : "a" } `,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stored []byte) { settle(t, stored, func() Entity { return &User{} }) })
}

func FuzzDecodeReport(f *testing.F) {
	b, err := NewEncoder().Encode(sample(KindReport))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for _, s := range []string{
		`{"report":"a","key":"b","dates":{},"counts":{"a":1,"b":null},"flags":{"":true},"texts":{"a":"\u2028"}}`,
		`{"dates":{"a":{"b":[1,2]}},"unknownColumns":{"a":"b"},"new":{"a":1}}`, `{"texts":null}`, "{\"texts\":{\"\xff\":\"\xfe\"}}",
		"{\"texts\":{\"\xff\":1,\"\xfe\":2}}", `{"counts":{"a":1,"a":2}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stored []byte) { settle(t, stored, func() Entity { return &Report{} }) })
}

func FuzzParseQuery(f *testing.F) {
	files, err := fs.Glob(sqlFiles, "sql/queries/*.sql")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := sqlFiles.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add("-- title: t\r\n-- definition: d\r\n-- param: a Array(String) = ['a', 'b'], d\r\nSELECT 1\r\n")
	f.Add("-- param: a String = ')', ")
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseQuery("01_a.sql", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "query 01_a.sql: ") {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		if q.Title == "" || q.Definition == "" || q.SQL == "" || !strings.Contains(text, q.SQL) {
			t.Errorf("%q was read as %+v", text, q)
		}
		for _, p := range q.Params {
			again, err := parseParam(p.Name + " " + p.Type + " = " + p.Default + ", " + p.Doc)
			if err != nil || again != p {
				t.Errorf("param %+v reads back as %+v, %v", p, again, err)
			}
		}
	})
}
