package graphsim

// cells is a list of report columns, to be joined.
type cells = []reportColumn

func join(parts ...cells) cells {
	var out cells
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

var (
	colRefresh  = cells{{"Report Refresh Date", cellRefresh}}
	colPeriod   = cells{{"Report Period", cellPeriod}}
	colUPN      = cells{{"User Principal Name", cellUPN}}
	colDisplay  = cells{{"Display Name", cellDisplay}}
	colDeleted  = cells{{"Is Deleted", cellDeleted}, {"Deleted Date", cellDeletedDate}}
	colProducts = cells{{"Assigned Products", cellProducts}}
)

func colLast(set loads) cells { return cells{{"Last Activity Date", cellLast(set)}} }

const reportsFolder = "/reports/"

// userReports are the v1.0 detail reports with a line per person, mailbox or
// account. Names and order of the columns are Microsoft's; where documentation
// and tenants differ, the order is the one seen in tenants.
var userReports = []report{
	{folder: reportsFolder, name: "getOffice365ActiveUserDetail", periods: standardPeriods, byDate: true, cols: activeUserColumns()},
	{folder: reportsFolder, name: "getTeamsUserActivityUserDetail", periods: standardPeriods, byDate: true, need: useTeams, cols: teamsUserColumns()},
	{folder: reportsFolder, name: "getTeamsDeviceUsageUserDetail", periods: standardPeriods, byDate: true, need: useTeams, cols: teamsDeviceColumns()},
	{folder: reportsFolder, name: "getEmailActivityUserDetail", periods: standardPeriods, byDate: true, need: useExchange,
		cols: join(colRefresh, colUPN, colDisplay, colDeleted, colLast(useExchange), cells{
			{"Send Count", cellCount(useExchange, 0, 8, 90)}, {"Receive Count", cellCount(useExchange, 1, 30, 100)}, {"Read Count", cellCount(useExchange, 2, 25, 95)},
			{"Meeting Created Count", cellCount(useExchange, 3, 2, 60)}, {"Meeting Interacted Count", cellCount(useExchange, 4, 3, 70)},
		}, colProducts, colPeriod)},
	{folder: reportsFolder, name: "getEmailAppUsageUserDetail", periods: standardPeriods, byDate: true, need: useExchange, cols: emailAppColumns()},
	{folder: reportsFolder, name: "getMailboxUsageDetail", periods: standardPeriods, rows: rowMailboxes, need: useExchange, cols: mailboxColumns()},
	{folder: reportsFolder, name: "getOneDriveActivityUserDetail", periods: standardPeriods, byDate: true, need: useOneDrive,
		cols: join(colRefresh, colUPN, colDeleted, colLast(useOneDrive), fileCounts(useOneDrive), colProducts, colPeriod)},
	{folder: reportsFolder, name: "getOneDriveUsageAccountDetail", periods: standardPeriods, byDate: true, rows: rowDrives, need: useOneDrive, cols: driveColumns()},
	{folder: reportsFolder, name: "getSharePointActivityUserDetail", periods: standardPeriods, byDate: true, need: useSharePoint,
		cols: join(colRefresh, colUPN, colDeleted, colLast(useSharePoint), fileCounts(useSharePoint),
			cells{{"Visited Page Count", cellCount(useSharePoint, 4, 6, 90)}}, colProducts, colPeriod)},
	{folder: reportsFolder, name: "getYammerActivityUserDetail", periods: standardPeriods, byDate: true, need: useYammer,
		cols: join(colRefresh, colUPN, colDisplay, colYammerState, colLast(useYammer), cells{
			{"Posted Count", cellCount(useYammer, 0, 2, 40)}, {"Read Count", cellCount(useYammer, 1, 9, 100)}, {"Liked Count", cellCount(useYammer, 2, 3, 50)},
		}, colProducts, colPeriod)},
	{folder: reportsFolder, name: "getYammerDeviceUsageUserDetail", periods: standardPeriods, byDate: true, need: useYammer,
		cols: join(colRefresh, colUPN, colDisplay, colYammerState, colLast(useYammer), cells{
			{"Used Web", cellUsed(useYammer, 1, 80)}, {"Used Windows Phone", cellNo}, {"Used Android Phone", cellUsed(useYammer, 2, 20)},
			{"Used iPhone", cellUsed(useYammer, 3, 25)}, {"Used iPad", cellUsed(useYammer, 4, 5)}, {"Used Others", cellUsed(useYammer, 5, 3)},
		}, colPeriod)},
	{folder: reportsFolder, name: "getM365AppUserDetail", periods: standardPeriods, byDate: true, need: useApps, cols: appColumns()},
	{folder: reportsFolder, name: "getOffice365ActivationsUserDetail", need: useApps, cols: activationColumns()},
	{folder: "/copilot/reports/", name: "getMicrosoft365CopilotUsageUserDetail", periods: append(standardPeriods[:4:4], "ALL"), need: useCopilot, cols: copilotColumns()},
	{folder: reportsFolder, name: "getSkypeForBusinessActivityUserDetail", periods: standardPeriods, byDate: true, need: useSkype, cols: skypeColumns()},
	{folder: reportsFolder, name: "getSkypeForBusinessDeviceUsageUserDetail", periods: standardPeriods, byDate: true, need: useSkype,
		cols: join(colRefresh, colUPN, colLast(useSkype), cells{
			{"Used Windows", cellNo}, {"Used Windows Phone", cellNo}, {"Used Android Phone", cellNo}, {"Used iPhone", cellNo}, {"Used iPad", cellNo},
		}, colPeriod)},
}

// workloadNames are the six services of the active users report, in its order.
var workloadNames = []struct {
	name string
	load loads
}{
	{"Exchange", useExchange}, {"OneDrive", useOneDrive}, {"SharePoint", useSharePoint},
	{"Skype For Business", useSkype}, {"Yammer", useYammer}, {"Teams", useTeams},
}

func activeUserColumns() cells {
	out := join(colRefresh, colUPN, colDisplay, colDeleted)
	for _, l := range workloadNames {
		out = append(out, reportColumn{"Has " + l.name + " License", cellHas(l.load)})
	}
	for _, l := range workloadNames {
		out = append(out, reportColumn{l.name + " Last Activity Date", cellLast(l.load)})
	}
	for _, l := range workloadNames {
		out = append(out, reportColumn{l.name + " License Assign Date", cellAssigned(l.load)})
	}
	return append(out, colProducts...)
}

func fileCounts(load loads) cells {
	return cells{
		{"Viewed Or Edited File Count", cellCount(load, 0, 9, 100)}, {"Synced File Count", cellCount(load, 1, 20, 50)},
		{"Shared Internally File Count", cellCount(load, 2, 2, 40)}, {"Shared Externally File Count", cellCount(load, 3, 1, 10)},
	}
}

var colYammerState = cells{
	{"User State", func(b []byte, r *row) []byte {
		if r.p.left <= r.day {
			return append(b, "deleted"...)
		}
		return append(b, "active"...)
	}},
	{"State Change Date", func(b []byte, r *row) []byte {
		if r.p.left <= r.day {
			return r.w.cal.appendDate(b, r.p.left)
		}
		return r.w.cal.appendDate(b, r.p.created)
	}},
}

func emailAppColumns() cells {
	app := func(name, version string, device, share uint64) reportColumn {
		at := loadIndex(useExchange)
		return reportColumn{name, func(b []byte, r *row) []byte {
			if r.a.days[at] > 0 && mix(r.p.h^saltCount^device<<40)%100 < share {
				return append(b, version...)
			}
			return b
		}}
	}
	return join(colRefresh, colUPN, colDisplay, colDeleted, colLast(useExchange), cells{
		app("Mail For Mac", "Yes", 21, 3), app("Outlook For Mac", "ProPlus", 22, 8), app("Outlook For Windows", "ProPlus", 23, 80),
		app("Outlook For Mobile", "Yes", 24, 45), app("Other For Mobile", "Yes", 25, 6), app("Outlook For Web", "Yes", 26, 50),
		app("POP3 App", "Yes", 27, 1), app("IMAP4 App", "Yes", 28, 2), app("SMTP App", "Yes", 29, 1),
	}, colPeriod)
}

// mailboxColumns has the quotas of a 100 GB mailbox, in bytes.
func mailboxColumns() cells {
	return join(colRefresh, colUPN, colDisplay, colDeleted, cells{
		{"Created Date", func(b []byte, r *row) []byte { return r.w.cal.appendDate(b, r.p.created) }},
		{"Last Activity Date", cellLast(useExchange)},
		{"Item Count", cellSize(1, 40)}, {"Storage Used (Byte)", cellSize(2, 3_000_000)},
		{"Issue Warning Quota (Byte)", cellFixed("105226698752")}, {"Prohibit Send Quota (Byte)", cellFixed("106300440576")},
		{"Prohibit Send/Receive Quota (Byte)", cellFixed("107374182400")},
		{"Deleted Item Count", cellSize(3, 5)}, {"Deleted Item Size (Byte)", cellSize(4, 200_000)}, {"Deleted Item Quota (Byte)", cellFixed("32212254720")},
		{"Has Archive", func(b []byte, r *row) []byte { return appendTrueFalse(b, r.p.h>>18%5 == 0) }},
	}, colPeriod)
}

func driveColumns() cells {
	return join(colRefresh, cells{
		{"Site URL", func(b []byte, r *row) []byte {
			if r.conceal {
				return b // blank in tenants of today
			}
			b = append(b, "https://"...)
			b = append(b, r.drive...)
			b = append(b, "-my.sharepoint.com/personal/"...)
			for _, c := range r.w.upn(&r.p) {
				if c == '@' || c == '.' || c == '#' {
					c = '_'
				}
				b = append(b, c)
			}
			return b
		}},
		{"Owner Display Name", cellDisplay}, {"Is Deleted", cellDeleted}, {"Last Activity Date", cellLast(useOneDrive)},
		{"File Count", cellSize(5, 3)}, {"Active File Count", cellCount(useOneDrive, 0, 9, 100)},
		{"Storage Used (Byte)", cellSize(6, 9_000_000)}, {"Storage Allocated (Byte)", cellFixed("1099511627776")},
		{"Owner Principal Name", cellUPN},
	}, colPeriod)
}
