package consumer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seatstream/seatstream/schemas"
)

// original is a record as it stands in the stream.
type original struct {
	subject string
	header  nats.Header
	body    []byte
}

// deadLetter keeps a record that no table can take, with the reason, and returns when
// the dead-letter stream has it. Until then the record is not acknowledged.
func (c *Consumer) deadLetter(ctx context.Context, l original, seq uint64, reason error) error {
	h := nats.Header{}
	for k, v := range l.header {
		if strings.HasPrefix(k, "Nats-") {
			k = "Seatstream-" + k // told the server how to store the record, and would tell it again
		}
		h[k] = v
	}
	h.Set(schemas.HeaderMsgID, c.cfg.Stream+"/"+strconv.FormatUint(seq, 10))
	h.Set(schemas.HeaderDeadReason, reason.Error())
	h.Set(schemas.HeaderDeadStream, c.cfg.Stream)
	h.Set(schemas.HeaderDeadSequence, strconv.FormatUint(seq, 10))
	h.Set(schemas.HeaderDeadSubject, l.subject)
	h.Set(schemas.HeaderDeadTime, schemas.FormatTime(time.Now()))
	out := &nats.Msg{Subject: "dlq." + l.subject, Header: h, Data: l.body}
	c.log.Warn().Err(reason).Uint64("sequence", seq).Str("subject", l.subject).Msg("record set aside as a dead letter")
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		_, err := c.js.PublishMsg(ctx, out)
		if err == nil {
			deadLetters.WithLabelValues(c.cfg.Stream).Inc()
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, nats.ErrMaxPayload) && len(out.Data) > 0 {
			// No message has room for body and reason both. The record stays in the stream.
			h.Set(schemas.HeaderDeadOmitted, strconv.Itoa(len(out.Data))+" bytes of body: too large for a message, see the stream")
			out.Data = nil
			continue
		}
		c.health.failing(transient, fmt.Errorf("store dead letter: %w", err))
		c.log.Error().Err(err).Uint64("sequence", seq).Msg("dead letter not stored, trying again")
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("dead-letter sequence %d: %w", seq, context.Cause(ctx))
		}
	}
}
