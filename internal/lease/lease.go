// Package lease gives one holder at a time the right to a name, through a key-value
// bucket whose entries expire.
package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TTL is how long a name stays taken after its holder died.
const TTL = 8 * time.Second

// ErrHeld says that somebody else holds the name.
var ErrHeld = errors.New("held by another")

// Take takes name for holder. The returned context ends when the lease is lost, so that a
// holder that was thought dead does not act beside its successor. release gives the name
// back; a lease that cannot be given back ends by itself after TTL.
func Take(ctx context.Context, bucket jetstream.KeyValue, name, holder string) (held context.Context, release func(), err error) {
	rev, err := bucket.Create(ctx, name, []byte(holder))
	if errors.Is(err, jetstream.ErrKeyExists) {
		return nil, nil, ErrHeld
	}
	if err != nil {
		return nil, nil, fmt.Errorf("take lease %s: %w", name, err)
	}
	held, cancel := context.WithCancelCause(ctx)
	l := &lease{bucket: bucket, name: name, holder: holder, rev: rev, cancel: cancel, done: make(chan struct{})}
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
	cancel       context.CancelCauseFunc
	done         chan struct{}
}

// keep renews the lease until it is released or lost. It is lost when another revision
// stands in the bucket, or when no renewal succeeded for so long that it may expire.
func (l *lease) keep(ctx context.Context) {
	defer close(l.done)
	tick := time.NewTicker(TTL / 5)
	defer tick.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// A renewal under way is seen through even when the lease is released meanwhile:
		// without the revision it made, the name could not be given back.
		one, stop := context.WithTimeout(context.WithoutCancel(ctx), TTL/5)
		rev, err := l.bucket.Update(one, l.name, []byte(l.holder), l.rev)
		stop()
		switch {
		case err == nil:
			l.rev, renewed = rev, time.Now()
		case ctx.Err() != nil:
			return
		case errors.Is(err, jetstream.ErrKeyExists) || time.Since(renewed) > TTL*3/5:
			l.cancel(fmt.Errorf("lost lease %s: %w", l.name, err))
			return
		}
	}
}
