package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/schemas"
)

// insert stores a part of one table's rows. A second call with the same rows stores nothing
// more: the token is refused within its window, and the tables replace by stream sequence.
func (c *Consumer) insert(ctx context.Context, t *tableBatch, p part) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplication_token":                         t.partToken(c.cfg.Stream+c.salt, p),
		"insert_deduplicate":                                 1,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"async_insert":                                       0, // the server's default is 1 since 26.2
		"max_insert_block_size":                              1_048_449,
		"insert_null_as_default":                             0,
	}))
	names, values := t.columns()
	values = p.slice(values)
	b, err := c.db.PrepareBatch(ctx, "INSERT INTO "+c.database+"."+t.table()+" ("+strings.Join(names, ", ")+")")
	if err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", p.to-p.from, t.table(), err)
	}
	for i := range values {
		if err := b.Column(i).Append(values[i]); err != nil {
			_ = b.Abort() // the batch is given up anyway
			return fmt.Errorf("insert into %s: column %s: %w", t.table(), names[i], &rowError{err})
		}
	}
	if err := b.Send(); err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", p.to-p.from, t.table(), err)
	}
	return nil
}

// store inserts all tables of a batch, evidence last, and retries each until it is
// stored. It returns only when the batch is stored, the stream is lost or ctx is done.
func (c *Consumer) store(ctx context.Context, b *batch) error {
	for _, kind := range schemas.Kinds { // runs are last: evidence never shows before what it is about
		if t := b.tables[kind]; t != nil {
			if err := c.storeTable(ctx, t); err != nil {
				return err
			}
		}
	}
	c.health.healthy()
	return nil
}

// storeTable stores one table's rows but for those that the server refuses for what is in
// them, which are set aside. Where it refuses all, the table is at fault and none is.
func (c *Consumer) storeTable(ctx context.Context, t *tableBatch) error {
	for first, most := operator.pace(); ; first = min(2*first, most) {
		err := c.sendPart(ctx, t, part{0, t.size()})
		var no *refusal
		if !errors.As(err, &no) {
			return err
		}
		c.log.Warn().Err(no.err).Str("table", t.table()).Uint64("first", t.first).Uint64("last", t.last).Msg("batch refused, looking for the row")
		bad, err := c.bisect(ctx, t, no.err)
		if err == nil {
			return c.setAside(ctx, t, bad)
		}
		if !errors.Is(err, errAllRefused) {
			return err
		}
		if err := c.retryIn(ctx, t, first, operator, fmt.Errorf("%w: %w", err, no.err)); err != nil {
			return err
		}
	}
}

// sendPart inserts until the rows are stored or refused for what is in them.
func (c *Consumer) sendPart(ctx context.Context, t *tableBatch, p part) error {
	var wait time.Duration
	for last := outcome(-1); ; {
		if err := lease.Check(ctx); err != nil {
			return err
		}
		err := c.insert(ctx, t, p)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		o := classify(err)
		if o == poison {
			return &refusal{err}
		}
		first, most := o.pace()
		if wait = min(2*wait, most); o != last {
			wait = first
		}
		last = o
		if err := c.retryIn(ctx, t, wait, o, err); err != nil {
			return err
		}
	}
}

// retryIn tells of a failed insert and waits.
func (c *Consumer) retryIn(ctx context.Context, t *tableBatch, wait time.Duration, o outcome, err error) error {
	err = why(err)
	c.health.failing(o, err)
	failedInserts.WithLabelValues(c.cfg.Stream, o.String()).Inc()
	level := zerolog.WarnLevel
	if o != transient {
		level = zerolog.ErrorLevel // somebody has to look
	}
	c.log.WithLevel(level).Err(err).Stringer("outcome", o).Str("table", t.table()).Uint64("first", t.first).
		Uint64("last", t.last).Dur("wait", wait).Msg("batch not stored, sending it again")
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
