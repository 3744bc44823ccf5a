package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outcomes, doc := filepath.Join(dir, "outcomes"), filepath.Join(dir, "doc.md")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(outcomes, `{"fault":"N10 later","seed":3,"acked":1,"present":1,"recovery":0}
{"fault":"N2 cut","seed":5,"acked":10,"present":9,"lost":1,"recovery":3000000000}
{"fault":"N2 cut","seed":4,"acked":20,"present":20,"dup_raw":2,"recovery":1000000000}
`)
	write(doc, "before\n"+begin+"old\n"+end+"after\n")
	for range 2 { // a second time changes nothing
		if err := run([]string{outcomes, doc}); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	cut := strings.Index(got, "| N2 | cut | 2 | 30 | 1 | 2 | 0 | 0 | 3.0 s, 3.0 s | 4 to 5 |\n")
	if cut < 0 || strings.Index(got, "| N10 | later | 1 | 1 | 0 | 0 | 0 | 0 | none needed | 3 |\n") < cut ||
		!strings.HasPrefix(got, "before\n"+begin+"| |") || !strings.HasSuffix(got, end+"after\n") || strings.Contains(got, "old") {
		t.Error(got)
	}
	write(doc, "no marks")
	if err := run([]string{outcomes, doc}); err == nil {
		t.Error("a document without marks was written")
	}
}
