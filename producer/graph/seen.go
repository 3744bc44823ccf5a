package graph

import "sync"

// reportsSeen remembers of each report what the last whole reading showed, for checks: a
// report's date and whether it is concealed stand in its rows alone.
type reportsSeen struct {
	mu sync.Mutex
	m  map[string]reportSeen
}

type reportSeen struct {
	refreshed string // YYYY-MM-DD
	rows      int64
	concealed int64
}

func (s *reportsSeen) note(function string, r ReportResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]reportSeen{}
	}
	s.m[function] = reportSeen{r.RefreshDate, r.Rows, r.Concealed}
}

func (s *reportsSeen) of(function string) (reportSeen, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.m[function]
	return r, ok
}
