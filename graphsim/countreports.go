package graphsim

// countReports are a handful of the reports that give totals: a line per day of the
// period, one line, or a line per product. Order and names of the columns are those seen
// in tenants.
var countReports = []report{
	totals("getOffice365ActiveUserCounts", rowDays, refreshTotal, activeCounts(), dateTotal, periodTotal),
	totals("getOffice365ServicesUserCounts", rowOnce, refreshTotal, serviceCounts(), periodTotal),
	totals("getEmailActivityCounts", rowDays, refreshTotal, emailCounts(false), dateTotal, periodTotal),
	totals("getEmailActivityUserCounts", rowDays, refreshTotal, emailCounts(true), dateTotal, periodTotal),
	totals("getMailboxUsageMailboxCounts", rowDays, refreshTotal, []total{{"Total", hasMailbox, nil}, {"Active", usedOn(useExchange), nil}}, dateTotal, periodTotal),
	totals("getMailboxUsageStorage", rowDays, refreshTotal, []total{{"Storage Used (Byte)", mailboxBytes, nil}}, dateTotal, periodTotal),
	totals("getTeamsUserActivityUserCounts", rowDays, refreshTotal, dateTotal, teamsUserCounts(), periodTotal),
	totals("getOffice365ActivationsUserCounts", rowProducts, refreshTotal, productTotal, []total{
		{"Assigned", func(*row) int { return 1 }, nil},
		{"Activated", func(r *row) int { return one(r.activated() != none) }, nil},
		{"Shared Computer Activation", func(r *row) int { return one(r.sharedComputer()) }, nil},
	}),
	totals("getOffice365ActivationCounts", rowProducts, refreshTotal, productTotal, []total{
		{"Windows", devicesOf(1, 2, 90), nil}, {"Mac", devicesOf(2, 1, 12), nil}, {"Android", devicesOf(4, 1, 25), nil},
		{"iOS", devicesOf(3, 2, 30), nil}, {"Windows 10 Mobile", func(*row) int { return 0 }, nil},
	}),
}

// total is a column of such a report: a sum over all people, or text that all have.
type total struct {
	name string
	sum  func(*row) int
	text func(b []byte, r *row) []byte
}

var (
	refreshTotal = []total{{"Report Refresh Date", nil, cellRefresh}}
	periodTotal  = []total{{"Report Period", nil, cellPeriod}}
	dateTotal    = []total{{"Report Date", nil, func(b []byte, r *row) []byte { return r.w.cal.appendDate(b, r.on) }}}
	productTotal = []total{{"Product Type", nil, func(b []byte, r *row) []byte { return append(b, r.product...) }}}
)

// totals makes a report of its columns.
func totals(name string, lines rowKind, parts ...[]total) report {
	rep := report{folder: reportsFolder, name: name, rows: lines}
	if lines != rowProducts {
		rep.periods = standardPeriods
	}
	for _, part := range parts {
		for _, t := range part {
			at, put := len(rep.cols), t.text
			if put == nil {
				put = func(b []byte, r *row) []byte { return appendInt(b, r.totals[at]) }
			}
			rep.cols, rep.sums = append(rep.cols, reportColumn{t.name, put}), append(rep.sums, t.sum)
		}
	}
	return rep
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func hasMailbox(r *row) int { return one(r.p.workloads()&useExchange != 0 || r.p.kind == kindShared) }

func mailboxBytes(r *row) int { return hasMailbox(r) * int(r.grown(2, 3_000_000)) }

// usedOn counts those who used one of the workloads on the line's day.
func usedOn(set loads) func(*row) int {
	return func(r *row) int { return one(r.a.latest(set) == r.on) }
}

func activeCounts() []total {
	out := []total{{"Office 365", usedOn(^loads(0)), nil}}
	for _, l := range workloadNames {
		out = append(out, total{l.name, usedOn(l.load), nil})
	}
	return out
}

// serviceCounts splits the licensed by whether they used a service in the period.
func serviceCounts() []total {
	var out []total
	add := func(name string, set loads) {
		used := func(r *row) bool { return r.a.latest(set) > r.day-r.days }
		out = append(out,
			total{name + " Active", func(r *row) int { return one(r.p.workloads()&set != 0 && used(r)) }, nil},
			total{name + " Inactive", func(r *row) int { return one(r.p.workloads()&set != 0 && !used(r)) }, nil})
	}
	all := loads(0)
	for _, l := range workloadNames {
		add(l.name, l.load)
		all |= l.load
	}
	add("Office 365", all)
	return out
}

// emailCounts adds up what people did on the day, or how many did it.
func emailCounts(people bool) []total {
	var out []total
	for what, c := range []struct {
		name  string
		most  int
		share uint64
	}{{"Send", 8, 90}, {"Receive", 30, 100}, {"Read", 25, 95}, {"Meeting Created", 2, 60}, {"Meeting Interacted", 3, 70}} {
		out = append(out, total{c.name, dayCount(useExchange, what, c.most, c.share, people), nil})
	}
	return out
}

func teamsUserCounts() []total {
	var out []total
	for what, c := range []struct {
		name  string
		most  int
		share uint64
	}{{"Team Chat Messages", 4, 70}, {"Private Chat Messages", 25, 100}, {"Calls", 3, 60}, {"Meetings", 3, 90}, {"Other Actions", 1, 40}} {
		out = append(out, total{c.name, dayCount(useTeams, what, c.most, c.share, true), nil})
	}
	return out
}

// dayCount is a counter of a detail report on one day, or whether it is not zero.
func dayCount(load loads, what, most int, share uint64, people bool) func(*row) int {
	return func(r *row) int {
		if r.a.last[loadIndex(load)] != r.on || mix(r.p.h^saltCount^uint64(what)<<32)%100 >= share {
			return 0
		}
		if people {
			return 1
		}
		return r.a.count(&r.p, load, what, most)
	}
}

func (r *row) sharedComputer() bool { return r.activated() != none && r.p.h>>22%50 == 0 }

// devicesOf is on how many devices of a kind the person activated the desktop apps.
func devicesOf(what, most, share uint64) func(*row) int {
	return func(r *row) int {
		v := mix(r.p.h ^ saltCount ^ what<<44)
		if r.activated() == none || v%100 >= share {
			return 0
		}
		return int(1 + v>>8%most)
	}
}

// sampled is how many people a total is computed from at most: a line per day over a
// large tenant would take minutes. Larger tenants are scaled up from an even sample.
const sampled = 5000

// eachTotal fills the row for every line of totals, the newest day first.
func (rep *report) eachTotal(r *row, emit func() bool) {
	switch rep.rows {
	case rowDays:
		for back := range r.days {
			r.on = r.day - back
			rep.addUp(r, 1)
			if !emit() {
				return
			}
		}
	case rowOnce:
		r.on = r.day
		rep.addUp(r, r.days)
		emit()
	default:
		r.on = r.day
		for _, r.product = range []string{appsEnterprise, appsBusiness} {
			rep.addUp(r, r.days)
			if !emit() {
				return
			}
		}
	}
}

// addUp computes the totals of the line of day r.on, for a period of so many days.
func (rep *report) addUp(r *row, days int) {
	r.totals = append(r.totals[:0], make([]int, len(rep.cols))...)
	w, end := r.w, r.w.end(r.on)
	stride := 1 + end/sampled
	for i := 0; i < end; i += stride {
		if !w.present(i, r.on) {
			continue
		}
		w.fill(&r.p, i, r.on)
		if r.p.created > r.on || rep.rows == rowProducts && (r.p.workloads()&useApps == 0 || r.productType() != r.product) {
			continue
		}
		w.fillActivity(&r.a, &r.p, r.on, days)
		for k, sum := range rep.sums {
			if sum != nil {
				r.totals[k] += stride * sum(r)
			}
		}
	}
}
