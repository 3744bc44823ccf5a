package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/schemas"
)

// ErrRunning says that a run of the tenant would publish beside the erasure.
var ErrRunning = errors.New("a run of the tenant is in progress: wait until it has ended")

// Erase erases what the plan found and what came since: records, dead letters and entries
// are overwritten in the stream's files, rows and the table parts that held them are
// removed from disk. It leaves evidence that names the person by a keyed digest only.
func (c *Consumer) Erase(ctx context.Context, e *Erasure, progress func(step string)) error {
	started := time.Now()
	run := schemas.NewRunID(started)
	held, release, err := lease.Take(ctx, c.leases, e.Tenant, run)
	if errors.Is(err, lease.ErrHeld) {
		return ErrRunning
	}
	if err != nil {
		return err
	}
	defer release()
	ctx = held
	for _, stream := range slices.Sorted(maps.Keys(e.marked)) {
		progress("erasing from " + stream)
		if err := c.eraseMessages(ctx, stream, e.marked[stream]); err != nil {
			return err
		}
	}
	if err := c.eraseCheckpoints(ctx, e); err != nil {
		return err
	}
	progress("waiting for the consumer")
	if err := c.settled(ctx); err != nil {
		return err
	}
	if err := c.notRebuilding(ctx); err != nil {
		return err
	}
	for table := range e.tables {
		progress("erasing from " + table)
		n, err := c.eraseRows(ctx, e, table)
		if err != nil {
			return err
		}
		if n > 0 {
			e.Rows[table] = uint64(n)
		}
	}
	return c.eraseEvidence(ctx, e, run, started)
}

func (c *Consumer) eraseMessages(ctx context.Context, stream string, seqs []uint64) error {
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", stream, err)
	}
	for _, seq := range seqs {
		// Purging and deleting leave the bytes in the files.
		if err := s.SecureDeleteMsg(ctx, seq); err != nil && !gone(err) {
			if s.CachedInfo().Config.DenyDelete {
				err = fmt.Errorf("it denies deletion, as a bucket that another program made does: stop everything, back the stream up, and create it again without deny_delete: %w", err)
			}
			return fmt.Errorf("erase sequence %d of stream %s: %w", seq, stream, err)
		}
	}
	return nil
}

// settleLimit is how long a consumer may take to store what it holds.
const settleLimit = 2 * time.Minute

// settled waits until a consumer that is there has stored what it had read: a batch in
// hand may hold a record that has just been erased from the stream.
func (c *Consumer) settled(ctx context.Context) error {
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", c.cfg.Stream, err)
	}
	last := stream.CachedInfo().State.LastSeq
	return c.wait(ctx, "the consumer does not get on: mend what holds it up and erase again", func() (bool, error) {
		_, err := c.leases.Get(ctx, "consumer."+c.cfg.Stream+"."+c.cfg.Durable)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return true, nil // nobody reads, nobody holds anything
		}
		if err != nil {
			return false, fmt.Errorf("look for a consumer: %w", err)
		}
		cons, err := stream.Consumer(ctx, c.cfg.Durable)
		if err != nil {
			return false, fmt.Errorf("look at consumer %s: %w", c.cfg.Durable, err)
		}
		i := cons.CachedInfo()
		return i.AckFloor.Stream >= last || i.NumPending == 0 && i.NumAckPending == 0, nil
	})
}

func (c *Consumer) wait(ctx context.Context, otherwise string, done func() (bool, error)) error {
	limit := time.NewTimer(settleLimit)
	defer limit.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return errors.New(otherwise)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// eraseRows deletes the rows by sequence or id, since a mutation's condition is kept on disk,
// and has the parts that held them removed. A row that names the person as the one who brought
// it along stays, without the name.
func (c *Consumer) eraseRows(ctx context.Context, e *Erasure, table string) (int, error) {
	ids, err := c.rowsOf(ctx, e, table)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	name, columns := schemas.Database+"."+table, e.tables[table]
	column := rowID(columns)
	if column == "" {
		return 0, fmt.Errorf("table %s names the person in %d rows, and its rows have no id to erase them by: delete them by hand", name, len(ids))
	}
	if err := c.db.Exec(ctx, "ALTER TABLE "+name+" MODIFY SETTING old_parts_lifetime = 0"); err != nil {
		return 0, fmt.Errorf("shorten the life of old parts of %s: %w", name, err)
	}
	rest := ids
	if by := author(columns); by != "" {
		patient, stop := context.WithTimeout(ctx, mutationLimit)
		defer stop()
		for _, where := range e.conditions(column, ids) {
			if err := c.db.Exec(patient, "ALTER TABLE "+name+" UPDATE "+by+" = '' WHERE "+where+" SETTINGS mutations_sync = 2"); err != nil {
				return 0, fmt.Errorf("erase %s of %s: %w", by, name, err)
			}
		}
		if rest, err = c.rowsOf(ctx, e, table); err != nil {
			return 0, err
		}
		if column == importedAt && len(rest) > 0 {
			return 0, fmt.Errorf("table %s names the person in %d rows that were imported together with others: delete them by hand", name, len(rest))
		}
	}
	for _, where := range e.conditions(column, rest) {
		if err := c.deleteRows(ctx, name, where); err != nil {
			return 0, err
		}
	}
	err = c.wait(ctx, "old parts of "+name+" stay on disk: the rows are gone from every answer, and their bytes go with the parts (old_parts_lifetime)", func() (bool, error) {
		// Wakes the cleanup, which else comes by every few minutes. A server that does not know
		// the statement comes by all the same.
		_ = c.db.Exec(ctx, "SYSTEM START CLEANUP "+name)
		var old uint64
		err := c.db.QueryRow(ctx, "SELECT count() FROM system.parts WHERE database = $1 AND table = $2 AND NOT active", schemas.Database, table).Scan(&old)
		return old == 0, err
	})
	if err != nil {
		return 0, err
	}
	if err := c.db.Exec(ctx, "ALTER TABLE "+name+" RESET SETTING old_parts_lifetime"); err != nil {
		return 0, fmt.Errorf("reset the life of old parts of %s: %w", name, err)
	}
	left, err := c.rowsOf(ctx, e, table)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("table %s names the person again in %d rows: erase once more", name, len(left))
	}
	return len(ids), err
}

// conditions select rows by their ids.
func (e *Erasure) conditions(column string, ids []string) (wheres []string) {
	for part := range slices.Chunk(ids, 5000) {
		wheres = append(wheres, fmt.Sprintf("tenant_id IN ('%s', '%s') AND %s IN (%s)", e.Tenant, schemas.AllTenants, column, strings.Join(part, ", ")))
	}
	return wheres
}

// notRebuilding refuses while tables are made anew: what was read before would come back.
func (c *Consumer) notRebuilding(ctx context.Context) error {
	var n uint64
	if err := c.db.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = $1", freshDatabase).Scan(&n); err != nil {
		return fmt.Errorf("list databases: %w", err)
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%w; where nobody does that any more, drop database %s", ErrRebuilding, freshDatabase)
}

// eraseCheckpoints erases what is remembered of the tenant's unfinished run, whatever is in it:
// the links of its pages are opaque, and may hold a name. The run begins anew.
func (c *Consumer) eraseCheckpoints(ctx context.Context, e *Erasure) error {
	const stream = "KV_" + schemas.BucketCheckpoints
	key := "$KV." + schemas.BucketCheckpoints + "." + e.Tenant
	var seqs []uint64
	err := Each(ctx, c.js, stream, Range{Filters: []string{key, key + ".>"}, HeadersOnly: true}, func(_ jetstream.Msg, meta *jetstream.MsgMetadata) error {
		seqs = append(seqs, meta.Sequence.Stream)
		return nil
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	e.Entries += len(seqs)
	return c.eraseMessages(ctx, stream, seqs)
}

// eraseEvidence publishes that there was an erasure, in numbers.
func (c *Consumer) eraseEvidence(ctx context.Context, e *Erasure, run string, started time.Time) error {
	rows := uint64(0)
	for _, n := range e.Rows {
		rows += n
	}
	total := e.Total()
	body, err := schemas.NewEncoder().Encode(&schemas.Run{
		RunID: run, Connector: schemas.FeedErase, Feed: schemas.FeedErase, Status: schemas.RunComplete, Deleted: int64(total),
		StartedAt: schemas.FormatTime(started), FinishedAt: schemas.FormatTime(time.Now()),
		Notes: []string{
			"person: " + e.Digest, "records: " + strconv.Itoa(total), "dead letters: " + strconv.Itoa(e.Letters),
			"entries: " + strconv.Itoa(e.Entries), "rows: " + strconv.FormatUint(rows, 10),
		},
	})
	if err != nil {
		return err
	}
	r := schemas.Record{
		Subject: schemas.Subject{Tenant: e.Tenant, Kind: schemas.KindRun, Entity: schemas.FeedErase},
		Op:      schemas.Upsert, Run: run, Time: time.Now(), Body: body,
	}
	if _, err := c.js.PublishMsg(ctx, &nats.Msg{Subject: r.Subject.String(), Header: r.Headers(), Data: r.Body}); err != nil {
		return fmt.Errorf("publish evidence of the erasure, which is done: %w", err)
	}
	return nil
}
