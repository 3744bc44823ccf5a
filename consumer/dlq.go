package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// Letter is a record that no table could take.
type Letter struct {
	Sequence uint64 // in the dead-letter stream
	Origin   uint64 // in the stream it came from
	Stream   string
	Subject  string // of the record
	Reason   string
	Time     time.Time // when it was set aside
	Tries    int       // how often it was requeued in vain
	Omitted  bool      // the body found no room: it is in the stream
	Header   nats.Header
	Body     []byte
}

// Kind is the kind in the letter's subject, which may be none that is known.
func (l *Letter) Kind() string { return token(l.Subject, 2) }

// Tenant is the tenant in the letter's subject.
func (l *Letter) Tenant() string { return token(l.Subject, 1) }

func token(subject string, n int) string {
	if parts := strings.Split(subject, "."); len(parts) > n {
		return parts[n]
	}
	return ""
}

func letter(seq uint64, h nats.Header, body []byte) *Letter {
	l := &Letter{
		Sequence: seq, Stream: h.Get(schemas.HeaderDeadStream), Subject: h.Get(schemas.HeaderDeadSubject),
		Reason: h.Get(schemas.HeaderDeadReason), Omitted: h.Get(schemas.HeaderDeadOmitted) != "", Header: h, Body: body,
	}
	// Headers that do not parse leave a zero: the letter is still shown.
	l.Origin, _ = strconv.ParseUint(h.Get(schemas.HeaderDeadSequence), 10, 64)
	l.Tries, _ = strconv.Atoi(h.Get(schemas.HeaderDeadTries))
	l.Time, _ = time.Parse(time.RFC3339Nano, h.Get(schemas.HeaderDeadTime))
	return l
}

// Letters calls f with every dead letter, oldest first, without bodies.
func Letters(ctx context.Context, js jetstream.JetStream, f func(*Letter) error) error {
	return Each(ctx, js, schemas.StreamDLQ.Name, Range{HeadersOnly: true}, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		return f(letter(meta.Sequence.Stream, msg.Headers(), nil))
	})
}

// ReadLetter returns one dead letter whole.
func ReadLetter(ctx context.Context, js jetstream.JetStream, seq uint64) (*Letter, error) {
	stream, err := js.Stream(ctx, schemas.StreamDLQ.Name)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", schemas.StreamDLQ.Name, err)
	}
	msg, err := stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("no dead letter %d: seatstream dlq list --each shows all", seq)
	}
	if err != nil {
		return nil, fmt.Errorf("read dead letter %d: %w", seq, err)
	}
	return letter(seq, msg.Header, msg.Data), nil
}

// deadSequences are the records of this stream that a dead letter keeps.
func (c *Consumer) deadSequences(ctx context.Context) (map[uint64]bool, error) {
	dead := map[uint64]bool{}
	err := Letters(ctx, c.js, func(l *Letter) error {
		if l.Stream == c.cfg.Stream {
			dead[l.Origin] = true
		}
		return nil
	})
	return dead, err
}

// Requeue stores the record that a dead letter keeps. It keeps its sequence, so it takes
// its place in the history, and an older record never replaces a newer state. The letter
// is removed only once the record is stored; where no table takes it still, the letter
// stays, with the new reason, and why holds that reason.
func (c *Consumer) Requeue(ctx context.Context, l *Letter) (why error, err error) {
	stream, err := c.js.Stream(ctx, schemas.StreamDLQ.Name)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", schemas.StreamDLQ.Name, err)
	}
	body := l.Body
	if l.Omitted {
		if body, err = c.original(ctx, l); err != nil {
			return err, nil
		}
	}
	b := newBatch()
	env, why := schemas.ParseEnvelope(l.Subject, l.Header.Get)
	if why == nil {
		why = b.add(&env, l.Origin, body)
	}
	if why == nil {
		why = c.salted("requeue "+strconv.FormatUint(l.Sequence, 10)+" "+strconv.Itoa(l.Tries)).insert(ctx, b.tables[env.Subject.Kind], part{0, 1})
		if why != nil && classify(why) != poison {
			return nil, why // the letter stays as it is: it is the server that could not
		}
	}
	if why != nil {
		return why, c.keep(ctx, stream, l, why)
	}
	if err := stream.SecureDeleteMsg(ctx, l.Sequence); err != nil && !gone(err) {
		return nil, fmt.Errorf("remove dead letter %d, whose record is stored: %w", l.Sequence, err)
	}
	return nil, nil
}

// original reads the body of a record whose letter had no room for it.
func (c *Consumer) original(ctx context.Context, l *Letter) ([]byte, error) {
	stream, err := c.js.Stream(ctx, l.Stream)
	if err != nil {
		return nil, fmt.Errorf("open stream %q: %w", l.Stream, err)
	}
	msg, err := stream.GetMsg(ctx, l.Origin)
	if err != nil {
		return nil, fmt.Errorf("read record %d of stream %s, whose body the letter lacks: %w", l.Origin, l.Stream, err)
	}
	return msg.Data, nil
}

// keep writes the letter again with its new reason and then removes the old one.
func (c *Consumer) keep(ctx context.Context, stream jetstream.Stream, l *Letter, why error) error {
	if l.Reason == why.Error() {
		return nil
	}
	h := nats.Header{}
	for k, v := range l.Header {
		if !strings.HasPrefix(k, "Nats-") {
			h[k] = slices.Clone(v)
		}
	}
	tries := strconv.Itoa(l.Tries + 1)
	h.Set(schemas.HeaderDeadReason, why.Error())
	h.Set(schemas.HeaderDeadTries, tries)
	h.Set(schemas.HeaderMsgID, l.Stream+"/"+strconv.FormatUint(l.Origin, 10)+"/"+tries)
	if _, err := c.js.PublishMsg(ctx, &nats.Msg{Subject: "dlq." + l.Subject, Header: h, Data: l.Body}); err != nil {
		return fmt.Errorf("keep dead letter %d with its new reason: %w", l.Sequence, err)
	}
	if err := stream.SecureDeleteMsg(ctx, l.Sequence); err != nil {
		return fmt.Errorf("remove dead letter %d, which is kept anew: %w", l.Sequence, err)
	}
	return nil
}

// gone tells whether a message could not be deleted because it is no longer there. The
// client wraps the server's error as text only.
func gone(err error) bool {
	return errors.Is(err, jetstream.ErrMsgNotFound) ||
		errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) && strings.Contains(err.Error(), "no message found")
}
