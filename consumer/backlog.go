package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Backlog is what of a stream is not stored yet.
type Backlog struct {
	Records uint64
	Age     time.Duration // how long the oldest of them has been in the stream; 0 where there is none
}

// Backlog is how far the tables are behind the stream.
func (c *Consumer) Backlog(ctx context.Context) (Backlog, error) {
	n, err := c.Lag(ctx)
	if err != nil || n == 0 {
		return Backlog{}, err
	}
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return Backlog{}, fmt.Errorf("read lag: %w", err)
	}
	cons, err := stream.Consumer(ctx, c.cfg.Durable)
	if err != nil {
		return Backlog{}, fmt.Errorf("read lag: %w", err)
	}
	next := cons.CachedInfo().AckFloor.Stream + 1
	oldest, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(">")) // or the next there is
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Backlog{}, nil // stored, or gone, since
	}
	if err != nil {
		return Backlog{}, fmt.Errorf("read lag: %w", err)
	}
	return Backlog{Records: n, Age: max(0, time.Since(oldest.Time))}, nil
}

// The backlog is looked at every lookEvery while a stream is owned, and logged where the
// oldest record has waited for longer than lateAfter.
const (
	lookEvery = 15 * time.Second
	lateAfter = 10 * time.Second
)

// watch shows the backlog, and logs it while it is large.
func (c *Consumer) watch(ctx context.Context) {
	c.countFailures()
	defer c.forgetBacklog()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if b, err := c.Backlog(ctx); err == nil {
			c.showBacklog(b)
			c.tellBacklog(b)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *Consumer) tellBacklog(b Backlog) {
	if b.Age >= lateAfter {
		c.log.Info().Uint64("records", b.Records).Dur("age", b.Age).AnErr("held_up_by", c.Healthy()).Msg("tables are behind the stream")
	}
}
