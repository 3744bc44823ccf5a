package graphsim

import "time"

// calendar turns simulated day numbers into dates. Day 0 is the start date and
// days before it are negative. Dates near the start are formatted once, since
// every user carries several of them.
type calendar struct {
	start   time.Time
	weekday int // of day 0, Sunday = 0
	text    []byte
}

const (
	calendarFirst = -4500
	calendarLast  = 3000
	dateWidth     = len("2006-01-02")
)

func newCalendar(start time.Time) *calendar {
	c := &calendar{start: start, weekday: int(start.Weekday())}
	c.text = make([]byte, 0, (calendarLast-calendarFirst+1)*dateWidth)
	for d := calendarFirst; d <= calendarLast; d++ {
		c.text = c.date(d).AppendFormat(c.text, time.DateOnly)
	}
	return c
}

func (c *calendar) date(day int) time.Time { return c.start.AddDate(0, 0, day) }

// dayOf is the day number of a date, the inverse of date.
func (c *calendar) dayOf(t time.Time) int {
	return int(t.Sub(c.start).Round(time.Hour) / (24 * time.Hour))
}

// appendDate writes the day as YYYY-MM-DD.
func (c *calendar) appendDate(b []byte, day int) []byte {
	if day < calendarFirst || day > calendarLast {
		return c.date(day).AppendFormat(b, time.DateOnly)
	}
	at := (day - calendarFirst) * dateWidth
	return append(b, c.text[at:at+dateWidth]...)
}

// appendTime writes the day and a second of that day as 2006-01-02T15:04:05Z.
func (c *calendar) appendTime(b []byte, day int, second uint64) []byte {
	b = c.appendDate(b, day)
	s := second % 86400
	b = append(b, 'T')
	b = appendTwo(b, s/3600)
	b = append(b, ':')
	b = appendTwo(b, s/60%60)
	b = append(b, ':')
	b = appendTwo(b, s%60)
	return append(b, 'Z')
}

func appendTwo(b []byte, n uint64) []byte {
	return append(b, byte('0'+n/10), byte('0'+n%10))
}

// workday moves a day that falls on a weekend back to its Friday: people work
// on weekdays, and a position that ignores this looks machine-made.
func (c *calendar) workday(day int) int {
	switch ((c.weekday+day)%7 + 7) % 7 {
	case 6:
		return day - 1
	case 0:
		return day - 2
	}
	return day
}
