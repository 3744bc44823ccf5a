package output

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressInterval is how often the line is drawn again at most, and how often the
// spinner turns while nothing arrives.
const progressInterval = 100 * time.Millisecond

// Progress tells a waiting person that work goes on: count, rate and, once a total is
// known, a bar with the time left. It removes itself when done, so that only results
// stay on the screen. A nil Progress and one in a pipe are silent. Its methods may be
// called from any goroutine.
type Progress struct {
	mu      sync.Mutex
	bar     *progressbar.ProgressBar
	w       io.Writer
	label   string
	count   int64
	total   int64
	done    chan struct{}
	stopped sync.WaitGroup
}

// NewProgress starts a line with a spinner on w, usually standard error; with
// isTerminal false nothing is ever written. Done must follow.
func NewProgress(w io.Writer, isTerminal bool, label string) *Progress {
	if !isTerminal {
		return nil
	}
	p := &Progress{w: w, label: clean(label), total: -1, done: make(chan struct{})}
	p.bar = p.newBar()
	// The bar's own ticker reads its state without a lock and outlives the bar.
	p.stopped.Go(p.turn)
	return p
}

func (p *Progress) newBar() *progressbar.ProgressBar {
	return progressbar.NewOptions64(p.total,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(p.label),
		progressbar.OptionSetWidth(24),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(""),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionThrottle(progressInterval),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetRenderBlankState(true),
	)
}

func (p *Progress) turn() {
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			p.Add(0)
		}
	}
}

// Add counts n more. A line that cannot be drawn is no reason to stop the work, so
// errors of the terminal are dropped.
func (p *Progress) Add(n int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count += n
	_ = p.bar.Add64(n)
}

// SetTotal says how many there will be, as soon as that is known; it may grow.
func (p *Progress) SetTotal(total int64) {
	if p == nil || total <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if total == p.total {
		return
	}
	spinning := p.total < 0
	p.total = total
	if spinning || p.bar.IsFinished() {
		// A spinner counts in a circle and a finished bar stays finished: neither can
		// become a bar that is partly full.
		_ = p.bar.Clear()
		p.bar = p.newBar()
		_ = p.bar.Set64(p.count)
		return
	}
	p.bar.ChangeMax64(total)
}

// Describe changes the label, such as to the tenant being read.
func (p *Progress) Describe(label string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.label = clean(label)
	p.bar.Describe(p.label)
}

// Done removes the line. More calls do nothing.
func (p *Progress) Done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	select {
	case <-p.done:
		p.mu.Unlock()
		return
	default:
		close(p.done)
	}
	p.mu.Unlock()
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.bar.Finish()
	_ = p.bar.Clear()
}
