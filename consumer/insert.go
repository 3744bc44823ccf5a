package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/seatstream/seatstream/schemas"
)

// insert stores one table's rows. A second call with the same rows stores nothing more:
// the token is refused within its window, and the tables replace by stream sequence.
func (c *Consumer) insert(ctx context.Context, t *tableBatch) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplication_token":                         t.token(c.cfg.Stream + c.salt),
		"insert_deduplicate":                                 1,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"async_insert":                                       0, // the server's default is 1 since 26.2
		"max_insert_block_size":                              1_048_449,
		"insert_null_as_default":                             0,
	}))
	names, values := t.columns()
	b, err := c.db.PrepareBatch(ctx, "INSERT INTO "+schemas.Database+"."+t.table()+" ("+strings.Join(names, ", ")+")")
	if err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", t.size(), t.table(), err)
	}
	for i := range values {
		if err := b.Column(i).Append(values[i]); err != nil {
			_ = b.Abort() // the batch is given up anyway
			return fmt.Errorf("insert into %s: column %s: %w", t.table(), names[i], err)
		}
	}
	if err := b.Send(); err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", t.size(), t.table(), err)
	}
	return nil
}

// store inserts all tables of a batch, evidence last, and retries each until it is
// stored. It returns only when the batch is stored or ctx is done.
func (c *Consumer) store(ctx context.Context, b *batch) error {
	for _, kind := range schemas.Kinds { // runs are last: evidence never shows before what it is about
		t := b.tables[kind]
		if t == nil {
			continue
		}
		for wait := 100 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
			err := c.insert(ctx, t)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			outcome := classify(err)
			c.health.failing(outcome, err)
			c.log.Warn().Err(err).Stringer("outcome", outcome).Str("table", t.table()).Uint64("first", t.first).
				Uint64("last", t.last).Dur("wait", wait).Msg("batch not stored, sending it again")
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	c.health.healthy()
	return nil
}

// outcome is what a failed insert means for the batch.
type outcome int

const (
	// transient: the same insert may succeed later.
	transient outcome = iota
	// operator: somebody must mend the server or its settings first; nothing is dead-lettered.
	operator
)

func (o outcome) String() string {
	if o == operator {
		return "operator"
	}
	return "transient"
}

// operatorCodes are the ClickHouse errors that waiting does not cure.
var operatorCodes = map[int32]string{
	60:  "UNKNOWN_TABLE: a table is missing",
	81:  "UNKNOWN_DATABASE: the database is missing",
	16:  "NO_SUCH_COLUMN_IN_TABLE: the schema is older than this program",
	497: "ACCESS_DENIED: a grant is missing",
	516: "AUTHENTICATION_FAILED: user or password is wrong",
	164: "READONLY: the user may only read",
}

// classify says what an error of an insert means. Codes that are not known are
// transient: they are retried and logged, and never cost a record.
func classify(err error) outcome {
	var ex *clickhouse.Exception
	if errors.As(err, &ex) && operatorCodes[ex.Code] != "" {
		return operator
	}
	return transient
}
