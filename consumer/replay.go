package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// Range is a stretch of the stream.
type Range struct {
	Filters      []string  // subject filters; none for all
	Since, Until time.Time // when records were stored in the stream; zero for no bound
	From, To     uint64    // stream sequences, both included; 0 for no bound
	Last         bool      // the last record of every entity only
	HeadersOnly  bool      // without bodies
}

// Each calls f with every message of the range that is in the stream now, in order.
func Each(ctx context.Context, js jetstream.JetStream, stream string, r Range, f func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", stream, err)
	}
	end := s.CachedInfo().State.LastSeq
	if r.To > 0 {
		end = min(end, r.To)
	}
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: r.Filters, DeliverPolicy: jetstream.DeliverAllPolicy, HeadersOnly: r.HeadersOnly}
	switch {
	case r.Last:
		cfg.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
	case !r.Since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &r.Since
	case r.From > 1:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, r.From
	}
	cons, err := s.OrderedConsumer(ctx, cfg)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	if info.NumPending == 0 {
		return nil
	}
	msgs, err := cons.Messages(jetstream.PullMaxBytes(16 << 20))
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	defer msgs.Stop()
	for {
		msg, err := msgs.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		if meta.Sequence.Stream > end || !r.Until.IsZero() && meta.Timestamp.After(r.Until) {
			return nil
		}
		if meta.Sequence.Stream < r.From {
			if meta.NumPending == 0 {
				return nil
			}
			continue
		}
		if err := f(msg, meta); err != nil {
			return err
		}
		if meta.NumPending == 0 {
			return nil
		}
	}
}

// Replay inserts a range of the stream again. The tables replace by stream sequence, so
// what they have already is not counted twice. Records that do not decode were set aside
// when they first came and are skipped. progress, where not nil, is told the rows of each
// batch.
func (c *Consumer) Replay(ctx context.Context, r Range, progress func(rows int)) (rows int64, err error) {
	// The tokens of a replay differ from the live ones: a table that lost rows would
	// otherwise refuse to take them back.
	c.salt = "replay " + schemas.NewRunID(time.Now())
	cur := newBatch()
	flush := func() error {
		if cur.rows() == 0 {
			return nil
		}
		if err := c.store(ctx, cur); err != nil {
			return err
		}
		rows += int64(cur.rows())
		if progress != nil {
			progress(cur.rows())
		}
		cur = newBatch()
		return nil
	}
	err = Each(ctx, c.js, c.cfg.Stream, r, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		env, err := schemas.ParseEnvelope(msg.Subject(), msg.Headers().Get)
		if err == nil {
			err = cur.add(&env, meta.Sequence.Stream, msg.Data())
		}
		if err != nil {
			c.log.Warn().Err(err).Uint64("sequence", meta.Sequence.Stream).Msg("record skipped")
			return nil
		}
		cur.span(meta.Sequence.Stream, len(msg.Data()))
		if uint64(cur.rows()) >= c.cfg.Grid || cur.bytes >= c.cfg.MaxSize {
			return flush()
		}
		return nil
	})
	if err != nil {
		return rows, err
	}
	return rows, flush()
}
