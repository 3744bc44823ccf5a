package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/schemas"
)

// reader cuts what it reads into batches and hands them to the inserting side, one
// ahead: a batch is decoded while the one before is stored.
type reader struct {
	c      *Consumer
	cons   jetstream.Consumer
	acked  uint64        // stream sequence up to which everything is stored
	cuts   cutLog        // time cuts, those of before a crash included
	ready  chan struct{} // holds a token while the inserting side is idle
	next   uint64        // consumer sequence the next message must have
	await  uint64        // consumer sequence that the last look at the server found on its way
	heard  time.Time     // when the last message came, or the server was last looked at
	cur    *batch
	since  time.Time     // when the current batch got its first message
	stored atomic.Uint64 // stream sequence up to which this reader has acknowledged
	end    bool          // the last message was the last one of the stream
}

// idleAfter is how long nothing may come before the reader asks whether that is so.
const idleAfter = 5 * time.Second

// errGap says that messages did not reach the reader. Acknowledging past them would lose
// them, so the consumer is reset.
var errGap = errors.New("messages are missing between server and reader")

// errFloor says that acknowledgements do not count: one of an earlier owner, with a higher
// number of its own, stands at the server. After a reset they count again.
var errFloor = errors.New("acknowledgements are not counted")

func (r *reader) run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	batches := make(chan *batch, 1)
	r.ready = make(chan struct{}, 1)
	r.ready <- struct{}{}
	g.Go(func() error {
		defer close(batches)
		return r.read(gctx, batches)
	})
	g.Go(func() error {
		for b := range batches {
			if err := r.c.finish(gctx, b); err != nil {
				return err
			}
			r.stored.Store(b.last)
			r.ready <- struct{}{}
		}
		return nil
	})
	return g.Wait()
}

func (r *reader) read(ctx context.Context, batches chan<- *batch) error {
	msgs, err := r.cons.Messages(jetstream.PullMaxBytes(16<<20), jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return fmt.Errorf("read stream %s: %w", r.c.cfg.Stream, err)
	}
	defer msgs.Stop()
	r.cur, r.heard = newBatch(), time.Now()
	for {
		msg, err := r.nextMsg(ctx, msgs)
		switch {
		case err == nil:
			if err := r.take(ctx, msg, batches); err != nil {
				return err
			}
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			if err := r.idle(ctx); err != nil {
				return err
			}
			if r.cur.empty() {
				continue
			}
			if err := r.linger(ctx, batches); err != nil {
				return err
			}
		default:
			return fmt.Errorf("read stream %s: %w", r.c.cfg.Stream, err)
		}
	}
}

// nextMsg waits for a message, but no longer than the current batch may linger.
func (r *reader) nextMsg(ctx context.Context, msgs jetstream.MessagesContext) (jetstream.Msg, error) {
	wait := idleAfter
	if !r.cur.empty() {
		wait = time.Until(r.since.Add(r.c.cfg.Linger))
	}
	if wait <= 0 {
		return nil, context.DeadlineExceeded
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return msgs.Next(jetstream.NextContext(ctx))
}

// idle looks at the server when nothing has come for a while. A request of an earlier
// reader may still stand there; messages that the server hands to it are lost to this one,
// and without a later message nothing would show the gap. What is still on its way at two
// looks in a row does not come any more.
func (r *reader) idle(ctx context.Context) error {
	if time.Since(r.heard) < idleAfter {
		return nil
	}
	r.heard = time.Now()
	info, err := r.cons.Info(ctx)
	if err != nil {
		return fmt.Errorf("look at consumer %s: %w", r.c.cfg.Durable, err)
	}
	if stored := r.stored.Load(); info.AckFloor.Stream < stored {
		return fmt.Errorf("%w: the server has %d, stored is %d", errFloor, info.AckFloor.Stream, stored)
	}
	if info.Delivered.Consumer < r.next {
		r.await, r.end = 0, info.NumPending == 0 // what was to come may have been deleted
		return nil
	}
	if r.await == r.next {
		return fmt.Errorf("%w: consumer sequence %d was sent and did not come", errGap, r.next)
	}
	r.await = r.next
	return nil
}

// take puts one message into its batch.
func (r *reader) take(ctx context.Context, msg jetstream.Msg, batches chan<- *batch) error {
	meta, err := msg.Metadata()
	if err != nil {
		return fmt.Errorf("read message metadata: %w", err)
	}
	seq := meta.Sequence.Stream
	r.end = meta.NumPending == 0
	r.heard = time.Now()
	if meta.Sequence.Consumer != r.next {
		return fmt.Errorf("%w: consumer sequence %d after %d", errGap, meta.Sequence.Consumer, r.next-1)
	}
	r.next = meta.Sequence.Consumer + 1
	if seq <= r.acked || seq <= r.cur.last {
		return nil // delivered again; it is stored, or in hand
	}
	if r.boundary(seq) {
		if err := r.close(ctx, batches); err != nil {
			return err
		}
	}
	if r.cur.empty() {
		r.since = time.Now()
	}
	env, err := schemas.ParseEnvelope(msg.Subject(), msg.Headers().Get)
	if err == nil {
		err = r.cur.add(&env, seq, msg.Data())
	}
	if err != nil {
		if err := r.c.deadLetter(ctx, original{msg.Subject(), msg.Headers(), msg.Data()}, seq, err); err != nil {
			return err
		}
		r.cur.dead++
	}
	r.cur.span(seq, len(msg.Data()))
	r.cur.ack = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return msg.DoubleAck(ctx)
	}
	return nil
}

// boundary reports whether the batch must end before seq. Boundaries lie on a grid of
// stream sequences, so that the same messages make the same batches after a crash and in
// a replay. A cut by time is recorded before its batch is inserted, and kept.
func (r *reader) boundary(seq uint64) bool {
	if r.cur.empty() {
		return false
	}
	if k, ok := r.cuts.find(r.cur.first); ok {
		return seq > k.Last
	}
	grid := r.c.cfg.Grid
	return (seq-1)/grid != (r.cur.first-1)/grid || r.cur.bytes >= r.c.cfg.MaxSize
}

// close hands a batch that is full to the inserting side, once that is idle.
func (r *reader) close(ctx context.Context, batches chan<- *batch) error {
	select {
	case <-r.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	batches <- r.cur
	last := r.cur.last
	r.cur = newBatch()
	r.cur.last = last
	return nil
}

// linger closes a batch whose time is up. While the inserting side is busy the batch
// goes on growing instead.
func (r *reader) linger(ctx context.Context, batches chan<- *batch) error {
	if len(r.ready) == 0 {
		r.since = time.Now()
		return nil
	}
	k, known := r.cuts.find(r.cur.first)
	if !r.end && (!known || k.Last > r.cur.last) {
		// More is on its way. Before a crash the batch may have reached its cut or its
		// boundary on the grid: it must end there again, however slowly that comes.
		r.since = time.Now()
		return nil
	}
	if !known {
		if err := r.c.recordCut(ctx, &r.cuts, cut{First: r.cur.first, Last: r.cur.last}); err != nil {
			return err
		}
	}
	return r.close(ctx, batches)
}

// finish stores a batch and acknowledges it. An acknowledgement that fails costs a
// repetition, nothing else: the tables are the truth.
func (c *Consumer) finish(ctx context.Context, b *batch) error {
	started := time.Now()
	if err := c.store(ctx, b); err != nil {
		return err
	}
	if err := lease.Check(ctx); err != nil {
		return err // who owns the stream now acknowledges
	}
	if err := b.ack(); err != nil {
		return fmt.Errorf("acknowledge up to sequence %d: %w", b.last, err)
	}
	c.countBatch(b, time.Since(started))
	c.log.Debug().Uint64("first", b.first).Uint64("last", b.last).Int("rows", b.rows()).Int("dead", b.dead).
		Dur("took", time.Since(started)).Msg("batch stored")
	return nil
}
