package consumer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/schemas"
)

// ErrOtherStream says that the tables hold rows of another stream than the one that is there:
// it was deleted and made again, or went back to an older copy. Its sequences begin below
// those of the tables, which replace by sequence, so what comes would lose against what was.
var ErrOtherStream = errors.New("the tables hold rows of another stream than this one")

// newest is the row of the tables with the highest stream sequence.
type newest struct {
	table, run string
	seq        uint64
}

// sameStream checks that the newest row of the tables is of this stream: the stream has come
// at least as far, and what it holds at the row's sequence is the row's record.
func (c *Consumer) sameStream(ctx context.Context) error {
	row, err := c.newest(ctx)
	if err != nil || row.seq == 0 {
		return err
	}
	stream, err := c.js.Stream(ctx, c.cfg.Stream) // later: no row is of a record that it had not then
	if err != nil {
		return fmt.Errorf("open stream %s: %w", c.cfg.Stream, err)
	}
	what := ""
	if last := stream.CachedInfo().State.LastSeq; row.seq > last {
		what = fmt.Sprintf("its last sequence is %d", last)
	} else {
		msg, err := stream.GetMsg(ctx, row.seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil // a limit of its history, or an erasure, has removed it
		}
		if err != nil {
			return fmt.Errorf("read sequence %d of stream %s: %w", row.seq, c.cfg.Stream, err)
		}
		env, err := schemas.ParseEnvelope(msg.Subject, msg.Header.Get)
		if err == nil && env.Run == row.run {
			return nil
		}
		what = "its record of that sequence is another"
	}
	return fmt.Errorf("%w: %s has a row of sequence %d, stream %s was deleted and made again or restored from an older copy (%s): "+
		"run \"nats stream purge %s --seq %d\", which makes it go on above the tables, then run the connectors; or make the tables anew from it: seatstream replay --fresh --discard",
		ErrOtherStream, row.table, row.seq, c.cfg.Stream, what, c.cfg.Stream, row.seq+1)
}

// newest finds the newest row among the tenants of the stream.
func (c *Consumer) newest(ctx context.Context) (n newest, err error) {
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return n, fmt.Errorf("open stream %s: %w", c.cfg.Stream, err)
	}
	ids, known := tenantsOf(stream.CachedInfo().Config.Subjects)
	if !known {
		return n, nil
	}
	where := ""
	if ids != nil {
		where = " WHERE tenant_id IN ('" + strings.Join(ids, "', '") + "')"
	}
	var parts []string
	for _, kind := range schemas.Kinds {
		r, err := newRows(kind)
		if err != nil {
			return n, err
		}
		parts = append(parts, fmt.Sprintf("(SELECT '%[1]s' AS t, run_id AS r, stream_seq AS s FROM %[2]s.%[1]s%[3]s ORDER BY stream_seq DESC LIMIT 1)",
			r.table(), schemas.Database, where))
	}
	err = c.db.QueryRow(ctx, "SELECT t, toString(r), s FROM ("+strings.Join(parts, " UNION ALL ")+") ORDER BY s DESC LIMIT 1").Scan(&n.table, &n.run, &n.seq)
	if errors.Is(err, sql.ErrNoRows) {
		return newest{}, nil
	}
	if err != nil {
		return n, fmt.Errorf("read newest row of the tables: %w", err)
	}
	return n, nil
}

// tenantsOf are the tenants whose records a stream takes: those that its subjects name, or all
// where it names none. A stream that takes no records by their subjects, since it copies
// another, is of no known tenants.
func tenantsOf(subjects []string) (ids []string, known bool) {
	for _, s := range subjects {
		if root := token(s, 0); root != schemas.Root && root != ">" && root != "*" {
			continue
		}
		tenant := token(s, 1)
		if !schemas.IsGUID(tenant) {
			return nil, true
		}
		ids = append(ids, tenant)
	}
	return ids, ids != nil
}

// Stream is the name of the consumer's stream.
func (c *Consumer) Stream() string { return c.cfg.Stream }

func (c *Consumer) takesAll(ctx context.Context) (bool, error) {
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return false, fmt.Errorf("open stream %s: %w", c.cfg.Stream, err)
	}
	ids, known := tenantsOf(stream.CachedInfo().Config.Subjects)
	return known && ids == nil, nil
}

// Takes tells whether the consumer's stream takes the records of a tenant.
func (c *Consumer) Takes(ctx context.Context, tenant string) (bool, error) {
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return false, fmt.Errorf("open stream %s: %w", c.cfg.Stream, err)
	}
	ids, known := tenantsOf(stream.CachedInfo().Config.Subjects)
	return known && (ids == nil || slices.Contains(ids, tenant)), nil
}

// belongs returns when the tables are known to be this stream's. While ClickHouse is away, or
// the tables are another stream's, it goes on asking.
func (c *Consumer) belongs(ctx context.Context) error {
	for wait := time.Duration(0); ; {
		err := c.sameStream(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		o := classify(err)
		if errors.Is(err, ErrOtherStream) {
			o = operator
		}
		first, most := o.pace()
		if wait = min(2*wait, most); wait == 0 {
			wait = first
		}
		err = why(err)
		c.health.failing(o, err)
		level := zerolog.WarnLevel
		if o != transient {
			level = zerolog.ErrorLevel
		}
		c.log.WithLevel(level).Err(err).Stringer("outcome", o).Dur("wait", wait).Msg("nothing is stored before the tables are known to be this stream's")
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
