package consumer

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// part is a stretch of a table's rows in one batch.
type part struct{ from, to int }

// refusal says that the server refuses rows for what is in them.
type refusal struct{ err error }

func (e *refusal) Error() string { return "rows refused: " + e.err.Error() }
func (e *refusal) Unwrap() error { return e.err }

// suspectAfter is how many refusals, with nothing taken, speak against the table rather
// than against its rows: a table whose columns were changed refuses every healthy record.
const suspectAfter = 100

// errAllRefused says that a table refuses whatever it is given.
var errAllRefused = errors.New("the table refuses every row: its columns, constraints or views were changed; mend them, nothing is set aside")

// slice cuts a part out of parallel columns.
func (p part) slice(columns []any) []any {
	out := make([]any, len(columns))
	for i, c := range columns {
		out[i] = reflect.ValueOf(c).Slice(p.from, p.to).Interface()
	}
	return out
}

// partToken names a part of a batch. Where the halves lie follows from the number of rows
// alone, so a bisection that a crash interrupts has the same parts and tokens again.
func (t *tableBatch) partToken(stream string, p part) string {
	if p.from == 0 && p.to == t.size() {
		return t.token(stream)
	}
	return t.token(stream) + ":" + strconv.Itoa(p.from) + "-" + strconv.Itoa(p.to)
}

// bisect stores a batch that was refused, in halves, level by level, and returns the rows
// that are refused alone, by their place in the batch.
func (c *Consumer) bisect(ctx context.Context, t *tableBatch, reason error) (bad map[int]error, err error) {
	type attempt struct {
		part
		reason error
	}
	bad, refused, taken := map[int]error{}, 0, false
	for queue := []attempt{{part{0, t.size()}, reason}}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		if refused++; refused > suspectAfter && !taken {
			return nil, errAllRefused
		}
		if p.to-p.from == 1 {
			bad[p.from] = p.reason
			continue
		}
		middle := p.from + (p.to-p.from)/2
		for _, half := range []part{{p.from, middle}, {middle, p.to}} {
			err := c.sendPart(ctx, t, half)
			var no *refusal
			switch {
			case err == nil:
				taken = true
			case errors.As(err, &no):
				queue = append(queue, attempt{half, no.err})
			default:
				return nil, err
			}
		}
	}
	return bad, nil
}

// setAside puts the rows of a batch that no table takes into the dead-letter stream. The
// record is read back from the stream, which keeps it.
func (c *Consumer) setAside(ctx context.Context, t *tableBatch, bad map[int]error) error {
	seqs := t.seqs()
	for i := range t.size() {
		reason, refused := bad[i]
		if !refused {
			continue
		}
		reason = fmt.Errorf("table %s: %w", t.table(), reason)
		if c.salt != "" { // it was set aside when it first came
			c.log.Warn().Err(reason).Uint64("sequence", seqs[i]).Msg("record skipped")
			continue
		}
		msg, err := c.readBack(ctx, seqs[i])
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			c.log.Error().Err(reason).Uint64("sequence", seqs[i]).Msg("record refused and no longer in the stream: a later one took its place")
			continue
		}
		if err != nil {
			return err
		}
		if err := c.deadLetter(ctx, original{msg.Subject, msg.Header, msg.Data}, seqs[i], reason); err != nil {
			return err
		}
	}
	return nil
}

func (c *Consumer) readBack(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return nil, fmt.Errorf("read refused record %d: %w", seq, err)
	}
	msg, err := stream.GetMsg(ctx, seq)
	if err != nil {
		return nil, fmt.Errorf("read refused record %d: %w", seq, err)
	}
	return msg, nil
}
