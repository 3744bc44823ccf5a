package producer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// scheduled is a connector that was made at testTime.
func scheduled(name string, first, then time.Duration) producer.Connector {
	c := connector(name)
	c.Schedule = producer.Schedule{FirstDay: first, Then: then}
	c.CreatedAt = testTime
	return c
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	now, later := testTime.Add(time.Hour), testTime.Add(24*time.Hour)
	c := scheduled("contoso", time.Hour, 24*time.Hour)
	hour, day := producer.Offset(c, time.Hour), producer.Offset(c, 24*time.Hour)
	daily := fmt.Sprintf("%d %d %d * * *", day/time.Second%60, day/time.Minute%60, day/time.Hour)
	cron := scheduled("contoso", time.Hour, 24*time.Hour)
	cron.Schedule.Cron, cron.Schedule.TimeZone = "30 6 * * 1-5", "Europe/Berlin"
	for what, tc := range map[string]struct {
		c          producer.Connector
		at         time.Time
		want, zone string
	}{
		"hourly":         {c, now, fmt.Sprintf("%d %d * * * *", hour/time.Second%60, hour/time.Minute), ""},
		"last hourly":    {c, later.Add(-time.Nanosecond), fmt.Sprintf("%d %d * * * *", hour/time.Second%60, hour/time.Minute), ""},
		"daily":          {c, later, daily, ""},
		"other interval": {scheduled("contoso", 90*time.Minute, time.Hour), now, "@every 1h30m0s", ""},
		"cron":           {cron, now, fmt.Sprintf("%d 30 6 * * 1-5", producer.Offset(cron, time.Minute)/time.Second), "Europe/Berlin"},
		"cron later":     {cron, later, fmt.Sprintf("%d 30 6 * * 1-5", producer.Offset(cron, time.Minute)/time.Second), "Europe/Berlin"},
	} {
		if got, zone := producer.Pattern(tc.c, tc.at); got != tc.want || zone != tc.zone {
			t.Errorf("%s: %q %q, want %q %q", what, got, zone, tc.want, tc.zone)
		}
	}
}

// TestStagger: thousands of tenants must not begin in the same second, and a tenant must
// begin at the same minute every time.
func TestStagger(t *testing.T) {
	t.Parallel()
	const connectors = 6000
	quarters := map[time.Duration]int{}
	seconds := map[time.Duration]int{}
	for i := range connectors {
		c := connector(fmt.Sprintf("tenant-%d", i))
		at := producer.Offset(c, time.Hour)
		if at < 0 || at >= time.Hour || at != at.Truncate(time.Second) {
			t.Fatalf("offset %s in an hour", at)
		}
		if again := producer.Offset(connector(c.Name), time.Hour); again != at {
			t.Fatalf("offset %s, then %s", at, again)
		}
		quarters[at/(15*time.Minute)]++
		seconds[at]++
	}
	for q, n := range quarters {
		if n < connectors/5 || n > connectors/3 {
			t.Errorf("%d of %d begin in quarter %d of the hour", n, connectors, q)
		}
	}
	for s, n := range seconds {
		if n > 12 {
			t.Errorf("%d of %d begin at %s", n, connectors, s)
		}
	}
}

// next evaluates the three forms of patterns that intervals give.
func next(t *testing.T, pattern string, after time.Time) time.Time {
	t.Helper()
	if d, ok := strings.CutPrefix(pattern, "@every "); ok {
		every, err := time.ParseDuration(d)
		if err != nil {
			t.Fatal(err)
		}
		return after.Add(every)
	}
	var second, minute, hour int
	step := 24 * time.Hour
	if _, err := fmt.Sscanf(pattern, "%d %d %d * * *", &second, &minute, &hour); err != nil {
		step = time.Hour
		if _, err := fmt.Sscanf(pattern, "%d %d * * * *", &second, &minute); err != nil {
			t.Fatalf("pattern %q: %v", pattern, err)
		}
	}
	at := after.Truncate(step).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	for !at.After(after) {
		at = at.Add(step)
	}
	return at
}

func TestHourlyForADayThenDaily(t *testing.T) {
	t.Parallel()
	for i := range 200 {
		c := scheduled(fmt.Sprintf("tenant-%d", i), time.Hour, 24*time.Hour)
		now := testTime.Add(time.Duration(i*37) * time.Second)
		c.CreatedAt = now
		var runs []time.Duration // since it was made
		for len(runs) < 30 {
			pattern, _ := producer.Pattern(c, now) // settled when a run ends
			now = next(t, pattern, now)
			runs = append(runs, now.Sub(c.CreatedAt))
		}
		first := 0
		for _, at := range runs {
			if at < 24*time.Hour {
				first++
			}
		}
		if first != 24 {
			t.Fatalf("%s: %d runs in the first 24 hours: %v", c.Name, first, runs)
		}
		// The last hourly run is the first behind the day; from there on it is daily.
		for j := 25; j < len(runs); j++ {
			if gap := runs[j] - runs[j-1]; gap > 24*time.Hour || j > 25 && gap != 24*time.Hour {
				t.Fatalf("%s: %s between run %d and the one before: %v", c.Name, gap, j+1, runs)
			}
		}
	}
}

// fires waits for a command that is newer than seq.
func fires(t *testing.T, stream jetstream.Stream, c producer.Connector, seq uint64) *jetstream.RawStreamMsg {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if m := last(t, stream, schemas.CommandRun(c.Endpoint, c.Name)); m != nil && m.Sequence > seq {
			return m
		}
	}
	t.Fatal("the schedule does not fire")
	return nil
}

func TestServerFiresAndCommandsPileUpToOne(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	c := scheduled("contoso", time.Second, time.Second)
	if err := r.Schedule(t.Context(), c, testTime); err != nil {
		t.Fatal(err)
	}
	first := fires(t, stream, c, 0)
	second := fires(t, stream, c, first.Sequence)
	if at, err := time.Parse(time.RFC3339Nano, second.Header.Get("Nats-Schedule-Next")); err != nil || at.Sub(second.Time) > 2*time.Second {
		t.Errorf("next time %v, %v", at, err)
	}
	if gap := second.Time.Sub(first.Time); gap < 500*time.Millisecond || gap > 5*time.Second {
		t.Errorf("%s between two commands of a schedule of a second", gap)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("seatstream.command.>"))
	if err != nil || info.State.Subjects[schemas.CommandRun(c.Endpoint, c.Name)] != 1 {
		t.Errorf("commands that wait: %v, %v; runs that were missed are made up once", info.State.Subjects, err)
	}
	// A schedule that stands is left alone: published anew it would begin its interval anew.
	standing := last(t, stream, schemas.ScheduleRun(c.Endpoint, c.Name))
	if err := r.Schedule(t.Context(), c, testTime); err != nil {
		t.Fatal(err)
	}
	if m := last(t, stream, schemas.ScheduleRun(c.Endpoint, c.Name)); m.Sequence != standing.Sequence {
		t.Error("the schedule was published again")
	}
	c.Paused = true
	if err := r.Schedule(t.Context(), c, testTime); err != nil {
		t.Fatal(err)
	}
	if last(t, stream, schemas.ScheduleRun(c.Endpoint, c.Name)) != nil || last(t, stream, schemas.CommandRun(c.Endpoint, c.Name)) != nil {
		t.Error("a paused connector has a schedule or a command")
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	c := put(t, r, connector("contoso"))
	has := func() bool { return last(t, stream, schemas.ScheduleRun(c.Endpoint, c.Name)) != nil }
	if !has() {
		t.Fatal("a new connector has no schedule")
	}
	if err := r.Pause(t.Context(), c.Name, true); err != nil || has() {
		t.Errorf("paused: %v, schedule %v", err, has())
	}
	if again := put(t, r, connector("contoso")); !again.Paused || has() {
		t.Error("a changed connector is no longer paused")
	}
	if err := r.Pause(t.Context(), c.Name, false); err != nil || !has() {
		t.Errorf("resumed: %v, schedule %v", err, has())
	}
}

func TestEndpointChangeMovesTheSchedule(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	c := connector("contoso")
	c.Endpoint = "berlin"
	put(t, r, c)
	c.Endpoint = "seattle"
	put(t, r, c)
	if last(t, stream, schemas.ScheduleRun("berlin", c.Name)) != nil {
		t.Error("the schedule of the old endpoint fires on")
	}
	m := last(t, stream, schemas.ScheduleRun("seattle", c.Name))
	if m == nil || m.Header.Get(schemas.HeaderScheduleTarget) != schemas.CommandRun("seattle", c.Name) {
		t.Errorf("schedule %+v", m)
	}
}

func TestBadCronIsRefusedByTheServer(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	good := put(t, r, connector("adatum"))
	for _, name := range []string{"contoso", "adatum"} { // a new one, and one that was good before
		bad := connector(name)
		bad.Schedule.Cron = "99 99 * * *"
		_, err := r.Put(t.Context(), bad)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("err %v; want one that names the connector %s", err, name)
		}
	}
	list, err := r.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Schedule != good.Schedule {
		t.Errorf("stored %+v, %v: what the server refuses must not be kept", list, err)
	}
	if m := last(t, stream, schemas.ScheduleRun(good.Endpoint, good.Name)); m == nil {
		t.Error("the good schedule is gone")
	}
}
