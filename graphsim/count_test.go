package graphsim

import (
	"strconv"
	"strings"
	"testing"
)

// The headers are those seen in tenants.
func TestTotals(t *testing.T) {
	t.Parallel()
	r := newRig(t, 300)
	for function, want := range map[string]struct {
		header string
		lines  int
	}{
		"getOffice365ActiveUserCounts(period='D7')":   {"Report Refresh Date,Office 365,Exchange,OneDrive,SharePoint,Skype For Business,Yammer,Teams,Report Date,Report Period", 7},
		"getOffice365ServicesUserCounts(period='D7')": {"Report Refresh Date,Exchange Active,Exchange Inactive,OneDrive Active,OneDrive Inactive,SharePoint Active,SharePoint Inactive,Skype For Business Active,Skype For Business Inactive,Yammer Active,Yammer Inactive,Teams Active,Teams Inactive,Office 365 Active,Office 365 Inactive,Report Period", 1},
		"getEmailActivityCounts(period='D30')":        {"Report Refresh Date,Send,Receive,Read,Meeting Created,Meeting Interacted,Report Date,Report Period", 30},
		"getEmailActivityUserCounts(period='D7')":     {"Report Refresh Date,Send,Receive,Read,Meeting Created,Meeting Interacted,Report Date,Report Period", 7},
		"getMailboxUsageMailboxCounts(period='D7')":   {"Report Refresh Date,Total,Active,Report Date,Report Period", 7},
		"getMailboxUsageStorage(period='D180')":       {"Report Refresh Date,Storage Used (Byte),Report Date,Report Period", 180},
		"getTeamsUserActivityUserCounts(period='D7')": {"Report Refresh Date,Report Date,Team Chat Messages,Private Chat Messages,Calls,Meetings,Other Actions,Report Period", 7},
		"getOffice365ActivationsUserCounts":           {"Report Refresh Date,Product Type,Assigned,Activated,Shared Computer Activation", 2},
		"getOffice365ActivationCounts":                {"Report Refresh Date,Product Type,Windows,Mac,Android,iOS,Windows 10 Mobile", 2},
	} {
		lines := r.report(function)
		if lines[0] != want.header || len(lines) != want.lines+1 {
			t.Errorf("%s: %d lines under %s", function, len(lines)-1, lines[0])
			continue
		}
		sum := 0
		for _, line := range lines[1:] {
			cells := strings.Split(line, ",")
			if len(cells) != strings.Count(want.header, ",")+1 {
				t.Errorf("%s: %s", function, line)
			}
			for _, cell := range cells[:len(cells)-1] {
				if n, err := strconv.Atoi(cell); err == nil {
					sum += n
				}
			}
		}
		if sum == 0 {
			t.Errorf("%s: all zero", function)
		}
	}
	if status, code, _ := r.code("/reports/getEmailActivityCounts(date=2026-03-01)"); status != 400 || code == "" {
		t.Errorf("totals by date: %d %s", status, code)
	}
}

// A total of a period cannot differ from the detail report of the same day.
func TestTotalsAgreeWithDetail(t *testing.T) {
	t.Parallel()
	r := newRig(t, 300)
	mailboxes := 0
	for _, row := range r.table("getMailboxUsageDetail(period='D7')") {
		if row["Is Deleted"] == "False" {
			mailboxes++
		}
	}
	total := r.table("getMailboxUsageMailboxCounts(period='D7')")[0]
	if total["Total"] != strconv.Itoa(mailboxes) || total["Report Date"] != total["Report Refresh Date"] {
		t.Errorf("%v, %d mailboxes in detail", total, mailboxes)
	}
}
