package graphsim

// loads is a set of workloads.
type loads uint16

// Workloads that usage reports tell apart.
const (
	useExchange loads = 1 << iota
	useOneDrive
	useSharePoint
	useSkype
	useYammer
	useTeams
	useApps
	useCopilot
)

// habit is how a workload is used: the share of people (percent) who do, and
// the spread of days between two uses.
type habit struct {
	load             loads
	share            uint64
	shortest, spread int
}

var habits = []habit{
	{useExchange, 95, 1, 3},
	{useOneDrive, 72, 2, 10},
	{useSharePoint, 66, 3, 17},
	{useSkype, 30, 0, 0},
	{useYammer, 12, 10, 50},
	{useTeams, 90, 1, 4},
	{useApps, 80, 1, 5},
	{useCopilot, 70, 2, 13},
}

const loadCount = 8

// skypeEnd is when Skype for Business Online was retired; its reports keep
// showing dates before (Microsoft docs: retired 31 July 2021).
const skypeEnd = "2021-07-30"

// activity is what a report says of a person: the last day of use per
// workload, none where never used, and the number of days of use within the
// period.
type activity struct {
	last [loadCount]int
	days [loadCount]int
}

const none = -never

// spell is the time for which a person stops using anything.
func (w *world) spell(p *person) (from, until int) {
	b := sub(p.h, saltHabit)
	switch r := b % 100; {
	case p.core && p.idx == 32:
		return -95, never
	case p.core && p.idx < 3*coreEvery:
		return never, never
	case r < 11:
		from, until = -20-int(b>>8%380), never
		if b>>24%10 == 0 {
			until = 1 + int(b>>32%120)
		}
		return from, until
	case r < 18:
		from, until = 1+int(b>>8%180), never
		if b>>24%2 == 0 {
			until = from + 20 + int(b>>32%60)
		}
		return from, until
	}
	return never, never
}

// neverUsed tells whether the person has not used anything they hold.
func (p *person) neverUsed() bool {
	return p.core && p.idx == 24 || p.kind == kindShared ||
		p.idx >= 3*coreEvery && sub(p.h, saltHabit)>>40%100 < 7
}

// fillActivity computes the use as the report of the given day shows it, with
// counts over the period of so many days.
func (w *world) fillActivity(a *activity, p *person, day, period int) {
	for l := range a.last {
		a.last[l], a.days[l] = none, 0
	}
	if p.neverUsed() {
		return
	}
	until := min(day, p.left-1)
	if from, back := w.spell(p); until >= from && until < back {
		until = from - 1
	}
	if !p.enabled {
		until = min(until, -10-int(p.h>>20%200))
	}
	allowed := p.workloads()
	for l, hb := range habits {
		if allowed&hb.load == 0 {
			continue
		}
		r := mix(p.h ^ saltHabit + uint64(l))
		if r%100 >= hb.share && (!p.core || p.idx >= 3*coreEvery || hb.load == useSkype) {
			continue
		}
		if hb.load == useSkype {
			if last := w.skypeLast - int(r>>8%300); last >= p.created {
				a.last[l] = last
			}
			continue
		}
		every := hb.shortest + int(r>>8%uint64(hb.spread))
		last := until - floorMod(until+int(r>>24%64), every)
		last = w.cal.workday(last)
		if last < p.created {
			continue
		}
		a.last[l] = last
		if since := day - period; last > since {
			a.days[l] = (last-max(since+1, p.created))/every + 1
		}
	}
	w.addLate(a, p, day, until)
}

func floorMod(a, b int) int {
	if m := a % b; m >= 0 {
		return m
	}
	return a%b + b
}

// latest is the newest day of use among the workloads, or none.
func (a *activity) latest(set loads) int {
	out := none
	for l := range a.last {
		if set>>l&1 == 1 && a.last[l] > out {
			out = a.last[l]
		}
	}
	return out
}

// count is how often something was done in the period: at least once per day
// of use, more for some.
func (a *activity) count(p *person, load loads, what, most int) int {
	l := 0
	for load>>l != 1 {
		l++
	}
	if a.days[l] == 0 {
		return 0
	}
	r := mix(p.h ^ saltCount + uint64(l*64+what))
	return a.days[l] * (1 + int(r%uint64(most)))
}
