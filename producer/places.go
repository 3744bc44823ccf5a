package producer

import (
	"context"
	"sync"
)

// places are as many as there may be runs at work. A run that only waits for Graph gives
// its place away meanwhile, so that a tenant which is throttled or slow delays no other.
// Who waits for a place is served in the order of asking.
type places chan struct{}

// place is what one run holds of it.
type place struct {
	in  places
	ctx context.Context

	mu      sync.Mutex
	held    bool
	waiting int // requests of the run that wait for Graph
}

// take waits for a place for a run, which leaves it when it is over. The error is that of
// ctx.
func (p places) take(ctx context.Context) (*place, error) {
	pl := &place{in: p, ctx: ctx}
	return pl, pl.hold()
}

func (pl *place) hold() error {
	select {
	case pl.in <- struct{}{}:
		pl.held = true
		return nil
	case <-pl.ctx.Done():
		return pl.ctx.Err()
	}
}

func (pl *place) free() {
	if pl.held {
		pl.held = false
		<-pl.in
	}
}

// leave gives the place back for good.
func (pl *place) leave() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.free()
}

// yield gives the place away until resume is called, which waits for another one. Of
// several requests that wait at once, the last to go on takes it back. Where the run's
// context has ended there is none to wait for: the run ends too.
func (pl *place) yield() (resume func()) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.waiting++
	pl.free()
	return func() {
		pl.mu.Lock()
		defer pl.mu.Unlock()
		if pl.waiting--; pl.waiting == 0 {
			_ = pl.hold() // the context has ended, and whatever the run does next says so
		}
	}
}
