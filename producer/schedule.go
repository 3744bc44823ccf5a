package producer

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Schedule says when a connector runs by itself: at intervals, or by a cron pattern.
type Schedule struct {
	FirstDay time.Duration `koanf:"first_day"` // interval in the first 24 hours
	Then     time.Duration `koanf:"then"`      // interval afterwards
	Cron     string        `koanf:"cron"`      // minute hour day month weekday; takes the place of the intervals
	// TimeZone of the cron pattern, such as Europe/Berlin; UTC where empty. Where clocks go
	// forward, a time within the hour that is skipped does not come, and has no run that day.
	TimeZone string `koanf:"time_zone"`
}

// DefaultSchedule is hourly for the first 24 hours, then daily.
var DefaultSchedule = Schedule{FirstDay: time.Hour, Then: 24 * time.Hour}

// Default fills in the intervals that are left out.
func (s *Schedule) Default() {
	if s.Then == 0 {
		s.Then = DefaultSchedule.Then
	}
	if s.FirstDay == 0 {
		s.FirstDay = min(DefaultSchedule.FirstDay, s.Then)
	}
}

// Validate reports what cannot work.
func (s *Schedule) Validate() error {
	if s.FirstDay < time.Minute || s.Then < time.Minute {
		return fmt.Errorf("%s, then %s: give intervals of a minute or more, such as first_day: 1h, then: 24h", s.FirstDay, s.Then)
	}
	if n := len(strings.Fields(s.Cron)); s.Cron != "" && n != 5 {
		return fmt.Errorf("cron %q has %d fields: give minute hour day month weekday, such as 0 6 * * *", s.Cron, n)
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil {
		return fmt.Errorf("time_zone %q: give a name such as Europe/Berlin: %w", s.TimeZone, err)
	}
	if s.TimeZone != "" && s.Cron == "" {
		return errors.New("time_zone goes with cron: intervals are the same in every time zone")
	}
	return nil
}

// String renders the schedule for people.
func (s *Schedule) String() string {
	if s.Cron != "" {
		return s.Cron + " " + cmp.Or(s.TimeZone, "UTC")
	}
	return shortDuration(s.FirstDay) + ", then " + shortDuration(s.Then)
}

// shortDuration renders an interval without its empty parts: 24h, not 24h0m0s.
func shortDuration(d time.Duration) string {
	s := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// pattern is what the server's message scheduling is told at a given moment, in its own
// form (cron with seconds first, or @every), with a time zone for cron patterns. Hourly and
// daily runs are spread over their interval by the connector's name, so that thousands of
// tenants do not begin in the same second, and begin at the same minute every time.
func (c *Connector) pattern(now time.Time) (pattern, zone string) {
	if c.Schedule.Cron != "" {
		return fmt.Sprintf("%d %s", c.offset(time.Minute)/time.Second, c.Schedule.Cron), c.Schedule.TimeZone
	}
	every := c.interval(now)
	at := c.offset(every)
	second, minute, hour := at/time.Second%60, at/time.Minute%60, at/time.Hour
	switch every {
	case time.Hour:
		return fmt.Sprintf("%d %d * * * *", second, minute), ""
	case 24 * time.Hour:
		return fmt.Sprintf("%d %d %d * * *", second, minute, hour), ""
	}
	return "@every " + every.String(), ""
}

// offset is the connector's place within an interval.
func (c *Connector) offset(interval time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.Name)) // a hash never fails
	return time.Duration(h.Sum64() % uint64(interval)).Truncate(time.Second)
}

// interval is how often the connector runs at a given moment, where no cron pattern says.
func (c *Connector) interval(now time.Time) time.Duration {
	if now.Sub(c.CreatedAt) < 24*time.Hour {
		return c.Schedule.FirstDay
	}
	return c.Schedule.Then
}

// scheduleText is the stored form: intervals such as 1h0m0s.
type scheduleText struct {
	FirstDay string `json:"first_day"`
	Then     string `json:"then"`
	Cron     string `json:"cron,omitzero"`
	TimeZone string `json:"time_zone,omitzero"`
}

// MarshalJSONTo writes intervals as text.
func (s Schedule) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, scheduleText{
		FirstDay: s.FirstDay.String(), Then: s.Then.String(), Cron: s.Cron, TimeZone: s.TimeZone,
	})
}

// UnmarshalJSONFrom reads intervals as text.
func (s *Schedule) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t scheduleText
	if err := json.UnmarshalDecode(dec, &t); err != nil {
		return err
	}
	s.Cron, s.TimeZone = t.Cron, t.TimeZone
	var err error
	if s.FirstDay, err = time.ParseDuration(t.FirstDay); err != nil {
		return err
	}
	s.Then, err = time.ParseDuration(t.Then)
	return err
}
