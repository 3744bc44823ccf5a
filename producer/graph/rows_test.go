package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

func testDigest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// flat is a report row as plain values.
type flat struct {
	schemas.Report
	values map[string]string
}

func readRows(spec *schemas.ReportSpec, text io.Reader, batch int) ([]flat, ReportResult, error) {
	var (
		result ReportResult
		out    []flat
	)
	err := newRowReader(spec, testDigest, &result).read(text, batch, func(rows []schemas.Report) error {
		for _, r := range rows {
			f := flat{Report: r, values: map[string]string{}}
			for group, columns := range map[string]schemas.Columns{"date": r.Dates, "int": r.Counts, "bool": r.Flags, "text": r.Texts, "unknown": r.UnknownColumns} {
				for _, c := range columns {
					if !json.Valid(c.Value) {
						return fmt.Errorf("%s: %s is no JSON", c.Name, c.Value)
					}
					f.values[group+" "+c.Name] = string(c.Value)
				}
			}
			out = append(out, f)
		}
		return nil
	})
	return out, result, err
}

func spec(t testing.TB, function string) *schemas.ReportSpec {
	t.Helper()
	s, err := schemas.ReportNamed(function)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const teamsDevices = "\ufeffReport Refresh Date,User Id,User Principal Name,Last Activity Date,Is Deleted,Deleted Date,Used Web,Used  chrome OS,Is Licensed,Report Period,Shiny New\r\n" +
	"2026-02-01,6EA91A8D-e32e-41a1-b7bd-d2d185eed0e0,Ann@Contoso.com,2026-01-30,False,,Yes,No,Yes,180,\"a, \"\"b\"\"\"\r\n" +
	"2026-02-01,00000000-0000-0000-0000-000000000000,77E5979DD60BA6EAA53E814DBEEEFA5F,never,perhaps,,,,,180,\r\n" +
	"2026-02-02,00000000-0000-0000-0000-000000000000,(Unknown),,,,,,,180,\r\n" +
	"2026-02-01,00000000-0000-0000-0000-000000000000,(Unknown),,,,,,,180,\r\n" +
	"2026-02-01,short\r\n" +
	"2026-02-01,b,ann@contoso.com,,,,,,,180,\r\n"

func TestRows(t *testing.T) {
	t.Parallel()
	rows, res, err := readRows(spec(t, "getTeamsDeviceUsageUserDetail"), strings.NewReader(teamsDevices), 2)
	if err != nil {
		t.Fatal(err)
	}
	if res.Rows != 5 || res.Rejected != 1 || res.RejectedValues != 2 || res.Concealed != 1 || res.Duplicates != 2 || res.RefreshDate != "2026-02-02" || res.Period != "180" {
		t.Errorf("%+v", res)
	}
	if !slices.Equal(res.NewColumns, []string{"Shiny New"}) || !slices.Contains(res.MissingColumns, "Used Linux") {
		t.Errorf("new %q, missing %q", res.NewColumns, res.MissingColumns)
	}
	r := rows[0]
	if r.UserPrincipalName != "Ann@Contoso.com" || r.UserID != "6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0" || r.Concealed || r.RefreshDate != "2026-02-01" || r.Period != "180" {
		t.Errorf("%+v", r.Report)
	}
	if r.Key != testDigest("getTeamsDeviceUsageUserDetail\x00ann@contoso.com") {
		t.Errorf("key %s", r.Key)
	}
	for name, want := range map[string]string{
		"date Last Activity Date": `"2026-01-30"`, "date Deleted Date": "null", "bool Is Deleted": "false", "bool Used Web": "true",
		"bool Used Chrome OS": "false", "unknown Shiny New": `"a, \"b\""`,
	} {
		if got := r.values[name]; got != want && r.values[strings.Replace(name, "Used Chrome", "Used  Chrome", 1)] != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for name := range r.values {
		if strings.Contains(name, "Principal") || strings.Contains(name, "Refresh") || strings.Contains(name, "Period") || strings.Contains(name, "User Id") || strings.Contains(name, "Linux") {
			t.Errorf("%s is among the values", name)
		}
	}
	if r = rows[1]; !r.Concealed || r.UserID != "" || r.values["unknown Last Activity Date"] != `"never"` || r.values["unknown Is Deleted"] != `"perhaps"` {
		t.Errorf("%+v %v", r.Report, r.values)
	}
	if _, ok := r.values["date Last Activity Date"]; ok {
		t.Error("a value stands in two groups")
	}
	blank := "getTeamsDeviceUsageUserDetail\x00"
	if rows[2].Key != testDigest(blank) || rows[3].Key != testDigest(blank+"\x00#2") || rows[2].Concealed {
		t.Errorf("keys %s %s", rows[2].Key, rows[3].Key)
	}
	if rows[4].Key != testDigest("getTeamsDeviceUsageUserDetail\x00ann@contoso.com\x00#2") {
		t.Errorf("key %s", rows[4].Key)
	}
}

// Rows without a UPN fall back on other columns; zero GUIDs name nobody.
func TestKeyFallback(t *testing.T) {
	t.Parallel()
	s := spec(t, "getTeamsTeamActivityDetail")
	rows, res, err := readRows(s, strings.NewReader("Report Refresh Date,Team Name,Team Id\n2026-01-01,Blue,00000000-0000-0000-0000-000000000000\n2026-01-01,Red,00000000-0000-0000-0000-000000000000\n2026-01-01,Red,A\n"), 10)
	if err != nil || res.Duplicates != 0 {
		t.Fatalf("%v %+v", err, res)
	}
	for i, want := range []string{"blue", "red", "a"} {
		if rows[i].Key != testDigest(s.Function+"\x00"+want) {
			t.Errorf("row %d is not keyed by %s", i, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := spec(t, "getEmailActivityUserDetail")
	for name, test := range map[string]struct {
		header string
		ok     bool
	}{
		"plain":          {"Report Refresh Date,User Principal Name,Send Count", true},
		"reordered":      {"Send Count,User Principal Name,Report Refresh Date", true},
		"case and blank": {"report  REFRESH date, user principal\u00a0name ,SEND COUNT", true},
		"quoted":         {`"Report Refresh Date","User Principal Name","Send Count"`, true},
		"twice":          {"Report Refresh Date,User Principal Name,Send Count,Send Count,send count,,", true},
		"no key":         {"Report Refresh Date,User Name,Send Count", false},
		"no date":        {"User Principal Name,Send Count", false},
		"html":           {"<!doctype html>", false},
		"json":           {`{"value":[]}`, false},
		"blank":          {"\r\n", false},
		"long name":      {"Report Refresh Date,User Principal Name," + strings.Repeat("x", 300), false},
		"utf-16":         {"\xff\xfeR\x00e\x00p\x00", false},
	} {
		rows, res, err := readRows(s, strings.NewReader(test.header+"\n"), 10)
		if (err == nil) != test.ok || len(rows) != 0 || res.Rows != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	row := "Report Refresh Date,User Principal Name,Send Count,Send Count,send count,,\n2026-01-01,a@b,1,2,3,4,5\n"
	rows, res, err := readRows(s, strings.NewReader(row), 10)
	if err != nil || rows[0].values["int Send Count"] != "1" {
		t.Fatalf("%v %v", rows, err)
	}
	if want := []string{"Send Count #2", "send count #3", "#2", "#3"}; !slices.Equal(res.NewColumns, want) {
		t.Errorf("new columns %q, want %q", res.NewColumns, want)
	}
}

// Wherever a report is cut off, by a server that calls the rest the whole, a row must
// not pass for whole that lacks cells.
func TestEveryTruncationOfAReport(t *testing.T) {
	t.Parallel()
	s := spec(t, "getTeamsDeviceUsageUserDetail")
	whole, _, err := readRows(s, strings.NewReader(teamsDevices), 1000)
	if err != nil {
		t.Fatal(err)
	}
	header := strings.IndexByte(teamsDevices, '\n')
	commas, quoted := 0, false
	for i, c := range teamsDevices {
		cut := teamsDevices[:i]
		if rows, _, err := readRows(s, io.MultiReader(strings.NewReader(cut), failing{}), 1000); err == nil || len(rows) != 0 {
			t.Fatalf("cut at %d by the network passes with %d rows", i, len(rows))
		}
		rows, res, err := readRows(s, strings.NewReader(cut), 1000)
		inside := i > header+1 && !strings.HasSuffix(cut, "\n") && (commas < 10 || quoted)
		if inside && err == nil {
			t.Fatalf("cut at %d passes: %q", i, cut[max(0, i-40):])
		}
		if err == nil && (len(rows) > len(whole) || int(res.Rows) != len(rows)) {
			t.Fatalf("cut at %d: %d rows, %+v", i, len(rows), res)
		}
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			commas++
		case c == '\n' && !quoted:
			commas = 0
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestDigestMustBeHex(t *testing.T) {
	t.Parallel()
	var res ReportResult
	err := newRowReader(spec(t, "getTeamsDeviceUsageUserDetail"), func(string) string { return "x" }, &res).
		read(strings.NewReader(teamsDevices), 10, func([]schemas.Report) error { return nil })
	if err == nil {
		t.Error("taken")
	}
}
