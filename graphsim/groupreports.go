package graphsim

// groupReports are the v1.0 detail reports with a line per group, team or
// site. Each simulated team has all three.
var groupReports = []report{
	{folder: reportsFolder, name: "getOffice365GroupsActivityDetail", periods: standardPeriods, byDate: true, rows: rowGroups, cols: join(colRefresh, colGroup, cells{
		{"Group Type", cellVisibility("Public", "Private")}, {"Member Count", cellMembers(kindMember)}, {"External Member Count", cellMembers(kindGuest)},
		{"Exchange Received Email Count", cellTeamCount(0, 20)}, {"SharePoint Active File Count", cellTeamCount(1, 30)},
		{"Yammer Posted Message Count", cellEmpty}, {"Yammer Read Message Count", cellEmpty}, {"Yammer Liked Message Count", cellEmpty},
		{"Exchange Mailbox Total Item Count", cellTeamSize(2, 5)}, {"Exchange Mailbox Storage Used (Byte)", cellTeamSize(3, 90_000)},
		{"SharePoint Total File Count", cellTeamSize(4, 4)}, {"SharePoint Site Storage Used (Byte)", cellTeamSize(5, 4_000_000)},
		{"Group Id", cellGroupID},
	}, colPeriod)},
	{folder: reportsFolder, name: "getTeamsTeamActivityDetail", periods: standardPeriods, byDate: true, rows: rowGroups, cols: join(colRefresh, cells{
		{"Team Name", cellGroupName}, {"Team Id", cellGroupID}, {"Team Type", cellVisibility("Public", "Private")}, {"Last Activity Date", cellTeamLast},
	}, colPeriod, cells{
		{"Active Users", cellTeamCount(6, 12)}, {"Active Channels", cellTeamCount(7, 4)}, {"Guests", cellMembers(kindGuest)}, {"Reactions", cellTeamCount(8, 40)},
		{"Meetings Organized", cellTeamCount(9, 5)}, {"Post Messages", cellTeamCount(10, 25)}, {"Reply Messages", cellTeamCount(11, 40)},
		{"Channel Messages", cellTeamCount(12, 60)}, {"Urgent Messages", cellZero}, {"Mentions", cellTeamCount(13, 15)},
		{"Active Shared Channels", cellZero}, {"Active External Users", cellZero},
	})},
	{folder: reportsFolder, name: "getSharePointSiteUsageDetail", periods: standardPeriods, byDate: true, rows: rowGroups, cols: siteColumns()},
	{folder: reportsFolder, name: "getYammerGroupsActivityDetail", periods: standardPeriods, byDate: true, rows: rowYammerGroups, cols: join(colRefresh, colGroup, cells{
		{"Group Type", cellVisibility("public", "private")}, {"Office 365 Connected", cellFixed("Yes")}, {"Member Count", cellMembers(kindMember)},
		{"Posted Count", cellTeamCount(14, 4)}, {"Read Count", cellTeamCount(15, 40)}, {"Liked Count", cellTeamCount(16, 8)},
	}, colPeriod)},
}

var colGroup = cells{
	{"Group Display Name", cellGroupName}, {"Is Deleted", cellFixed("False")}, {"Owner Principal Name", cellOwner}, {"Last Activity Date", cellTeamLast},
}

func cellGroupName(b []byte, r *row) []byte {
	if r.conceal {
		return appendUpperHex(b, r.teamHash(saltConceal))
	}
	return append(b, r.g.name...)
}

func cellGroupID(b []byte, r *row) []byte {
	if r.conceal {
		return append(b, zeroGUID...)
	}
	return append(b, r.g.id...)
}

func cellOwner(b []byte, r *row) []byte { return r.appendUPN(b, &r.owner) }

func cellVisibility(public, private string) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte {
		if r.g.first/teamSize%3 == 0 {
			return append(b, public...)
		}
		return append(b, private...)
	}
}

// cellMembers counts the members of one kind who are there on the day.
func cellMembers(kind int) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte {
		n := 0
		for i := r.g.first; i < r.g.last; i++ {
			if r.w.present(i, r.day) && r.w.kindOf(i, mix(r.w.seed^mix(uint64(i)+1)), r.w.isCore(i)) == kind {
				n++
			}
		}
		return appendInt(b, n)
	}
}

func (r *row) teamHash(salt uint64) uint64 { return mix(r.w.seed ^ salt ^ uint64(r.g.first)<<20) }

// teamLast is the last day of use; one team in six has been abandoned.
func (r *row) teamLast() int {
	h := r.teamHash(saltHabit)
	last := r.day - floorMod(r.day+int(h%64), 1+int(h>>8%6))
	if h>>16%6 == 0 {
		last = min(last, -40-int(h>>24%500))
	}
	return max(r.g.created, r.w.cal.workday(last))
}

func cellTeamLast(b []byte, r *row) []byte { return r.w.cal.appendDate(b, r.teamLast()) }

func cellTeamCount(what uint64, most int) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte {
		if r.teamLast() <= r.day-r.days {
			return append(b, '0')
		}
		return appendInt(b, 1+int(r.teamHash(saltCount+what)%uint64(most))*min(r.days, 30)/7)
	}
}

func cellTeamSize(what uint64, perDay uint64) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte {
		return appendInt(b, (r.teamLast()-r.g.created)*int(1+r.teamHash(saltCount+what)%perDay))
	}
}

func siteColumns() cells {
	return join(colRefresh, cells{
		{"Site Id", func(b []byte, r *row) []byte {
			if r.conceal {
				return append(b, zeroGUID...)
			}
			return appendGUID(b, r.teamHash(saltGroup))
		}},
		{"Site URL", func(b []byte, r *row) []byte {
			if r.conceal {
				return b
			}
			b = append(b, "https://"...)
			b = append(b, r.drive...)
			b = append(b, ".sharepoint.com/sites/"...)
			return append(b, r.g.slug...)
		}},
		{"Owner Display Name", func(b []byte, r *row) []byte {
			if r.conceal {
				return appendUpperHex(b, r.teamHash(saltConceal)+1)
			}
			b = append(b, r.g.name...)
			return append(b, " Owners"...)
		}},
		{"Is Deleted", cellFixed("False")}, {"Last Activity Date", cellTeamLast},
		{"File Count", cellTeamSize(4, 4)}, {"Active File Count", cellTeamCount(1, 30)}, {"Page View Count", cellTeamCount(17, 90)}, {"Visited Page Count", cellTeamCount(18, 20)},
		{"Storage Used (Byte)", cellTeamSize(5, 4_000_000)}, {"Storage Allocated (Byte)", cellFixed("27487790694400")}, {"Root Web Template", cellFixed("Group")},
		{"Owner Principal Name", func(b []byte, r *row) []byte {
			if r.conceal {
				return appendUpperHex(b, r.teamHash(saltConceal)+2)
			}
			b = append(b, r.g.slug...)
			b = append(b, '@')
			return append(b, r.w.domain...)
		}},
	}, colPeriod)
}
