package graph

import (
	"net/http"
	"sync"
	"time"
)

// skew is how far the servers' clock is ahead of ours, by the Date of their last answer.
type skew struct {
	mu    sync.Mutex
	ahead time.Duration
	known bool
}

// note reads the Date of an answer to a request sent at that time. A Date is cut to whole
// seconds and was made somewhere between sending and now, so the middle of both is taken.
func (s *skew) note(h http.Header, sent time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || time.Since(sent) > 2*maxSkew {
		return // an answer that took so long says little of the clock
	}
	ours := sent.Add(time.Since(sent) / 2)
	ahead := date.Add(time.Second / 2).Sub(ours.Round(0))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead, s.known = ahead, true
}

// ClockSkew is how far the clock of Microsoft's servers was ahead of this machine's at
// the last answer, to about a second; negative if it was behind. known is false before
// the first answer. A sign-in with a certificate fails where the clocks differ by more
// than some minutes.
func (c *Client) ClockSkew() (ahead time.Duration, known bool) {
	c.skew.mu.Lock()
	defer c.skew.mu.Unlock()
	return c.skew.ahead, c.skew.known
}
