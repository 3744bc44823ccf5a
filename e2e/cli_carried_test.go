package e2e

import (
	"bytes"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"
)

// reports: the page stands alone, a name on it is no markup, and its money is the sum of the
// seats to reclaim, a currency at a time.
func (s *station) reports(t *testing.T) {
	file := filepath.Join(t.TempDir(), "contoso.html")
	if out := s.ok("report", "--tenant", "contoso", "--file", file); out != "" {
		t.Errorf("report prints %s", out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	sums := map[string]*big.Rat{}
	for _, r := range s.answer(t, "unused-licences") {
		if c, _ := r["currency"].(string); c != "" && r["reclaim"] == true {
			if sums[c] == nil {
				sums[c] = new(big.Rat)
			}
			sums[c].Add(sums[c], amountOf(t, r["price"]))
		}
	}
	if len(sums) != 2 {
		t.Errorf("money to be had in %d currencies", len(sums))
	}
	for currency, sum := range sums {
		if want := currency + " " + sum.FloatString(2); !strings.Contains(strings.ReplaceAll(page, ",", ""), want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	for _, want := range []string{"contoso.onmicrosoft.com", "&lt;b&gt;Desk&lt;/b&gt;", "getOffice365ActiveUserDetail", "default-src 'none'"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if m := regexp.MustCompile(`(?i)<b>Desk|<script|<link|<img|<iframe|\ssrc=|\shref=|@import|https?://|url\([^#]`).FindString(page); m != "" {
		t.Errorf("the page has %q", m)
	}
	s.refused(2, []string{"report"}, "--tenant")
	s.refused(1, []string{"report", "--tenant", "nobody"}, `"nobody"`)
}

// files reads back what was written as Parquet and as a spreadsheet.
func (s *station) files(t *testing.T) {
	want := s.answer(t, "unused-licences")
	path := filepath.Join(t.TempDir(), "unused.")
	for _, format := range []string{"parquet", "xlsx"} {
		s.ok("query", "unused-licences", "--tenant", "contoso", "-o", format, "--file", path+format)
	}
	b, err := os.ReadFile(path + "parquet")
	if err != nil {
		t.Fatal(err)
	}
	type seat struct {
		User  string `parquet:"user_principal_name,optional"`
		State string `parquet:"state,optional"`
	}
	got, err := parquet.Read[seat](bytes.NewReader(b), int64(len(b)))
	if err != nil || len(got) != len(want) {
		t.Fatalf("parquet: %d rows of %d, %v", len(got), len(want), err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil || !strings.Contains(f.Schema().String(), "price (DECIMAL(18,4))") || !strings.Contains(f.Schema().String(), "tenant_id (UUID)") {
		t.Errorf("parquet has the types %v, %v", f.Schema(), err)
	}
	x, err := excelize.OpenFile(path + "xlsx")
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	sheet, err := x.GetRows(x.GetSheetName(0))
	if err != nil || len(sheet) != len(want)+1 {
		t.Fatalf("xlsx: %d rows of %d, %v", len(sheet)-1, len(want), err)
	}
	user, state := slices.Index(sheet[0], "user_principal_name"), slices.Index(sheet[0], "state")
	for i, r := range want {
		if got[i].User != r["user_principal_name"] || got[i].State != r["state"] || sheet[i+1][user] != r["user_principal_name"] || sheet[i+1][state] != r["state"] {
			t.Errorf("row %d: %v in JSON, %+v in Parquet, %q in the sheet", i, r, got[i], sheet[i+1])
		}
	}
	cost := filepath.Join(t.TempDir(), "cost.parquet")
	s.ok("query", "cost", "-o", "parquet", "--file", cost)
	if b, err = os.ReadFile(cost); err != nil {
		t.Fatal(err)
	}
	if f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b))); err != nil || !strings.Contains(f.Schema().String(), "bill (DECIMAL(38,4))") {
		t.Errorf("cost in parquet: %v", err)
	}
}

// reclaims follows recommendations to their outcome: months later some people have left.
func (s *station) reclaims(t *testing.T) {
	seats := 0
	for _, r := range s.answer(t, "unused-licences") {
		if r["reclaim"] == true {
			seats++
		}
	}
	record := func(n int) {
		t.Helper()
		want := fmt.Sprintf("recorded %d of %d candidates, the others stand already\n", n, seats)
		if out := s.ok("reclaim", "record", "--tenant", "contoso"); out != want {
			t.Errorf("reclaim record says %q, want %q", out, want)
		}
	}
	record(seats)
	record(0)
	outcomes := func() map[any][]map[string]any {
		by := map[any][]map[string]any{}
		for _, r := range s.answer(t, "reclaim-outcomes") {
			by[r["outcome"]] = append(by[r["outcome"]], r)
		}
		return by
	}
	if got := outcomes(); len(got["open"]) != seats || len(got) != 1 || seats == 0 {
		t.Errorf("%d seats recommended, outcomes %v", seats, got)
	}
	if list := rows(t, s.ok("reclaim", "list", "-o", "json")); len(list) != seats || list[0]["kind"] != "reclaim" {
		t.Errorf("reclaim list: %d of %d", len(list), seats)
	}
	s.refused(2, []string{"reclaim", "record", "--kind", "gift"}, `"gift"`)
	s.refused(1, []string{"reclaim", "record", "--query", "runs"}, "user_id")

	s.sim.graph.control("POST", "clock", map[string]int{"days": 240}, nil)
	if out := s.ok("connector", "run", "contoso"); !strings.Contains(out, " complete: ") {
		t.Fatalf("run: %s", out)
	}
	here := map[any]bool{}
	for _, u := range s.sim.of(0).list("users", "id") {
		here[u["id"]] = true
	}
	s.caughtUp()
	s.stored(float64(len(here)), "SELECT count() FROM m365.users FINAL WHERE tenant_id = '"+s.sim.tenants[0].id+"'")
	got := outcomes()
	left := 0
	for outcome, list := range got {
		for _, r := range list {
			if !here[r["user_id"]] {
				left++
			}
			if (outcome == "reclaimed") != (r["reclaimed_at"] != nil) || !here[r["user_id"]] && outcome != "reclaimed" {
				t.Errorf("%v: %v", outcome, r)
			}
			if r["currency"] != "" && (outcome == "reclaimed") != (r["saved"] != nil) {
				t.Errorf("saved by what is %v: %v", outcome, r)
			}
		}
	}
	if left == 0 {
		t.Errorf("nobody with a recommendation has left: %.600s", fmt.Sprint(got))
	}
}
