package e2e

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
)

// rows reads the output of -o json.
func rows(t testing.TB, out string) []map[string]any {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("output is not a list of objects: %v\n%.500s", err, out)
	}
	return list
}

// table reads the output of -o csv.
func table(t testing.TB, out string) [][]string {
	t.Helper()
	list, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatalf("output is not CSV: %v\n%.500s", err, out)
	}
	return list
}
