package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// details compares the rows themselves where a digest differs.
func (v *verifier) details(ctx context.Context) error {
	type pair struct {
		tenant string
		kind   schemas.Kind
	}
	seen := map[pair]bool{}
	for k, f := range v.groups {
		if v.tables[k.kind] != nil && !f.digest.equal(f.other) {
			seen[pair{k.tenant, k.kind}] = true
		}
	}
	for p := range seen {
		done := v.from - 1
		err := v.batches(ctx, Filters([]string{p.tenant}, []schemas.Kind{p.kind}), func(b *batch, msgs []jetstream.Msg) error {
			// The last batch reaches to the end: rows behind the last record are extra.
			to := v.to
			if uint64(b.rows()) >= v.c.cfg.Grid || b.bytes >= v.c.cfg.MaxSize {
				to = b.last
			}
			d := &difference{v: v, t: v.tables[p.kind], tenant: p.tenant, kind: p.kind, from: done, to: to}
			done = to
			return d.settle(ctx, b, msgs)
		}, nil)
		if err != nil {
			return err
		}
	}
	return v.setAside(ctx)
}

// difference is what differs between one batch and the rows of its stretch.
type difference struct {
	v        *verifier
	t        *tableSpec
	tenant   string
	kind     schemas.Kind
	from, to uint64 // the stretch: behind from, up to to
	redo     map[uint64]bool
	remove   []uint64
	extra    []extraRow
	touched  []*Finding
}

func (d *difference) settle(ctx context.Context, b *batch, msgs []jetstream.Msg) error {
	d.redo = map[uint64]bool{}
	var r rows
	if part := b.tables[d.kind]; part != nil {
		r = part.rows
	}
	with, err := d.t.sent(ctx, r)
	if err != nil {
		return err
	}
	extra, err := d.compare(with)
	if err != nil {
		return err
	}
	if err := d.judgeExtra(ctx, extra); err != nil {
		return err
	}
	if !d.v.opt.Repair || len(d.redo)+len(d.extra) == 0 {
		return nil
	}
	return d.repair(ctx, msgs)
}

// compare classes every sequence that differs and returns the rows without a record.
func (d *difference) compare(ctx context.Context) (extra map[uint64]*Finding, err error) {
	rows, err := d.v.c.db.Query(ctx, fmt.Sprintf(`SELECT seq, countIf(side = 0), countIf(side = 1), uniqExact(h),
			toString(if(countIf(side = 0) > 0, anyIf(day, side = 0), any(day)))
		FROM (SELECT stream_seq AS seq, 0 AS side, %[1]s AS h, toDate(observed_at) AS day FROM records
			UNION ALL
			SELECT stream_seq, 1, %[1]s, toDate(observed_at) FROM %[2]s FINAL
			WHERE tenant_id = '%[3]s' AND stream_seq > %[4]d AND stream_seq <= %[5]d)
		GROUP BY seq HAVING countIf(side = 0) != 1 OR countIf(side = 1) != 1 OR uniqExact(h) != 1
		ORDER BY seq`, d.t.hash(), d.t.history, d.tenant, d.from, d.to))
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", d.t.history, err)
	}
	defer rows.Close()
	extra = map[uint64]*Finding{}
	for rows.Next() {
		var seq, records, stored, hashes uint64
		k := groupKey{tenant: d.tenant, kind: d.kind}
		if err := rows.Scan(&seq, &records, &stored, &hashes, &k.day); err != nil {
			return nil, fmt.Errorf("compare %s: %w", d.t.history, err)
		}
		f := d.v.finding(k)
		switch {
		case records == 0:
			extra[seq] = f
		case stored == 0 && d.v.dead[seq]:
			f.DeadLettered++
		case stored == 0:
			f.Missing++
			d.again(f, seq)
		default:
			f.Different++
			d.again(f, seq)
			d.remove = append(d.remove, seq)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("compare %s: %w", d.t.history, err)
	}
	return extra, nil
}

func (d *difference) again(f *Finding, seq uint64) {
	f.name(seq)
	d.redo[seq] = true
	d.touched = append(d.touched, f)
}

// judgeExtra tells rows that the stream's history limit has outlived from rows that no
// record made: the limit removes a record when as many later ones of its entity came.
func (d *difference) judgeExtra(ctx context.Context, extra map[uint64]*Finding) error {
	var seqs []uint64
	for seq := range extra {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	for part := range slices.Chunk(seqs, 5000) {
		if err := d.judgePart(ctx, part, extra); err != nil {
			return err
		}
	}
	return nil
}

func (d *difference) judgePart(ctx context.Context, seqs []uint64, extra map[uint64]*Finding) error {
	rows, err := d.v.c.db.Query(ctx, fmt.Sprintf(`SELECT stream_seq, toString(tuple(%[1]s)), toInt64(later) FROM (
			SELECT %[1]s, stream_seq, count() OVER (PARTITION BY %[1]s ORDER BY stream_seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - 1 AS later
			FROM %[2]s FINAL WHERE tenant_id = '%[3]s'
				AND (%[1]s) IN (SELECT %[1]s FROM %[2]s WHERE tenant_id = '%[3]s' AND stream_seq IN (%[4]s)))
		WHERE stream_seq IN (%[4]s) ORDER BY stream_seq`, d.t.entity, d.t.history, d.tenant, numbers(seqs)))
	if err != nil {
		return fmt.Errorf("look for superseded rows of %s: %w", d.t.history, err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var key string
		var later int64
		if err := rows.Scan(&seq, &key, &later); err != nil {
			return fmt.Errorf("look for superseded rows of %s: %w", d.t.history, err)
		}
		f := extra[seq]
		if d.v.limit > 0 && later >= d.v.limit {
			f.Superseded++
			continue
		}
		orphan, err := d.v.holdsNone(ctx, seq)
		if err != nil {
			return err
		}
		if orphan && !d.v.opt.DeleteOrphans {
			f.Orphaned++
			f.name(seq)
			continue
		}
		f.Extra++
		f.name(seq)
		d.extra = append(d.extra, extraRow{seq, key})
		d.touched = append(d.touched, f)
	}
	return rows.Err()
}

// holdsNone tells whether the stream has no record of a sequence, of whatever kind.
func (v *verifier) holdsNone(ctx context.Context, seq uint64) (bool, error) {
	_, err := v.stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read sequence %d of stream %s: %w", seq, v.c.cfg.Stream, err)
	}
	return false, nil
}

// extraRow is a row that no record made: it is deleted by sequence and entity, since an
// outlived row, which nothing could bring back, may have the same sequence.
type extraRow struct {
	seq    uint64
	entity string // a tuple in SQL
}

// repair deletes what differs by its sequence and inserts the records again.
func (d *difference) repair(ctx context.Context, msgs []jetstream.Msg) error {
	var wheres []string
	for part := range slices.Chunk(d.remove, 5000) {
		wheres = append(wheres, fmt.Sprintf("tenant_id = '%s' AND stream_seq IN (%s)", d.tenant, numbers(part)))
	}
	for part := range slices.Chunk(d.extra, 1000) {
		seqs, keys := make([]uint64, len(part)), make([]string, len(part))
		for i, r := range part {
			seqs[i], keys[i] = r.seq, r.entity
		}
		wheres = append(wheres, fmt.Sprintf("tenant_id = '%s' AND stream_seq IN (%s) AND tuple(%s) IN (%s)",
			d.tenant, numbers(seqs), d.t.entity, strings.Join(keys, ", ")))
	}
	for _, where := range wheres {
		for _, table := range []string{d.t.history, d.t.state} {
			if table == "" {
				continue
			}
			if err := d.v.c.deleteRows(ctx, table, where); err != nil {
				return err
			}
		}
	}
	again := newBatch()
	for _, msg := range msgs {
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read message metadata: %w", err)
		}
		if !d.redo[meta.Sequence.Stream] {
			continue
		}
		env, err := schemas.ParseEnvelope(msg.Subject(), msg.Headers().Get)
		if err != nil {
			return err // it parsed before
		}
		if err := again.add(&env, meta.Sequence.Stream, msg.Data()); err != nil {
			return err
		}
		again.span(meta.Sequence.Stream, len(msg.Data()))
	}
	if err := d.v.c.store(ctx, again); err != nil {
		return err
	}
	for _, f := range d.touched {
		f.Repaired = true
	}
	return nil
}

// setAside keeps, in a repair, the records that neither table nor dead letter has.
func (v *verifier) setAside(ctx context.Context) error {
	if !v.opt.Repair {
		return nil
	}
	for k, seqs := range v.bad {
		for _, seq := range seqs {
			err := Each(ctx, v.c.js, v.c.cfg.Stream, Range{From: seq, To: seq}, func(msg jetstream.Msg, _ *jetstream.MsgMetadata) error {
				env, err := schemas.ParseEnvelope(msg.Subject(), msg.Headers().Get)
				if err == nil {
					err = newBatch().add(&env, seq, msg.Data())
				}
				return v.c.deadLetter(ctx, original{msg.Subject(), msg.Headers(), msg.Data()}, seq, err)
			})
			if err != nil {
				return err
			}
		}
		f := v.finding(k)
		f.Repaired = true
	}
	return nil
}

// mutationLimit is how long rows of one table may take to be rewritten. Meanwhile the server
// says nothing, and a connection without a deadline of its own gives up after two minutes.
const mutationLimit = 6 * time.Hour

// deleteRows deletes rows and returns when they are gone. The condition goes to the
// server's disk and logs: it must hold no personal data.
func (c *Consumer) deleteRows(ctx context.Context, table, where string) error {
	ctx, stop := context.WithTimeout(ctx, mutationLimit)
	defer stop()
	if err := c.db.Exec(ctx, "ALTER TABLE "+table+" DELETE WHERE "+where+" SETTINGS mutations_sync = 2"); err != nil {
		return fmt.Errorf("delete rows of %s: %w", table, err)
	}
	return nil
}

func numbers(seqs []uint64) string {
	parts := make([]string, len(seqs))
	for i, n := range seqs {
		parts[i] = strconv.FormatUint(n, 10)
	}
	return strings.Join(parts, ", ")
}
