// Package lease gives one holder at a time the right to a name, through a key-value
// bucket whose entries expire.
package lease

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TTL is how long a name stays taken after its holder died. It is longer than the time a
// holder may act after a renewal (safe) and the ten seconds together for which a server
// waits for the end of an atomic batch: what a holder had half sent when its process was
// stopped is dropped before another can take the name.
const TTL = 20 * time.Second

// ErrHeld says that somebody else holds the name.
var ErrHeld = errors.New("held by another")

// ErrLost is why the context of a holder ended whose lease is over, or may be.
var ErrLost = errors.New("lost lease")

// Take takes name for holder. The returned context ends when the lease is lost, so that a
// holder that was thought dead does not act beside its successor. release gives the name
// back; a lease that cannot be given back ends by itself after TTL.
func Take(ctx context.Context, bucket jetstream.KeyValue, name, holder string) (held context.Context, release func(), err error) {
	asked := time.Now()
	rev, err := bucket.Create(ctx, name, []byte(holder))
	if errors.Is(err, jetstream.ErrKeyExists) {
		return nil, nil, ErrHeld
	}
	if err != nil {
		return nil, nil, fmt.Errorf("take lease %s: %w", name, err)
	}
	held, cancel := context.WithCancelCause(ctx)
	l := &lease{bucket: bucket, name: name, holder: holder, rev: rev, cancel: cancel, done: make(chan struct{})}
	l.renewed.Store(&asked)
	held = context.WithValue(held, key{}, l)
	go l.keep(held)
	return held, func() {
		cancel(nil)
		<-l.done
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		_ = bucket.Purge(ctx, name, jetstream.LastRevision(l.rev)) // ends by itself otherwise
	}, nil
}

type lease struct {
	bucket       jetstream.KeyValue
	name, holder string
	rev          uint64
	renewed      atomic.Pointer[time.Time] // when the last renewal that succeeded was asked for
	cancel       context.CancelCauseFunc
	done         chan struct{}
}

type key struct{}

// safe is how long after a renewal its holder may act.
const safe = TTL * 2 / 5

// Check returns an error, and ends the context, where the lease that ctx came with may have
// expired. A process that was stopped for a while and goes on acts before its renewals
// can tell it that the lease is lost; so whoever changes something under a lease checks
// it first. Without a lease there is nothing to check.
func Check(ctx context.Context) error {
	l, ok := ctx.Value(key{}).(*lease)
	if !ok {
		return nil
	}
	if since := time.Since(*l.renewed.Load()); since > safe {
		l.cancel(fmt.Errorf("%w %s: not renewed for %s", ErrLost, l.name, since.Round(time.Millisecond)))
	}
	return context.Cause(ctx)
}

// keep renews the lease until it is released or lost. It is lost when another revision
// stands in the bucket, or when no renewal succeeded for so long that it may expire.
func (l *lease) keep(ctx context.Context) {
	defer close(l.done)
	tick := time.NewTicker(TTL / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// A renewal under way is seen through even when the lease is released meanwhile:
		// without the revision it made, the name could not be given back.
		one, stop := context.WithTimeout(context.WithoutCancel(ctx), TTL/10)
		asked := time.Now()
		rev, err := l.renew(one)
		stop()
		switch {
		case err == nil:
			l.rev = rev
			l.renewed.Store(&asked)
		case ctx.Err() != nil:
			return
		case errors.Is(err, jetstream.ErrKeyExists) || time.Since(*l.renewed.Load()) > safe:
			l.cancel(fmt.Errorf("%w %s: %w", ErrLost, l.name, err))
			return
		}
	}
}

// renew writes the lease again. A renewal whose answer was lost stands at the server with a
// revision that is not known here: where the name is still this holder's, it goes on from
// there.
func (l *lease) renew(ctx context.Context) (uint64, error) {
	rev, err := l.bucket.Update(ctx, l.name, []byte(l.holder), l.rev)
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return rev, err
	}
	e, readErr := l.bucket.Get(ctx, l.name)
	if readErr != nil || string(e.Value()) != l.holder {
		return 0, err
	}
	return l.bucket.Update(ctx, l.name, []byte(l.holder), e.Revision())
}
