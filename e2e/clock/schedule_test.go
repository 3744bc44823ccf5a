package clock

import (
	"testing"
	"time"

	"github.com/seatstream/seatstream/producer"
)

// begin lies behind the day on which the simulator's certificate was made, and well away
// from a change of clocks.
var begin = time.Date(2027, 2, 1, 9, 30, 0, 0, time.UTC)

const day = 24 * time.Hour

// TestFirstDayThenDaily: 24 runs by the schedule in the first 24 hours beside the one that
// every new connector begins with, then one a day; and two producers run each of them once.
func TestFirstDayThenDaily(t *testing.T) {
	c := simulated(t)
	inBubble(t, begin, func(w *world) {
		c = w.put(c)
		defer w.produce()()
		defer w.produce()()
		time.Sleep(4 * day)
		runs := w.runs()
		if n := between(runs, c.CreatedAt, c.CreatedAt.Add(time.Minute)); n != 1 {
			t.Errorf("%d runs at once, want 1", n)
		}
		if n := between(runs, c.CreatedAt.Add(time.Minute), c.CreatedAt.Add(day)); n != 24 {
			t.Errorf("%d scheduled runs in the first 24 hours, want 24: %v", n, runs)
		}
		// The last hourly command is the first behind the day; from there on it is daily.
		rest := runs[min(25, len(runs)):]
		if len(rest) < 3 || len(rest) > 4 {
			t.Fatalf("%d runs in the three days behind: %v", len(rest), rest)
		}
		for i := 2; i < len(rest); i++ {
			if gap := rest[i].Sub(rest[i-1]).Round(time.Minute); gap != day {
				t.Errorf("%s between two daily runs: %v", gap, rest)
			}
		}
	})
}

// TestProducerAwayForThreeDays: what was missed is made up once, when a producer is back,
// and the daily run keeps its time.
func TestProducerAwayForThreeDays(t *testing.T) {
	c := simulated(t)
	inBubble(t, begin, func(w *world) {
		c = w.put(c)
		stop := w.produce()
		time.Sleep(2 * day)
		stop()
		before := w.runs()
		time.Sleep(3 * day)
		if n := len(w.runs()); n != len(before) {
			t.Fatalf("%d runs without a producer", n-len(before))
		}
		back := time.Now()
		defer w.produce()()
		time.Sleep(2 * day)
		runs := w.runs()
		if n := between(runs, back, back.Add(10*time.Minute)); n != 1 {
			t.Errorf("%d runs made up, want 1: %v", n, runs[len(before):])
		}
		if n := between(runs, back.Add(10*time.Minute), back.Add(2*day)); n != 2 {
			t.Errorf("%d daily runs in the two days behind, want 2: %v", n, runs[len(before):])
		}
		last, again := before[len(before)-1], runs[len(runs)-1]
		if shift := again.Sub(last) % day; shift > time.Minute && shift < day-time.Minute {
			t.Errorf("the daily run moved from %s to %s", last, again)
		}
	})
}

// TestClocksChange: a cron pattern with a time zone keeps the hour on the wall across both
// changes of clocks, once a day. A pattern in the hour that is repeated runs on that day too;
// in the hour that is skipped it does not: the server's scheduler knows no such time, which
// Schedule says.
func TestClocksChange(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		change time.Time // midnight before
		cron   string
		wall   string // of all runs; empty where only the days count
		days   int    // of the three, on which it runs
	}{
		{"forward", time.Date(2027, 3, 28, 0, 0, 0, 0, berlin), "30 6 * * *", "06:30", 3},
		{"back", time.Date(2027, 10, 31, 0, 0, 0, 0, berlin), "30 6 * * *", "06:30", 3},
		{"hour skipped", time.Date(2027, 3, 28, 0, 0, 0, 0, berlin), "30 2 * * *", "", 2},
		{"hour repeated", time.Date(2027, 10, 31, 0, 0, 0, 0, berlin), "30 2 * * *", "", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := simulated(t)
			c.Schedule = producer.Schedule{Cron: tc.cron, TimeZone: "Europe/Berlin"}
			c.Default()
			inBubble(t, tc.change.Add(-12*time.Hour), func(w *world) {
				c = w.put(c)
				defer w.produce()()
				time.Sleep(2*day + 20*time.Hour)
				runs := w.runs()[1:] // the first is that of a new connector
				days := map[int]int{}
				for _, at := range runs {
					wall := at.In(berlin)
					days[wall.Day()]++
					if got := wall.Truncate(time.Minute).Format("15:04"); tc.wall != "" && got != tc.wall {
						t.Errorf("run at %s on the wall, want %s", wall.Format(time.DateTime), tc.wall)
					}
				}
				if len(days) != tc.days || tc.wall != "" && len(runs) != tc.days {
					t.Errorf("%d runs on %d days, want a run on %d: %v", len(runs), len(days), tc.days, runs)
				}
			})
		})
	}
}
