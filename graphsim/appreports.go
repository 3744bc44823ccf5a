package graphsim

// Columns of the reports on Teams, applications, Copilot and Skype.

func teamsUserColumns() cells {
	n := func(name string, what, most int, share uint64) reportColumn {
		return reportColumn{name, cellCount(useTeams, what, most, share)}
	}
	return join(colRefresh, cells{{"User Id", cellUserID}}, colUPN, colLast(useTeams), colDeleted, colProducts, cells{
		n("Team Chat Message Count", 0, 4, 70), n("Private Chat Message Count", 1, 25, 100), n("Call Count", 2, 3, 60), n("Meeting Count", 3, 3, 90),
		n("Meetings Organized Count", 4, 1, 50), n("Meetings Attended Count", 5, 3, 90),
		n("Ad Hoc Meetings Organized Count", 6, 1, 20), n("Ad Hoc Meetings Attended Count", 7, 1, 40),
		n("Scheduled One-time Meetings Organized Count", 8, 1, 30), n("Scheduled One-time Meetings Attended Count", 9, 2, 70),
		n("Scheduled Recurring Meetings Organized Count", 10, 1, 20), n("Scheduled Recurring Meetings Attended Count", 11, 2, 80),
		{"Audio Duration", cellDuration(0)}, {"Video Duration", cellDuration(1)}, {"Screen Share Duration", cellDuration(2)},
		{"Audio Duration In Seconds", cellSeconds(0)}, {"Video Duration In Seconds", cellSeconds(1)}, {"Screen Share Duration In Seconds", cellSeconds(2)},
		{"Has Other Action", cellUsed(useTeams, 11, 40)}, n("Urgent Messages", 12, 1, 5), n("Post Messages", 13, 2, 40),
		{"Tenant Display Name", func(b []byte, r *row) []byte { return appendCSV(b, []byte(r.w.name)) }},
		{"Shared Channel Tenant Display Names", cellEmpty}, n("Reply Messages", 14, 2, 45),
		{"Is Licensed", cellLicensed(useTeams)},
	}, colPeriod)
}

func teamsDeviceColumns() cells {
	return join(colRefresh, cells{{"User Id", cellUserID}}, colUPN, colLast(useTeams), colDeleted, cells{
		{"Used Web", cellUsed(useTeams, 12, 30)}, {"Used Windows Phone", cellNo}, {"Used iOS", cellUsed(useTeams, 13, 35)}, {"Used Mac", cellUsed(useTeams, 14, 12)},
		{"Used Android Phone", cellUsed(useTeams, 15, 30)}, {"Used Windows", cellUsed(useTeams, 16, 85)},
		{"Used  Chrome OS", cellUsed(useTeams, 17, 1)}, // the two spaces are the service's
		{"Used Linux", cellUsed(useTeams, 18, 1)}, {"Is Licensed", cellLicensed(useTeams)},
	}, colPeriod)
}

func appColumns() cells {
	platforms := []string{"Windows", "Mac", "Mobile", "Web"}
	apps := []string{"Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams"}
	out := join(colRefresh, colUPN, cells{{"Last Activation Date", cellActivated}}, colLast(useApps), colPeriod)
	for i, name := range platforms {
		out = append(out, reportColumn{name, cellApps(0x3f << (6 * i))})
	}
	for i, name := range apps {
		out = append(out, reportColumn{name, cellApps(0x41041 << i)})
	}
	for p, platform := range platforms {
		for a, app := range apps {
			out = append(out, reportColumn{app + " (" + platform + ")", cellApps(1 << (6*p + a))})
		}
	}
	return out
}

// activated is the day on which the person last activated the desktop apps,
// none for those who never did.
func (r *row) activated() int {
	last := r.a.last[loadIndex(useApps)]
	if last == none {
		return none
	}
	return max(r.p.created, last-int(r.p.h>>14%400))
}

func cellActivated(b []byte, r *row) []byte { return r.appendDay(b, r.activated()) }

// activationColumns has one line per person with the desktop apps; the numbers
// are devices.
func activationColumns() cells {
	devices := func(name string, what, most uint64, share uint64) reportColumn {
		of := devicesOf(what, most, share)
		return reportColumn{name, func(b []byte, r *row) []byte { return appendInt(b, of(r)) }}
	}
	return join(colRefresh, colUPN, colDisplay, cells{
		{"Product Type", func(b []byte, r *row) []byte { return append(b, r.productType()...) }},
		{"Last Activated Date", cellActivated},
		devices("Windows", 1, 2, 90), devices("Mac", 2, 1, 12), {"Windows 10 Mobile", cellZero}, devices("iOS", 3, 2, 30), devices("Android", 4, 1, 25),
		{"Activated On Shared Computer", func(b []byte, r *row) []byte { return appendTrueFalse(b, r.sharedComputer()) }},
	})
}

// Names of the desktop apps in the activation reports.
const (
	appsBusiness   = "MICROSOFT 365 APPS FOR BUSINESS"
	appsEnterprise = "MICROSOFT 365 APPS FOR ENTERPRISE"
)

func (r *row) productType() string {
	for i := range r.p.holds {
		if h := &r.p.holds[i]; h.held() && h.sku == skuBusiness {
			return appsBusiness
		}
	}
	return appsEnterprise
}

// copilotColumns spreads the last use of Copilot over its applications: the
// newest is the person's last activity, the others are older or missing.
func copilotColumns() cells {
	at := loadIndex(useCopilot)
	app := func(name string, what uint64) reportColumn {
		return reportColumn{name + " Copilot Last Activity Date", func(b []byte, r *row) []byte {
			last, v := r.a.last[at], mix(r.p.h^saltCount^what<<42)
			favourite := mix(r.p.h^saltCount)%7 == what
			if last == none || !favourite && v%3 == 0 {
				return b
			}
			if !favourite {
				last = r.w.cal.workday(last - int(v>>8%40))
			}
			if last < r.p.created {
				return b
			}
			return r.w.cal.appendDate(b, last)
		}}
	}
	chat := app("", 7)
	chat.name = "Copilot Chat Last Activity Date"
	return join(colRefresh, colPeriod, colUPN, colDisplay, colLast(useCopilot), cells{
		app("Microsoft Teams", 0), app("Word", 1), app("Excel", 2), app("PowerPoint", 3), app("Outlook", 4), app("OneNote", 5), app("Loop", 6), chat,
	})
}

// skypeColumns are all zero: the service is retired and only its dates remain.
func skypeColumns() cells {
	out := join(colRefresh, colUPN, colDeleted, colLast(useSkype))
	zeros := func(names ...string) {
		for _, n := range names {
			out = append(out, reportColumn{n, cellZero})
		}
	}
	zeros("Total Peer-to-peer Session Count", "Total Organized Conference Count", "Total Participated Conference Count")
	out = append(out, reportColumn{"Peer-to-peer Last Activity Date", cellLast(useSkype)},
		reportColumn{"Organized Conference Last Activity Date", cellEmpty}, reportColumn{"Participated Conference Last Activity Date", cellEmpty})
	zeros("Peer-to-peer IM Count", "Peer-to-peer Audio Count", "Peer-to-peer Audio Minutes", "Peer-to-peer Video Count", "Peer-to-peer Video Minutes",
		"Peer-to-peer App Sharing Count", "Peer-to-peer File Transfer Count",
		"Organized Conference IM Count", "Organized Conference Audio/Video Count", "Organized Conference Audio/Video Minutes", "Organized Conference App Sharing Count",
		"Organized Conference Web Count", "Organized Conference Dial-in/out 3rd Party Count", "Organized Conference Dial-in/out Microsoft Count",
		"Organized Conference Dial-in Microsoft Minutes", "Organized Conference Dial-out Microsoft Minutes",
		"Participated Conference IM Count", "Participated Conference Audio/Video Count", "Participated Conference Audio/Video Minutes",
		"Participated Conference App Sharing Count", "Participated Conference Web Count", "Participated Conference Dial-in/out 3rd Party Count")
	return join(out, colProducts, colPeriod)
}
