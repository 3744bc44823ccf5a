package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// state is what the stream last said about the entities of one feed: the hash of each
// entity that exists. The stream is the only memory of a producer.
type state map[string]entry

type entry struct {
	hash [16]byte
	seen uint8 // how often this listing met the entity
	mine bool  // the record is of this run
}

// loadState reads the last record of every entity under filter, headers only. Records of
// deleted entities are left out: when such an entity is listed again, it is new. own tells
// which records are of an earlier attempt of this run, by their id; deleted counts those
// that delete.
func loadState(ctx context.Context, js jetstream.JetStream, filter string, own func(id string) bool) (st state, deleted int64, err error) {
	st = state{}
	err = eachLast(ctx, js, filter, true, func(msg jetstream.Msg) error {
		subject, err := schemas.ParseSubject(msg.Subject())
		if err != nil {
			return err
		}
		mine := own(msg.Headers().Get(schemas.HeaderID))
		if msg.Headers().Get(schemas.HeaderOp) == string(schemas.Delete) {
			if mine {
				deleted++
			}
			delete(st, subject.Entity)
			return nil
		}
		// A record without a readable hash counts as changed: it is published again.
		hash, _ := schemas.ParseHash(msg.Headers().Get(schemas.HeaderHash))
		st[subject.Entity] = entry{hash: hash, mine: mine}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read last state of %s from stream %s: %w", filter, schemas.StreamM365.Name, err)
	}
	return st, deleted, nil
}

// eachLast calls f with the last message of every subject under filter. Should the
// reading be interrupted, a later message of a subject may come after an earlier one,
// never before it. A message that is deleted before it is delivered is never awaited.
func eachLast(ctx context.Context, js jetstream.JetStream, filter string, headersOnly bool, f func(jetstream.Msg) error) error {
	consumer, err := js.OrderedConsumer(ctx, schemas.StreamM365.Name, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{filter},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
		HeadersOnly:    headersOnly,
	})
	if err != nil {
		return err
	}
	// The server would keep it for minutes, and takes a thousand of a stream: a hundred tenants
	// that are read one after the other would be refused.
	defer func() {
		if last := consumer.CachedInfo(); last != nil {
			_ = js.DeleteConsumer(ctx, schemas.StreamM365.Name, last.Name) // gone by itself later, if not now
		}
	}()
	info, err := consumer.Info(ctx)
	if err != nil {
		return err
	}
	if info.NumPending == 0 {
		return nil
	}
	msgs, err := consumer.Messages(jetstream.PullMaxMessages(5000))
	if err != nil {
		return err
	}
	defer msgs.Stop()
	var received uint64
	for {
		msg, err := nextBefore(ctx, msgs)
		if errors.Is(err, nats.ErrTimeout) {
			// Only the server knows whether the one we wait for still exists.
			info, err := consumer.Info(ctx)
			if err != nil {
				return err
			}
			if info.NumPending == 0 && info.Delivered.Consumer <= received {
				return nil
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := f(msg); err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		received = meta.Sequence.Consumer
		if meta.NumPending == 0 {
			return nil
		}
	}
}

// quiet is how long nothing comes before the server is asked whether anything will.
const quiet = 2 * time.Second

// nextBefore returns the next message, or nats.ErrTimeout where none comes for a while.
func nextBefore(ctx context.Context, msgs jetstream.MessagesContext) (jetstream.Msg, error) {
	wait, cancel := context.WithTimeoutCause(ctx, quiet, nats.ErrTimeout)
	defer cancel()
	msg, err := msgs.Next(jetstream.NextContext(wait))
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return nil, nats.ErrTimeout
	}
	return msg, err
}

// unseen lists the entities that the run did not meet.
func (s state) unseen() []string {
	var ids []string
	for id, e := range s {
		if e.seen == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// cursor is kept in the bucket of cursors, one per tenant and feed. It moves only after
// every record of the listing is acknowledged.
type cursor struct {
	Run      string    `json:"run"`
	Finished time.Time `json:"finished"`
	Entities int64     `json:"entities"`
	// Of a report: its refresh date and how many rows had concealed names.
	Refresh   string `json:"refresh,omitzero"`
	Concealed int64  `json:"concealed,omitzero"`
}

// errNoCursor says that a feed has never been listed completely.
var errNoCursor = errors.New("no complete listing yet")

func (s *Stores) cursor(ctx context.Context, tenant, feed string) (cursor, error) {
	var c cursor
	err := s.readCursor(ctx, tenant, feed, &c)
	return c, err
}

func (s *Stores) readCursor(ctx context.Context, tenant, feed string, into any) error {
	e, err := s.Cursors.Get(ctx, tenant+"."+feed)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return errNoCursor
	}
	if err != nil {
		return fmt.Errorf("read cursor %s.%s: %w", tenant, feed, err)
	}
	return schemas.Decode(e.Value(), into)
}

func (s *Stores) moveCursor(ctx context.Context, tenant, feed string, c cursor) error {
	return s.writeCursor(ctx, tenant, feed, c)
}

func (s *Stores) writeCursor(ctx context.Context, tenant, feed string, c any) error {
	b, err := schemas.NewEncoder().Encode(c)
	if err != nil {
		return err
	}
	if _, err := s.Cursors.Put(ctx, tenant+"."+feed, b); err != nil {
		return fmt.Errorf("move cursor %s.%s: %w", tenant, feed, err)
	}
	return nil
}
