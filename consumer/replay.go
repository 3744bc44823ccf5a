package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
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

// ordered is the consumer that begins where the range does.
func (r *Range) ordered() jetstream.OrderedConsumerConfig {
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: r.Filters, DeliverPolicy: jetstream.DeliverAllPolicy, HeadersOnly: r.HeadersOnly}
	switch {
	case r.Last:
		cfg.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
	case !r.Since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &r.Since
	case r.From > 1:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, r.From
	}
	return cfg
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
	cons, err := s.OrderedConsumer(ctx, r.ordered())
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
	var received uint64
	for {
		msg, err := next(ctx, msgs)
		if errors.Is(err, nats.ErrTimeout) {
			// A message that was deleted meanwhile never comes: only the server knows.
			info, err := cons.Info(ctx)
			if err != nil {
				return fmt.Errorf("read stream %s: %w", stream, err)
			}
			if info.NumPending == 0 && info.Delivered.Consumer <= received {
				return nil
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		received = meta.Sequence.Consumer
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

// next returns the next message, or nats.ErrTimeout where none comes for a while.
func next(ctx context.Context, msgs jetstream.MessagesContext) (jetstream.Msg, error) {
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	msg, err := msgs.Next(jetstream.NextContext(wait))
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return nil, nats.ErrTimeout
	}
	return msg, err
}

// ReplayState is where a replay stands. It is kept in the bucket of cursors, so that one
// that was paused or killed goes on from there.
type ReplayState struct {
	Range Range  `json:"range"`
	Next  uint64 `json:"next"` // first sequence that is not stored yet
	Rows  int64  `json:"rows"`
	Salt  string `json:"salt"` // sets its tokens apart from the live ones
	Grid  uint64 `json:"grid"`
	Done  bool   `json:"done"`
}

// ErrNoReplay says that no replay has the name.
var ErrNoReplay = errors.New("no replay of this name was paused")

func replayKey(name string) string { return "replay." + name }

// Paused returns where the replay of a name stands.
func (c *Consumer) Paused(ctx context.Context, name string) (*ReplayState, error) {
	e, err := c.cursors.Get(ctx, replayKey(name))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, ErrNoReplay
	}
	if err != nil {
		return nil, fmt.Errorf("read replay %s: %w", name, err)
	}
	st := &ReplayState{}
	if err := schemas.Decode(e.Value(), st); err != nil {
		return nil, fmt.Errorf("read replay %s: %w", name, err)
	}
	if st.Done {
		return nil, ErrNoReplay
	}
	return st, nil
}

// Replay inserts a range of the stream again. The tables replace by stream sequence, so
// what they have already is not counted twice. Records that do not decode were set aside
// when they first came and are skipped. progress, where not nil, is told the rows of each
// batch.
func (c *Consumer) Replay(ctx context.Context, r Range, progress func(rows int)) (rows int64, err error) {
	st, err := c.NewReplay(ctx, r)
	if err != nil {
		return 0, err
	}
	err = c.Continue(ctx, "", st, progress)
	return st.Rows, err
}

// NewReplay plans a replay up to the record that is the stream's last now. Times become
// sequences here, once, so that a replay that goes on later is the same one.
func (c *Consumer) NewReplay(ctx context.Context, r Range) (*ReplayState, error) {
	if err := c.sameStream(ctx); err != nil {
		return nil, err
	}
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", c.cfg.Stream, err)
	}
	last := stream.CachedInfo().State.LastSeq
	if r.To == 0 || r.To > last {
		r.To = last
	}
	if !r.Since.IsZero() {
		first, err := firstSince(ctx, stream, r.Since)
		if err != nil {
			return nil, err
		}
		r.From = max(r.From, first)
	}
	if !r.Until.IsZero() {
		behind, err := firstSince(ctx, stream, r.Until.Add(1))
		if err != nil {
			return nil, err
		}
		r.To = min(r.To, behind-1)
	}
	r.Since, r.Until = time.Time{}, time.Time{}
	r.From = max(1, r.From)
	// The tokens of a replay differ from the live ones: a table that lost rows would
	// otherwise refuse to take them back.
	return &ReplayState{Range: r, Next: r.From, Salt: "replay " + schemas.NewRunID(time.Now()), Grid: c.cfg.Grid}, nil
}

// Continue replays from where st stands and, where name is not empty, keeps that behind
// every batch. Batches end on the grid of sequences: a batch that was stored when the
// replay was killed, and is not in the kept state, is made again from the same records and
// refused by its token. Within the tokens' window a replay that was killed and goes on so
// leaves each record once even in the raw tables; later, and beside rows that were there
// before, the tables' keys make it one.
func (c *Consumer) Continue(ctx context.Context, name string, st *ReplayState, progress func(rows int)) error {
	if st.Next > st.Range.To {
		return c.keepReplay(ctx, name, st, true)
	}
	r := c.salted(st.Salt)
	cur := newBatch()
	flush := func(next uint64) error {
		if err := r.store(ctx, cur); err != nil {
			return err
		}
		st.Next, st.Rows = next, st.Rows+int64(cur.rows())
		if progress != nil && cur.rows() > 0 {
			progress(cur.rows())
		}
		cur = newBatch()
		return c.keepReplay(ctx, name, st, false)
	}
	rest := st.Range
	rest.From = st.Next
	err := Each(ctx, c.js, c.cfg.Stream, rest, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		seq := meta.Sequence.Stream
		if !cur.empty() && ((seq-1)/st.Grid != (cur.first-1)/st.Grid || cur.bytes >= c.cfg.MaxSize) {
			if err := flush(seq); err != nil {
				return err
			}
		}
		env, err := schemas.ParseEnvelope(msg.Subject(), msg.Headers().Get)
		if err == nil {
			err = cur.add(&env, seq, msg.Data())
		}
		if err != nil {
			c.log.Warn().Err(err).Uint64("sequence", seq).Msg("record skipped")
			return nil
		}
		cur.span(seq, len(msg.Data()))
		return nil
	})
	if err != nil {
		return err
	}
	if err := flush(st.Range.To + 1); err != nil {
		return err
	}
	return c.keepReplay(ctx, name, st, true)
}

func (c *Consumer) keepReplay(ctx context.Context, name string, st *ReplayState, done bool) error {
	if name == "" {
		return nil
	}
	st.Done = done
	b, err := schemas.NewEncoder().Encode(st)
	if err != nil {
		return err
	}
	if _, err := c.cursors.Put(ctx, replayKey(name), b); err != nil {
		return fmt.Errorf("keep replay %s at sequence %d: %w", name, st.Next, err)
	}
	return nil
}

// Count is how many messages of the range are in the stream, for a progress line.
func Count(ctx context.Context, js jetstream.JetStream, stream string, r Range) (uint64, error) {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("open stream %s: %w", stream, err)
	}
	pending := func(from uint64) (uint64, error) {
		cons, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
			FilterSubjects: r.Filters, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(1, from), HeadersOnly: true,
		})
		if err != nil {
			return 0, fmt.Errorf("count records of stream %s: %w", stream, err)
		}
		info, err := cons.Info(ctx)
		if err != nil {
			return 0, fmt.Errorf("count records of stream %s: %w", stream, err)
		}
		return info.NumPending, nil
	}
	n, err := pending(r.From)
	if err != nil || r.To == 0 || r.To >= s.CachedInfo().State.LastSeq {
		return n, err
	}
	behind, err := pending(r.To + 1)
	return n - min(n, behind), err
}
