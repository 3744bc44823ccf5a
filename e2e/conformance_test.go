package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// canned is a text of a report with every column of the catalogue, in no order, and three
// rows that differ in each column of text.
func canned(spec *schemas.ReportSpec) []byte {
	var names []string
	for name := range spec.Columns {
		names = append(names, name)
	}
	if !slices.Contains(names, "Report Refresh Date") { // the reference does not know the columns of some
		names = append(names, "Report Refresh Date")
	}
	slices.Sort(names)
	slices.Reverse(names)
	text := "\ufeff" + strings.Join(names, ",") + "\r\n"
	for n := range 3 {
		var cells []string
		for _, name := range names {
			switch cell := spec.Columns[name]; {
			case name == "Report Refresh Date":
				cells = append(cells, "2026-02-27")
			case cell == schemas.ColumnDate:
				cells = append(cells, fmt.Sprintf("2026-02-0%d", n+1))
			case cell == schemas.ColumnInt:
				cells = append(cells, fmt.Sprint(1000*n))
			case cell == schemas.ColumnBool:
				cells = append(cells, []string{"Yes", "False", ""}[n])
			default:
				cells = append(cells, fmt.Sprintf("%s %d", strings.ToLower(name), n))
			}
		}
		text += strings.Join(cells, ",") + "\r\n"
	}
	return []byte(text)
}

// TestEveryReport: every function of the catalogue is asked for under its version and path
// with its widest period, read by header, and lands in the tables with as many rows as the
// report has, each value under its type. What the simulator does not know it serves as a
// text made of the catalogue's columns.
func TestEveryReport(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 80)
	u.login()
	u.connectors[0].Reports = []string{"all"}
	made := map[string]bool{}
	for _, spec := range schemas.Reports() {
		argument := ""
		if w := spec.Widest(); w != "" {
			argument = "(period='" + w + "')"
		}
		if status, _, _ := u.get(u.base+"/"+spec.Version+spec.Path+argument, u.bearer); status != 302 {
			u.sim.Verbatim(spec.Path, canned(&spec))
			made[spec.Function] = true
		}
	}
	if len(made) > 60 {
		t.Errorf("%d reports are not simulated", len(made))
	}
	all := u.run(0)
	if all.Status != schemas.RunComplete {
		t.Errorf("the run is %s: %v", all.Status, all.Notes)
	}
	for _, spec := range schemas.Reports() {
		u.checkReport(t, &spec, made[spec.Function])
	}
	explained(t, "all reports", u.db, u.tenant.ID)
}

// checkReport holds one function's request, evidence and rows together.
func (u *unseen) checkReport(t *testing.T, spec *schemas.ReportSpec, made bool) {
	t.Helper()
	ev := u.evidence(t, spec.Function)
	if ev.text("status") != "complete" {
		t.Errorf("%s: %s: %s", spec.Function, ev.text("status"), ev.text("message"))
		return
	}
	want := "/" + spec.Version + spec.Path
	if w := spec.Widest(); w != "" {
		want += "(period='" + w + "')"
	}
	if asked := u.sim.Asked(spec.Path); len(asked) == 0 || asked[len(asked)-1] != want {
		t.Errorf("%s: asked for by %v, want %s", spec.Function, asked, want)
	}
	row := askSQL(t, u.db, fmt.Sprintf(`SELECT count() AS n, countIf(notEmpty(unknown_columns)) AS unknown, countIf(refresh_date IS NULL) AS undated,
max(length(dates) + length(counts) + length(flags) + length(texts)) AS typed FROM m365.reports FINAL WHERE report = '%s'`, spec.Function))[0]
	if fmt.Sprint(row["n"]) != fmt.Sprint(ev["entities"]) || fmt.Sprint(row["unknown"]) != "0" || fmt.Sprint(row["undated"]) != "0" {
		t.Errorf("%s: %v in the tables, %v in the report", spec.Function, row, ev["entities"])
	}
	if made && (fmt.Sprint(row["n"]) != "3" || fmt.Sprint(row["typed"]) == "0" && len(spec.Columns) > 0) {
		t.Errorf("%s: %v of three rows made", spec.Function, row)
	}
}

// TestNewReport: a function that is added to the catalogue is collected, its values under
// the types that the catalogue gives them, with no line of code.
func TestNewReport(t *testing.T) {
	t.Parallel()
	u := startUnseen(t, 20)
	catalogue, err := schemas.ParseReports([]byte(`[{"function": "getLoopUserDetail", "version": "v1.0", "path": "/reports/getLoopUserDetail",
		"level": "user", "periods": ["D7", "D30"], "default": true, "key": ["User Principal Name"], "upn": "User Principal Name",
		"columns": {"Report Refresh Date": "date", "User Principal Name": "text", "Pages Edited": "int", "Last Activity Date": "date"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	u.runner.Reports = catalogue
	u.sim.Verbatim("/reports/getLoopUserDetail", []byte("Last Activity Date,Pages Edited,User Principal Name,Report Refresh Date\r\n2026-02-20,41,A@contoso.com,2026-02-27\r\n"))
	u.run(0)
	teststack.Drain(t, u.c)
	got := lines(t, askSQL(t, u.db, "SELECT user_principal_name, counts['Pages Edited'] AS n, toString(last_activity_date) AS last, toString(refresh_date) AS day FROM m365.reports FINAL"),
		[]string{"user_principal_name", "n", "last", "day"})
	same(t, "a new report", got, []string{line("A@contoso.com", 41, "2026-02-20", "2026-02-27")})
	if asked := u.sim.Asked("/reports/getLoopUserDetail"); !slices.Equal(asked, []string{"/v1.0/reports/getLoopUserDetail(period='D30')"}) {
		t.Errorf("asked for by %v", asked)
	}
}

// TestReferenceReports walks the reference of report functions where it is present: the
// catalogue has every detail function of v1.0, with the reference's periods, and asks for
// dates where the reference does.
func TestReferenceReports(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../shared/graph/reports.json")
	if os.IsNotExist(err) {
		t.Skip("no reference of report functions beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	var reference struct {
		Reports []struct {
			Function string   `json:"function"`
			V1       bool     `json:"v1_0"`
			Level    string   `json:"level"`
			Periods  []string `json:"periods"`
			Date     bool     `json:"accepts_date"`
			Shapes   []string `json:"url_shapes"`
		} `json:"reports"`
	}
	if err := json.Unmarshal(text, &reference); err != nil {
		t.Fatal(err)
	}
	details := 0
	for _, r := range reference.Reports {
		if !r.V1 || r.Level == "count" {
			continue
		}
		details++
		spec, err := schemas.ReportNamed(r.Function)
		if err != nil {
			t.Error(err)
			continue
		}
		if strings.Join(spec.Periods, " ") != strings.Join(r.Periods, " ") || spec.Date != r.Date {
			t.Errorf("%s: periods %v date %v, reference %v %v", r.Function, spec.Periods, spec.Date, r.Periods, r.Date)
		}
		if len(r.Shapes) > 0 && !strings.HasPrefix(r.Shapes[0], spec.Path) {
			t.Errorf("%s: path %s, reference %v", r.Function, spec.Path, r.Shapes)
		}
	}
	if details < 10 {
		t.Errorf("only %d detail functions in the reference", details)
	}
}

// TestReissuedRows: rows that Microsoft issues again under the same refresh date
// replace the earlier ones once a day has passed, and are not fetched before; columns that
// are new or missing, and a refresh date that moves, show in tables and evidence.
func TestReissuedRows(t *testing.T) {
	t.Parallel()
	const path, report = "/reports/getOffice365ActiveUserDetail", "getOffice365ActiveUserDetail"
	u := startUnseen(t, 60)
	text := func(date, teams, more string) {
		head, cell := "", ""
		if more != "" {
			head, cell = ","+more, ",kept as it came"
		}
		u.sim.Verbatim(path, []byte("Report Refresh Date,User Principal Name,Teams Last Activity Date"+head+"\r\n"+date+",a@contoso.onmicrosoft.com,"+teams+cell+"\r\n"))
	}
	step := func(when, want string) row {
		t.Helper()
		u.run(0)
		teststack.Drain(t, u.c)
		got := askSQL(t, u.db, "SELECT toString(dates['Teams Last Activity Date']) AS day, unknown_columns['Loop'] AS loop FROM m365.reports FINAL WHERE report = '"+report+"'")
		if len(got) != 1 || got[0].text("day")+" "+got[0].text("loop") != want {
			t.Errorf("%s: %v, want %q", when, got, want)
		}
		return askSQL(t, u.db, "SELECT arrayStringConcat(new_columns) AS added, has(missing_columns, 'Exchange Last Activity Date') AS missing, toString(refresh_date) AS day FROM m365.run_changes WHERE feed = '"+report+"' ORDER BY stream_seq DESC LIMIT 1")[0]
	}
	text("2026-03-01", "2026-02-27", "")
	if ev := step("first", "2026-02-27 "); fmt.Sprint(ev["missing"]) != "1" || ev.text("added") != "" {
		t.Errorf("a column is missing, evidence: %v", ev)
	}
	text("2026-03-01", "2026-02-28", "")
	step("issued again, within the day", "2026-02-27 ")
	now := u.runner.Now
	u.runner.Now = func() time.Time { return now().Add(21 * time.Hour) }
	step("issued again, a day later", "2026-02-28 ")
	text("2026-03-02", "2026-03-01", "Loop")
	if ev := step("the date has moved", "2026-03-01 kept as it came"); ev.text("added") != "Loop" || ev.text("day") != "2026-03-02" {
		t.Errorf("a column is new, evidence: %v", ev)
	}
}
