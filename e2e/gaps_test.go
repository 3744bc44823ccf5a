package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

// TestGaps holds the assertion itself: each thing that is missing is found, and what is
// explained is not.
func TestGaps(t *testing.T) {
	t.Parallel()
	whole := func() inventory {
		i := inventory{map[string]uint64{}, map[string]proof{
			schemas.FeedAll: {status: schemas.RunComplete}, schemas.FeedReportSettings: {status: schemas.RunUnavailable, message: "not granted"},
			"getTeams": {status: schemas.RunComplete, entities: 7}, "skus_after": {status: schemas.RunComplete, entities: 7},
		}}
		i.rows["getTeams"] = 7
		for feed := range collecting {
			i.rows[feed], i.evidence[feed] = 7, proof{status: schemas.RunComplete, entities: 7}
		}
		return i
	}
	for name, tc := range map[string]struct {
		change func(inventory)
		gap    string
	}{
		"all there":                      {func(inventory) {}, ""},
		"empty table, evidence says ok":  {func(i inventory) { i.rows["users"] = 0 }, "nothing of users is stored, evidence says complete with 7 entities"},
		"empty report, evidence says ok": {func(i inventory) { i.rows["getTeams"] = 0 }, "nothing of getTeams is stored, evidence says complete with 7 entities"},
		"nothing listed, not a word":     {func(i inventory) { i.rows["groups"], i.evidence["groups"] = 0, proof{status: schemas.RunComplete} }, "nothing of groups is stored, evidence says complete and nothing about it"},
		"nothing listed, evidence says so": {func(i inventory) {
			i.rows["groups"], i.evidence["groups"] = 0, proof{status: schemas.RunComplete, notes: []string{"none"}}
		}, ""},
		"not complete, no reason": {func(i inventory) { i.evidence["skus"] = proof{status: schemas.RunIncomplete} }, "skus is incomplete without a reason"},
		"not read, with a reason": {func(i inventory) {
			i.rows["sign_ins"], i.evidence["sign_ins"] = 0, proof{status: schemas.RunUnavailable, message: "not granted"}
		}, ""},
		"no evidence":                            {func(i inventory) { delete(i.evidence, "members") }, "no evidence of members"},
		"no evidence of the settings":            {func(i inventory) { delete(i.evidence, schemas.FeedReportSettings) }, "no evidence of report_settings"},
		"no evidence of a report that was meant": {func(i inventory) { delete(i.evidence, "getTeams") }, "no evidence of getTeams"},
		"a run that could not collect": {func(i inventory) {
			clear(i.evidence)
			i.evidence[schemas.FeedAll] = proof{status: schemas.RunFailed, message: "refused"}
		}, ""},
	} {
		i := whole()
		tc.change(i)
		if got := strings.Join(i.gaps("getTeams"), "; "); got != tc.gap {
			t.Errorf("%s: %q, want %q", name, got, tc.gap)
		}
	}
}

// TestTablesAreWatched: the tests of this folder start ClickHouse by tables alone, which
// looks at them in the end.
func TestTablesAreWatched(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file != "explained_test.go" && strings.Contains(string(text), "teststack."+"StartClickHouse(") {
			t.Errorf("%s starts ClickHouse by itself; use tables", file)
		}
	}
}
