package graphsim

import "strings"

// rowKind is what the rows of a report stand for.
type rowKind int

const (
	rowPeople rowKind = iota
	rowMailboxes
	rowDrives
	rowGroups
	rowYammerGroups
	rowDays     // totals, a line per day of the period
	rowOnce     // totals, one line
	rowProducts // totals, a line per product
)

// row is one line of a report in the making, reused for all lines.
type row struct {
	w       *world
	p       person
	a       activity
	g       *group
	owner   person
	day     int // the report's refresh date
	days    int // of the period
	period  string
	conceal bool
	scratch []byte
	drive   string // host part of OneDrive and SharePoint addresses
	on      int    // the day of a line of totals
	product string // of a line of totals
	totals  []int  // by column
}

// reportColumn is a header and how its cell is written.
type reportColumn struct {
	name string
	put  func(b []byte, r *row) []byte
}

// flushAt is how much of a report is collected before it is sent.
const flushAt = 64 << 10

func newRow(w *world, t ticket) *row {
	label, _, _ := strings.Cut(w.domain, ".")
	r := &row{w: w, day: t.Refresh, conceal: t.Conceal, period: strings.TrimPrefix(t.Period, "D"), drive: label, days: 180}
	switch r.period {
	case "1":
		r.days = 1
	case "7":
		r.days = 7
	case "30":
		r.days = 30
	case "90":
		r.days = 90
	}
	return r
}

// stream writes the report: byte order mark, header, one line per row.
func (rep *report) stream(c *call, t ticket) {
	r := newRow(c.t.world, t)
	b := make([]byte, 0, flushAt+4096)
	b = append(b, "\xef\xbb\xbf"...)
	for i := range rep.cols {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, rep.cols[i].name...)
	}
	b = append(b, '\r', '\n')
	if !t.Empty {
		rep.each(r, t, func() bool {
			b = rep.appendRow(b, r)
			if len(b) < flushAt {
				return true
			}
			_, err := c.w.Write(b)
			b = b[:0]
			return err == nil
		})
	}
	_, _ = c.w.Write(b)
}

func (rep *report) appendRow(b []byte, r *row) []byte {
	for i := range rep.cols {
		if i > 0 {
			b = append(b, ',')
		}
		b = rep.cols[i].put(b, r)
	}
	return append(b, '\r', '\n')
}

// each fills the row for every line until emit says stop.
func (rep *report) each(r *row, t ticket, emit func() bool) {
	if rep.rows == rowGroups || rep.rows == rowYammerGroups {
		rep.eachGroup(r, emit)
		return
	}
	if rep.rows >= rowDays {
		rep.eachTotal(r, emit)
		return
	}
	w := r.w
	for i, end := 0, w.end(r.day); i < end; i++ {
		if !w.present(i, r.day) && !w.recentlyGone(i, r.day) {
			continue
		}
		w.fill(&r.p, i, r.day)
		if r.p.created > r.day || !rep.covers(&r.p) {
			continue
		}
		w.fillActivity(&r.a, &r.p, r.day, r.days)
		if rep.rows == rowDrives && r.a.last[loadIndex(useOneDrive)] == none {
			continue
		}
		// By date, a report lists who was active on that date (Microsoft docs).
		if t.ByDate && r.a.latest(rep.activityLoads()) != r.day {
			continue
		}
		if !emit() {
			return
		}
	}
}

func (rep *report) covers(p *person) bool {
	if rep.rows == rowMailboxes && p.kind == kindShared {
		return true
	}
	if rep.need == 0 {
		return p.licensed() && p.workloads() != 0
	}
	return p.workloads()&rep.need != 0
}

func (rep *report) activityLoads() loads {
	if rep.need == 0 {
		return ^loads(0)
	}
	return rep.need
}

func (rep *report) eachGroup(r *row, emit func() bool) {
	for i := range r.w.groups {
		g := &r.w.groups[i]
		if g.kind != groupTeam || g.created > r.day || rep.rows == rowYammerGroups && g.first/teamSize%4 != 0 {
			continue
		}
		r.g = g
		r.w.fill(&r.owner, g.first, r.day) // the first of a team is never a leaver
		if !emit() {
			return
		}
	}
}

func loadIndex(l loads) int {
	n := 0
	for l>>n != 1 {
		n++
	}
	return n
}

// appendCSV writes a field, quoted where RFC 4180 asks for it.
func appendCSV(b, s []byte) []byte {
	for _, c := range s {
		if c == ',' || c == '"' || c == '\n' || c == '\r' {
			b = append(b, '"')
			for _, c := range s {
				if c == '"' {
					b = append(b, '"')
				}
				b = append(b, c)
			}
			return append(b, '"')
		}
	}
	return append(b, s...)
}

func appendTrueFalse(b []byte, v bool) []byte {
	if v {
		return append(b, "True"...)
	}
	return append(b, "False"...)
}

func appendYesNo(b []byte, v bool) []byte {
	if v {
		return append(b, "Yes"...)
	}
	return append(b, "No"...)
}

// appendDuration writes seconds as an ISO 8601 duration.
func appendDuration(b []byte, seconds int) []byte {
	b = append(b, "PT"...)
	if h := seconds / 3600; h > 0 {
		b = append(appendInt(b, h), 'H')
	}
	if m := seconds / 60 % 60; m > 0 {
		b = append(appendInt(b, m), 'M')
	}
	if s := seconds % 60; s > 0 || seconds == 0 {
		b = append(appendInt(b, s), 'S')
	}
	return b
}
