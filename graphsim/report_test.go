package graphsim

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// call of a report by its widest period.
func (rep *report) function() string {
	name := rep.name
	if rep.folder != reportsFolder {
		name = rep.folder + name
	}
	if len(rep.periods) > 0 {
		name += "(period='D180')"
	}
	return name
}

func everyReport() []report { return slices.Concat(userReports, groupReports) }

// table reads a report into one map per line.
func (r *rig) table(function string) []map[string]string {
	r.t.Helper()
	lines, err := csv.NewReader(strings.NewReader(strings.Join(r.report(function), "\n"))).ReadAll()
	if err != nil {
		r.t.Fatalf("parse %s: %v", function, err)
	}
	var out []map[string]string
	for _, line := range lines[1:] {
		m := map[string]string{}
		for i, name := range lines[0] {
			m[name] = line[i]
		}
		out = append(out, m)
	}
	return out
}

func TestReportHeaders(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../shared/graph/reports.json")
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Log("the collected report catalogue is not at hand")
		t.SkipNow()
	}
	if err != nil {
		t.Fatal(err)
	}
	var catalogue struct {
		Reports []struct {
			Function string
			V1       bool `json:"v1_0"`
			Level    string
			Periods  []string
			Date     bool `json:"accepts_date"`
			Columns  []string
		}
	}
	if err := json.Unmarshal(raw, &catalogue); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, 60)
	for _, want := range catalogue.Reports {
		if !want.V1 || want.Level == "count" {
			continue
		}
		i := slices.IndexFunc(everyReport(), func(rep report) bool { return rep.name == want.Function })
		if i < 0 {
			t.Errorf("%s is not served", want.Function)
			continue
		}
		rep := everyReport()[i]
		if got := r.report(rep.function())[0]; got != strings.Join(want.Columns, ",") {
			t.Errorf("%s:\n got %s\nwant %s", want.Function, got, strings.Join(want.Columns, ","))
		}
		if rep.byDate != want.Date || !slices.Equal(rep.periods, want.Periods) && len(rep.periods)+len(want.Periods) > 0 {
			t.Errorf("%s: periods %v, by date %v", want.Function, rep.periods, rep.byDate)
		}
	}
}

func TestReportRowsAgreeWithDirectory(t *testing.T) {
	t.Parallel()
	r := newRig(t, 800)
	r.Advance(12)
	byUPN := map[string]map[string]any{}
	for _, u := range r.all("/users?$top=999&$select=" + fullSelect) {
		byUPN[u["userPrincipalName"].(string)] = u
	}
	active := map[string]map[string]string{}
	known, deleted, unknown := 0, 0, 0
	for _, row := range r.table("getOffice365ActiveUserDetail(period='D30')") {
		upn := row["User Principal Name"]
		active[upn] = row
		if row["Report Refresh Date"] != "2026-03-12" {
			t.Fatalf("refreshed %s", row["Report Refresh Date"])
		}
		switch {
		case row["Is Deleted"] == "True":
			deleted++
			if row["Deleted Date"] == "" || byUPN[upn] != nil {
				t.Errorf("deleted row of %s: %v", upn, row["Deleted Date"])
			}
		case byUPN[upn] == nil:
			unknown++ // renamed or deleted since
		default:
			known++
		}
	}
	if known < 500 || deleted == 0 || unknown == 0 {
		t.Errorf("%d known, %d deleted, %d unknown", known, deleted, unknown)
	}
	fresh := 0
	for upn, u := range byUPN {
		if len(u["assignedLicenses"].([]any)) > 0 && active[upn] == nil && u["createdDateTime"].(string) > "2026-03-12" {
			fresh++
		}
	}
	if fresh == 0 {
		t.Error("nobody was created after the refresh date")
	}
	checkTeamsRows(t, r, active)
}

// checkTeamsRows compares the Teams report with the active users report and
// its counters with its dates.
func checkTeamsRows(t *testing.T, r *rig, active map[string]map[string]string) {
	t.Helper()
	rows, used, quiet, old := 0, 0, 0, 0
	for _, row := range r.table("getTeamsUserActivityUserDetail(period='D30')") {
		rows++
		last := row["Last Activity Date"]
		if a := active[row["User Principal Name"]]; a["Teams Last Activity Date"] != last || a["Has Teams License"] != "True" {
			t.Fatalf("teams: %v\nactive: %v", row, a)
		}
		switch within := last > "2026-02-10"; {
		case within && row["Audio Duration"] != "" && row["Is Licensed"] == "Yes":
			used++
		case within:
			t.Errorf("row of %s: %v", row["User Principal Name"], row)
		case last == "":
			quiet++
		default:
			old++
			if row["Private Chat Message Count"] != "0" {
				t.Errorf("counts without use: %v", row)
			}
		}
	}
	if used < rows/2 || quiet == 0 || old == 0 {
		t.Errorf("%d rows: %d used, %d never, %d long ago", rows, used, quiet, old)
	}
}

func TestConcealment(t *testing.T) {
	t.Parallel()
	r := newRig(t, 300)
	hidden := regexp.MustCompile(`^[0-9A-F]{32}$`)
	plain := r.table("getTeamsUserActivityUserDetail(period='D7')")
	if err := r.Switch("contoso.onmicrosoft.com", func(s *Switches) { s.ConcealNames = true }); err != nil {
		t.Fatal(err)
	}
	veiled := r.table("getTeamsUserActivityUserDetail(period='D7')")
	mail := r.table("getEmailActivityUserDetail(period='D7')")
	names := map[string]bool{}
	for i, row := range veiled {
		if !hidden.MatchString(row["User Principal Name"]) || row["User Id"] != zeroGUID || row["Private Chat Message Count"] != plain[i]["Private Chat Message Count"] {
			t.Fatalf("concealed: %v", row)
		}
		names[row["User Principal Name"]] = true
	}
	if len(names) != len(plain) {
		t.Errorf("%d names for %d people", len(names), len(plain))
	}
	same := 0
	for _, row := range mail {
		if !hidden.MatchString(row["Display Name"]) {
			t.Fatalf("concealed: %v", row)
		}
		if names[row["User Principal Name"]] {
			same++
		}
	}
	if same == 0 {
		t.Error("concealed names do not join across reports")
	}
	for _, rep := range everyReport() {
		for _, line := range r.report(rep.function())[1:] {
			if strings.Contains(line, "@contoso") || strings.Contains(line, "Project 1") {
				t.Errorf("%s shows %s", rep.name, line)
				break
			}
		}
	}
}

func TestReportByDate(t *testing.T) {
	t.Parallel()
	r := newRig(t, 300)
	r.Advance(30) // 2026-04-01
	for date, ok := range map[string]bool{"2026-03-30": true, "2026-03-04": true, "2026-03-03": false, "2026-04-02": false, "yesterday": false} {
		link := "/reports/getTeamsUserActivityUserDetail(date=" + date + ")"
		if !ok {
			if status, code, msg := r.code(link); status != 400 || code != "InvalidArgument" || !strings.HasPrefix(msg, "Invalid date value specified: "+date+". Only support data for the past 28 days.") {
				t.Errorf("%s: %d %s %s", date, status, code, msg)
			}
			continue
		}
		rows := r.table("getTeamsUserActivityUserDetail(date=" + date + ")")
		if len(rows) == 0 {
			t.Errorf("%s has no rows", date)
		}
		for _, row := range rows {
			if row["Report Refresh Date"] != date || row["Last Activity Date"] != date {
				t.Fatalf("%s: %v", date, row)
			}
		}
	}
	if rows := r.report("getTeamsUserActivityUserDetail(date=2026-03-31)"); len(rows) != 1 {
		t.Errorf("a date not yet processed has %d lines", len(rows))
	}
	for link, code := range map[string]string{
		"/reports/getTeamsUserActivityUserDetail(period='D5')":                          "InvalidArgument",
		"/reports/getMailboxUsageDetail(date=2026-03-30)":                               "BadRequest",
		"/reports/getTeamsUserActivityUserDetail(period='D7')?$format=application/json": "BadRequest",
		"/reports/getNothing(period='D7')":                                              "BadRequest",
	} {
		if status, got, _ := r.code(link); status != 400 || got != code {
			t.Errorf("%s: %d %s", link, status, got)
		}
	}
}

func TestDownloadRefusesBearer(t *testing.T) {
	t.Parallel()
	r := newRig(t, 30)
	status, _, h := r.get("/reports/getOffice365ActiveUserDetail(period='D7')")
	if status != 302 || h.Get("Content-Type") != "text/plain" {
		t.Fatalf("report: %d %v", status, h)
	}
	req, err := http.NewRequest(http.MethodGet, h.Get("Location"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.bearer)
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("a leaked token is answered with %d", resp.StatusCode)
	}
	if status, _, _ := r.get(h.Get("Location")); status != 200 {
		t.Errorf("without the token: %d", status)
	}
	if status, _, _ := r.get(h.Get("Location") + "x"); status != 403 {
		t.Errorf("forged address: %d", status)
	}
	if status, _, _ := r.get(r.URL() + "/beta/reports/getMicrosoft365CopilotUsageUserDetail(period='D30')"); status != 302 {
		t.Errorf("copilot report at its beta address: %d", status)
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	for day := -5000; day < 3500; day += 37 {
		at := startDate.AddDate(0, 0, day)
		if got := string(sharedCalendar.appendDate(nil, day)); got != at.Format(time.DateOnly) || sharedCalendar.dayOf(at) != day {
			t.Fatalf("day %d is %s, not %s", day, got, at)
		}
		if work := sharedCalendar.date(sharedCalendar.workday(day)).Weekday(); work == time.Saturday || work == time.Sunday {
			t.Fatalf("day %d works on a %s", day, work)
		}
	}
}
