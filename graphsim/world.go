package graphsim

import (
	"sync"
	"sync/atomic"
	"time"
)

// never is a day later than any the simulator reaches.
const never = 1 << 40

// goneShown is how many days a deleted user stays in the directory's deleted
// items (Microsoft docs: soft-deleted users are kept for 30 days).
const goneShown = 30

// coreEvery: every eighth of the first users is an employee who never leaves.
// Renames, moves and reassignments hit only these, which is what makes "at
// least one in any five days" a certainty rather than a likelihood.
const coreEvery = 8

// rate is a number of events per day as a fraction.
type rate struct{ num, den int }

// by is how many events have happened up to and including the day.
func (r rate) by(day int) int {
	if day <= 0 {
		return 0
	}
	return day * r.num / r.den
}

// day is when event k (from 0) happens, at day 1 or later.
func (r rate) day(k int) int { return ((k+1)*r.den + r.num - 1) / r.num }

// perDay scales a share of users per 100,000 and day, with a floor of one
// event in four days so that small tenants change too.
func perDay(users, per100k int) rate {
	if users*per100k*4 < 100_000 {
		return rate{1, 4}
	}
	return rate{users * per100k, 100_000}
}

// world is one tenant as a pure function of seed, index and day. Indices are
// handed out once and never reused:
//
//	[0, users)            known at day 0
//	[users, base)         left before day 0, still in the deleted items then
//	[base, base+joined)   joined since
type world struct {
	seed      uint64
	domain    string
	name      string
	plainName string // escaped for JSON, without quotes
	id        string
	users     int
	base      int
	core      int
	cal       *calendar

	turnover, renames, moves, swaps rate
	leaving, renaming, moving       shuffle
	swapping                        shuffle

	skypeLast int
	groups    []group
	edits     atomic.Pointer[edits]
	mu        sync.Mutex
	tally     map[int]*tally
}

func newWorld(cfg TenantConfig, id string, cal *calendar) *world {
	w := &world{
		seed: cfg.Seed, domain: cfg.Domain, name: cfg.Name, id: id, users: cfg.Users, cal: cal,
		turnover: perDay(cfg.Users, 80),
		renames:  perDay(cfg.Users, 20),
		moves:    perDay(cfg.Users, 50),
		swaps:    perDay(cfg.Users, 60),
		tally:    map[int]*tally{},
	}
	w.plainName = string(appendJSONString(nil, cfg.Name))
	w.plainName = w.plainName[1 : len(w.plainName)-1]
	w.core = (cfg.Users + coreEvery - 1) / coreEvery
	before := (goneShown*w.turnover.num + w.turnover.den - 1) / w.turnover.den
	w.base = w.users + before
	w.leaving = newShuffle(w.users-w.core, w.seed+1)
	w.renaming = newShuffle(w.core, w.seed+2)
	w.moving = newShuffle(w.core, w.seed+3)
	w.swapping = newShuffle(w.core, w.seed+4)
	if end, err := time.Parse(time.DateOnly, skypeEnd); err == nil {
		w.skypeLast = cal.dayOf(end)
	}
	w.groups = w.makeGroups()
	return w
}

// end is one past the highest index in use on the day.
func (w *world) end(day int) int { return w.base + w.turnover.by(day) }

func (w *world) isCore(i int) bool { return i < w.users && i%coreEvery == 0 }

// joined is the day on which the index came into use; a day before 0 for
// everyone known at the start.
func (w *world) joined(i int) int {
	if i < w.base {
		return -never
	}
	return w.turnover.day(i - w.base)
}

// left is the first day on which the index is no longer in /users.
func (w *world) left(i int) int {
	switch {
	case w.isCore(i), w.wasRestored(i):
		return never
	case i < w.users:
		return w.turnover.day(w.leaving.rank(i - i/coreEvery - 1))
	case i < w.base:
		return -((i - w.users) * w.turnover.den / w.turnover.num)
	default:
		return w.turnover.day(w.users - w.core + i - w.base)
	}
}

// leaver is the index of the k-th to leave; k below 0 are those who left
// before the start, latest last.
func (w *world) leaver(k int) int {
	switch {
	case k < 0:
		return w.users - 1 - k
	case k < w.users-w.core:
		j := w.leaving.at(k)
		return j + j/(coreEvery-1) + 1
	default:
		return w.base + k - (w.users - w.core)
	}
}

// present tells whether the index is a user on the day.
func (w *world) present(i, day int) bool {
	if i >= w.base {
		return w.joined(i) <= day && w.left(i) > day
	}
	return w.left(i) > day
}

// recentlyGone tells whether the index was deleted within the days that
// deleted items are kept.
func (w *world) recentlyGone(i, day int) bool {
	l := w.left(i)
	return l <= day && l > day-goneShown && w.joined(i) <= day
}

// next is the first index from i on that is a user on the day, or -1.
func (w *world) next(i, day int) int {
	for end := w.end(day); i < end; i++ {
		if w.present(i, day) {
			return i
		}
	}
	return -1
}

// turns counts how often a stream of events has hit a core index up to the
// day, and when last.
func (w *world) turns(r rate, s shuffle, i, day int) (n, last int) {
	if !w.isCore(i) {
		return 0, 0
	}
	done, rank := r.by(day), s.rank(i/coreEvery)
	if done <= rank {
		return 0, 0
	}
	n = (done-1-rank)/w.core + 1
	return n, r.day(rank + (n-1)*w.core)
}
