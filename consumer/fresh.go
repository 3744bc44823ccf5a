package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/schemas"
)

// freshDatabase is where tables are made anew. Readers have no rights there.
const freshDatabase = schemas.Database + "_fresh"

// ErrRebuilding says that tables are being made anew.
var ErrRebuilding = errors.New("the tables are being made anew (replay --fresh): wait until that has ended")

// ErrOutlived says that tables made anew would lack rows.
var ErrOutlived = errors.New("the stream no longer holds what the tables have")

var errPartial = errors.New("the stream takes the records of some tenants only, and the tables hold others too: replay without --fresh")

// FreshOptions say how tables are made anew.
type FreshOptions struct {
	// Discard lets rows go whose record the stream no longer holds.
	Discard  bool
	Progress func(rows int)
}

// nearEnd is how many records may be replayed after the exchange.
const nearEnd = 5000

// Fresh makes the tables anew from the stream while the consumer goes on: tables in a database
// beside are filled up to the stream's end and take the place of the old ones; what the
// consumer stored in the old ones meanwhile is replayed into them. Rows are exchanged a kind
// after the other: for that moment the newest records may be missing in an answer. A crash
// leaves tables that are complete, or that another Fresh makes so.
func (c *Consumer) Fresh(ctx context.Context, opt FreshOptions) (rows int64, err error) {
	if all, err := c.takesAll(ctx); err != nil || !all {
		return 0, errors.Join(err, errPartial)
	}
	held, release, err := lease.Take(ctx, c.leases, "replay.fresh", schemas.NewRunID(time.Now()))
	if errors.Is(err, lease.ErrHeld) {
		return 0, ErrRebuilding
	}
	if err != nil {
		return 0, err
	}
	defer release()
	specs, err := c.makeBeside(held)
	if err != nil {
		return 0, err
	}
	cut, rows, err := c.fillBeside(held, opt.Progress)
	if err != nil {
		return rows, err
	}
	for _, t := range specs {
		if opt.Discard {
			break
		}
		if err := c.outlived(held, t, cut); err != nil {
			return rows, errors.Join(err, c.dropBeside(held))
		}
	}
	if err := lease.Check(held); err != nil {
		return rows, err
	}
	for _, t := range specs {
		for _, table := range []string{t.history, t.state} {
			if table == "" {
				continue
			}
			if err := c.db.Exec(held, "EXCHANGE TABLES "+table+" AND "+beside(table)); err != nil {
				return rows, fmt.Errorf("exchange %s: %w", table, err)
			}
		}
	}
	// An insert that began on an old table is of records that are in the stream by now.
	last, err := c.lastSeq(held)
	if err != nil {
		return rows, err
	}
	rest, err := c.replayInto(held, schemas.Database, cut+1, last, opt.Progress)
	if err != nil {
		return rows, fmt.Errorf("replay what came meanwhile (begin again, which is safe): %w", err)
	}
	return rows + rest, c.dropBeside(held)
}

func beside(table string) string { return freshDatabase + strings.TrimPrefix(table, schemas.Database) }

// makeBeside creates empty tables, like those that are there, and the views that feed states.
func (c *Consumer) makeBeside(ctx context.Context) (specs []*tableSpec, err error) {
	if err := c.dropBeside(ctx); err != nil {
		return nil, err
	}
	if err := c.db.Exec(ctx, "CREATE DATABASE "+freshDatabase); err != nil {
		return nil, fmt.Errorf("create database %s: %w", freshDatabase, err)
	}
	for _, kind := range schemas.Kinds {
		t, err := c.tableSpec(ctx, kind)
		if err != nil {
			return nil, err
		}
		specs = append(specs, t)
		for _, table := range []string{t.history, t.state} {
			if table == "" {
				continue
			}
			if err := c.db.Exec(ctx, "CREATE TABLE "+beside(table)+" AS "+table); err != nil {
				return nil, fmt.Errorf("create %s: %w", beside(table), err)
			}
		}
		if t.state == "" {
			continue
		}
		var query string
		feed := t.state + "_feed"
		if err := c.db.QueryRow(ctx, "SELECT as_select FROM system.tables WHERE database = $1 AND name = $2", schemas.Database, string(kind)+"s_feed").Scan(&query); err != nil {
			return nil, fmt.Errorf("read view %s: %w", feed, err)
		}
		query = strings.ReplaceAll(query, t.history, beside(t.history))
		if err := c.db.Exec(ctx, "CREATE MATERIALIZED VIEW "+beside(feed)+" TO "+beside(t.state)+" AS "+query); err != nil {
			return nil, fmt.Errorf("create %s: %w", beside(feed), err)
		}
	}
	return specs, nil
}

func (c *Consumer) dropBeside(ctx context.Context) error {
	if err := c.db.Exec(ctx, "DROP DATABASE IF EXISTS "+freshDatabase+" SYNC"); err != nil {
		return fmt.Errorf("drop database %s: %w", freshDatabase, err)
	}
	return nil
}

// fillBeside replays the stream into the new tables until its end is near, or comes no nearer.
func (c *Consumer) fillBeside(ctx context.Context, progress func(int)) (cut uint64, rows int64, err error) {
	for before := uint64(0); ; {
		last, err := c.lastSeq(ctx)
		if err != nil {
			return cut, rows, err
		}
		behind := last - cut
		if cut > 0 && (behind < nearEnd || before > 0 && behind > before/4*3) || behind == 0 {
			return cut, rows, nil
		}
		n, err := c.replayInto(ctx, freshDatabase, cut+1, last, progress)
		if rows += n; err != nil {
			return cut, rows, err
		}
		if cut > 0 {
			before = behind
		}
		cut = last
	}
}

// replayInto replays a stretch into the tables of a database.
func (c *Consumer) replayInto(ctx context.Context, database string, from, to uint64, progress func(int)) (int64, error) {
	r := c.salted("")
	r.database = database
	st := &ReplayState{Range: Range{From: from, To: to}, Next: from, Salt: "fresh " + schemas.NewRunID(time.Now()), Grid: c.cfg.Grid}
	err := r.Continue(ctx, "", st, progress)
	return st.Rows, err
}

func (c *Consumer) lastSeq(ctx context.Context) (uint64, error) {
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return 0, fmt.Errorf("open stream %s: %w", c.cfg.Stream, err)
	}
	return stream.CachedInfo().State.LastSeq, nil
}

// outlived refuses to exchange tables where the old ones have rows, up to the cut, that the
// new ones have not.
func (c *Consumer) outlived(ctx context.Context, t *tableSpec, cut uint64) error {
	var more int64
	err := c.db.QueryRow(ctx, fmt.Sprintf("SELECT toInt64((SELECT count() FROM %s FINAL WHERE stream_seq <= %d)) - toInt64((SELECT count() FROM %s FINAL))",
		t.history, cut, beside(t.history))).Scan(&more)
	if err != nil {
		return fmt.Errorf("compare %s with the table made anew: %w", t.history, err)
	}
	if more > 0 {
		return fmt.Errorf("%w: %s has %d rows more than the stream yields (a limit of its history, an erasure, damage, or rows that no record made: see seatstream verify): nothing was exchanged; --discard lets them go",
			ErrOutlived, t.history, more)
	}
	return nil
}
