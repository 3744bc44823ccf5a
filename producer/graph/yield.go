package graph

import (
	"context"
	"time"
)

const (
	// slowAnswer is how long the network may take before a request counts as waiting.
	slowAnswer = time.Second
	// shortWait is a pause that is over sooner than another run would get going.
	shortWait = 50 * time.Millisecond
)

// yielder is Config.Yield, nil where nobody wants to know.
type yielder func() (resume func())

// sleep is sleep, with everything of the caller's given away meanwhile.
func (y yielder) sleep(ctx context.Context, d time.Duration, sleep func(context.Context, time.Duration) error) error {
	if y == nil || d <= shortWait {
		return sleep(ctx, d)
	}
	defer y()()
	return sleep(ctx, d)
}

// patience watches over waits for the network, one after the other: one that turns out
// long is told to the yielder.
type patience struct {
	yield yielder
	timer *time.Timer
	given chan func()
}

func (p *patience) begin() {
	switch {
	case p.yield == nil:
	case p.timer == nil:
		p.given = make(chan func(), 1)
		p.timer = time.AfterFunc(slowAnswer, func() { p.given <- p.yield() })
	default:
		p.timer.Reset(slowAnswer)
	}
}

// end returns once the caller may go on.
func (p *patience) end() {
	if p.timer != nil && !p.timer.Stop() {
		(<-p.given)()
	}
}
