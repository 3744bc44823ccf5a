package graph

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// request is one as the server sees it: counted somewhere between leaving and answer.
type request struct {
	counted, answered time.Time
	cost              int
	booked            bool
}

// Whatever the requests, however long they take and however many are under way at once,
// in no window does Graph count more than the quota, wherever its windows begin and
// whenever within a request it counts.
func TestLedgerKeepsEveryWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := quota{rapid.SampledFrom([]int{14, 40, 200, 3500}).Draw(t, "most"), 10 * time.Second}
		l := ledger{quota: q}
		now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		var all []*request
		// move lets time pass, and books what is answered meanwhile in its order.
		move := func(until time.Time) {
			for {
				var first *request
				for _, r := range all {
					if !r.booked && !r.answered.After(until) && (first == nil || r.answered.Before(first.answered)) {
						first = r
					}
				}
				if first == nil {
					now = until
					return
				}
				now, first.booked = first.answered, true
				l.flying -= first.cost
				l.book(now, first.cost)
			}
		}
		largest := max(1, q.most/rapid.IntRange(2, 20).Draw(t, "share"))
		for range rapid.IntRange(1, 120).Draw(t, "requests") {
			move(now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "pause")) * time.Millisecond))
			cost := rapid.IntRange(1, largest).Draw(t, "cost")
			for d := l.wait(now, cost); d > 0; d = l.wait(now, cost) {
				move(now.Add(d))
			}
			took := rapid.IntRange(0, 12_000).Draw(t, "took")
			within := rapid.IntRange(0, took).Draw(t, "counted after")
			l.flying += cost
			all = append(all, &request{
				counted: now.Add(time.Duration(within) * time.Millisecond), answered: now.Add(time.Duration(took) * time.Millisecond), cost: cost,
			})
		}
		for _, first := range all {
			sum := 0
			for _, r := range all {
				if d := r.counted.Sub(first.counted); d >= 0 && d < q.window {
					sum += r.cost
				}
			}
			if sum > q.most {
				t.Fatalf("%d of %d within a window from %v", sum, q.most, first.counted)
			}
		}
		if len(l.spent) > 2*grains {
			t.Fatalf("%d pieces are kept", len(l.spent))
		}
	})
}

func TestLedgerTakesWhatIsLargerThanTheQuota(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := ledger{quota: quota{10, time.Minute}}
	if l.wait(now, 50) != 0 {
		t.Error("it waits for ever")
	}
	l.book(now, 1)
	if d := l.wait(now, 50); d != time.Minute {
		t.Errorf("waits %v", d)
	}
	// What is under way leaves no sooner than a window from now.
	l = ledger{quota: quota{10, time.Minute}, flying: 10}
	if d := l.wait(now, 1); d != time.Minute {
		t.Errorf("waits %v for what is under way", d)
	}
}
