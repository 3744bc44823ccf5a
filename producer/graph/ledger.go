package graph

import "time"

// ledger keeps what was spent of one quota. It looks at every window of the quota's
// length, not at fixed ones: Graph does not say when its windows begin, and a bucket that
// fills at the quota's rate would let twice the quota pass within one window.
//
// A request counts from the moment it leaves, and its time is the moment it is answered:
// Graph counted it somewhere between, so nothing leaves the ledger before it has left
// Graph's.
type ledger struct {
	quota  quota
	spent  []spending // by time
	sum    int
	flying int // of requests not answered yet
}

// spending is one piece of what was spent.
type spending struct {
	began, at time.Time // of the first and of the last request in it
	cost      int
}

// grains is into how many pieces a window is cut for large quotas: spendings of one piece
// are kept as one, at the time of the last.
const grains = 64

func (l *ledger) drop(now time.Time) {
	n := 0
	for n < len(l.spent) && !l.spent[n].at.Add(l.quota.window).After(now) {
		l.sum -= l.spent[n].cost
		n++
	}
	if n > 0 {
		l.spent = append(l.spent[:0], l.spent[n:]...)
	}
}

// wait is how long a request of the given cost has to wait. A request that costs more
// than the quota itself waits until nothing else is spent.
func (l *ledger) wait(now time.Time, cost int) time.Duration {
	l.drop(now)
	need := min(cost, l.quota.most) + l.sum + l.flying - l.quota.most
	if need <= 0 {
		return 0
	}
	for _, s := range l.spent {
		if need -= s.cost; need <= 0 {
			return s.at.Add(l.quota.window).Sub(now)
		}
	}
	// What is needed is under way: it will be booked now at the earliest.
	return l.quota.window
}

func (l *ledger) book(now time.Time, cost int) {
	if cost <= 0 {
		return
	}
	l.sum += cost
	if n := len(l.spent); n > 0 && l.quota.most > grains && now.Sub(l.spent[n-1].began) < l.quota.window/grains {
		l.spent[n-1].at = now
		l.spent[n-1].cost += cost
		return
	}
	l.spent = append(l.spent, spending{now, now, cost})
}

// share is how much of the quota is spent.
func (l *ledger) share(cost int) float64 {
	return float64(l.sum+l.flying+cost) / float64(l.quota.most)
}

func (l *ledger) idle() bool { return l.sum == 0 && l.flying == 0 }

// end is when the whole quota is free again.
func (l *ledger) end(now time.Time) time.Time {
	switch {
	case l.flying > 0:
		return now.Add(l.quota.window)
	case len(l.spent) > 0:
		return l.spent[len(l.spent)-1].at.Add(l.quota.window)
	}
	return time.Time{}
}
