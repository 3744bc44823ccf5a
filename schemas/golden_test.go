package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wantGolden returns the golden files of this version by name, as the Go types write them.
func wantGolden(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for name, sample := range samples() {
		kind := kindOf(name)
		encoded, err := NewEncoder().Encode(sample)
		if err != nil {
			t.Fatal(err)
		}
		r := sampleRecord(kind, sample, Upsert)
		if kind != KindLicence && kind != KindRun {
			r.Hash = FormatHash(StateHash(stateOf(t, sample, encoded)))
		}
		headers, err := json.Marshal(r.Headers(), json.Deterministic(true), jsontext.WithIndent("  "))
		if err != nil {
			t.Fatal(err)
		}
		files[name+".json"] = append(bytes.Clone(encoded), '\n')
		files[name+".headers.json"] = append(headers, '\n')
		files[name+".delete.json"] = append(Tombstone(r.Subject), '\n')
	}
	return files
}

// stateOf is what the hash of a record covers. The refresh date of a report is no part
// of it: a row that differs in nothing else is unchanged.
func stateOf(t *testing.T, b body, encoded []byte) []byte {
	t.Helper()
	row, ok := b.(*Report)
	if !ok {
		return encoded
	}
	undated := *row
	undated.RefreshDate = ""
	state, err := NewEncoder().Encode(&undated)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// checkGolden holds a golden file against what the Go types write.
func checkGolden(name string, got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("golden %s differs: never edit it, write a new file (see golden/README.md)\n got %s\nwant %s", name, got, want)
	}
	return nil
}

// goldenUpserts returns the stored upserts by file, those of former samples included.
func goldenUpserts(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("golden/*.json")
	if err != nil {
		t.Fatal(err)
	}
	upserts := map[string][]byte{}
	for _, f := range files {
		if strings.HasSuffix(f, ".headers.json") || strings.HasSuffix(f, ".delete.json") {
			continue
		}
		if upserts[filepath.Base(f)], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return upserts
}

// TestGoldenRoundTrip: old records are read by new code and come out as they went in.
func TestGoldenRoundTrip(t *testing.T) {
	t.Parallel()
	upserts := goldenUpserts(t)
	if len(upserts) < len(Kinds) {
		t.Errorf("%d golden upserts for %d kinds", len(upserts), len(Kinds))
	}
	for name, stored := range upserts {
		if err := checkRoundTrip(empty(kindOf(name)), stored); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkRoundTrip(b body, stored []byte) error {
	if err := Decode(stored, b); err != nil {
		return err
	}
	if e, ok := b.(Entity); ok {
		e.Normalize()
	}
	again, err := NewEncoder().Encode(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, bytes.TrimSuffix(stored, []byte("\n"))) {
		return fmt.Errorf("%T does not encode to what it was read from:\n got %s\nwant %s", b, again, stored)
	}
	return nil
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, want := range wantGolden(t) {
		got, err := os.ReadFile(filepath.Join("golden", name))
		if err != nil {
			t.Errorf("%v\nit should hold\n%s", err, want)
			continue
		}
		if err := checkGolden(name, got, want); err != nil {
			t.Error(err)
		}
	}
}

// TestGoldenEditFails shows that no byte of a golden file can change unnoticed.
func TestGoldenEditFails(t *testing.T) {
	t.Parallel()
	for name, want := range wantGolden(t) {
		for i := range want {
			edited := bytes.Clone(want)
			edited[i] ^= 1
			if checkGolden(name, edited, want) == nil {
				t.Errorf("%s: a change of byte %d is not noticed", name, i)
			}
		}
	}
}

// TestGoldenPinned catches what TestGolden cannot: a golden file and the Go type changed
// together, which is a breaking change under an old version's name.
func TestGoldenPinned(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("golden/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	pinned := map[string]string{}
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Fatalf("SHA256SUMS: %q: want sum and name", line)
		}
		pinned[name] = sum
	}
	files, err := filepath.Glob("golden/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		name := filepath.Base(f)
		if got := hex.EncodeToString(sum[:]); got != pinned[name] {
			t.Errorf("%s: sum %s is not the one in SHA256SUMS: a released golden file is never edited", name, got)
		}
		delete(pinned, name)
	}
	for name := range pinned {
		t.Errorf("%s stands in SHA256SUMS and is gone: golden files are kept for ever", name)
	}
}

// TestGoldenEnvelope reads the golden headers back: the envelope a consumer gets.
func TestGoldenEnvelope(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		b, err := os.ReadFile("golden/" + string(kind) + ".v1.headers.json")
		if err != nil {
			t.Fatal(err)
		}
		var headers map[string][]string
		if err := json.Unmarshal(b, &headers); err != nil {
			t.Fatal(err)
		}
		r := sampleRecord(kind, sample(kind), Upsert)
		env, err := ParseEnvelope(r.Subject.String(), func(name string) string {
			if len(headers[name]) == 0 {
				return ""
			}
			return headers[name][0]
		})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		want := Envelope{Subject: r.Subject, Type: kind.Type(), Op: Upsert, Run: sampleRun, Time: sampleTime, ID: r.ID()}
		if env != want {
			t.Errorf("%s: got %+v\nwant %+v", kind, env, want)
		}
		if headers[HeaderMsgID][0] != headers[HeaderID][0] {
			t.Errorf("%s: %s and %s differ", kind, HeaderMsgID, HeaderID)
		}
	}
}

// TestTombstone reads every tombstone back: it names its entity and nothing else.
func TestTombstone(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		r := sampleRecord(kind, sample(kind), Delete)
		stone := Tombstone(r.Subject)
		b := empty(kind)
		if err := Decode(stone, b); err != nil {
			t.Fatal(err)
		}
		if b.Entity() != r.Subject.Entity {
			t.Errorf("%s: %s names %q, want %q", kind, stone, b.Entity(), r.Subject.Entity)
		}
		members := map[string]string{}
		if err := json.Unmarshal(stone, &members); err != nil {
			t.Fatal(err)
		}
		want := 1
		if kind == KindMember || kind == KindLicence || kind == KindReport {
			want = 2
		}
		if len(members) != want {
			t.Errorf("%s: %s: want %d members", kind, stone, want)
		}
	}
}
