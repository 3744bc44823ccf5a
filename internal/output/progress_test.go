package output

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

// screen is a terminal that several goroutines may look at.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var s screen
	p := NewProgress(&s, true, "read\x1b[2J contoso")
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 50 {
				p.Add(1)
			}
		})
	}
	work.Wait()
	p.SetTotal(400)
	p.Describe("read fabrikam")
	p.Add(100)
	p.SetTotal(500)
	p.Add(200)
	p.SetTotal(600) // the bar had reached its end
	p.Add(1000)     // more than was said
	p.Done()
	p.Done()
	got := s.String()
	if !strings.Contains(got, "read contoso") || strings.Contains(got, "\x1b[2J contoso") {
		t.Errorf("label: %q", got)
	}
	if !strings.Contains(got, "/400") || !strings.Contains(got, "/600") {
		t.Errorf("no totals in %q", got)
	}
	if last := got[strings.LastIndex(strings.TrimRight(got, "\r"), "\r")+1:]; strings.TrimSpace(last) != "" {
		t.Errorf("the line stays: %q", last)
	}
}

func TestProgressInPipe(t *testing.T) {
	t.Parallel()
	var s screen
	p := NewProgress(&s, false, "read")
	p.SetTotal(10)
	p.Add(10)
	p.Describe("write")
	p.Done()
	if s.String() != "" {
		t.Errorf("a pipe got %q", s.String())
	}
}
