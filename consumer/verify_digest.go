package consumer

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// tableSpec is what the comparison must know of a kind's tables.
type tableSpec struct {
	history, state string // state is empty where the kind has none
	names          []string
	types          map[string]string
	entity         string // columns that name an entity, as in the subject
}

func (t *tableSpec) columns() string { return strings.Join(t.names, ", ") }

// hash is the expression over a row: RowBinary tells null from empty and one list of
// lists from another, which hash functions over columns do not.
func (t *tableSpec) hash() string {
	return "reinterpretAsUInt128(sipHash128(formatRow('RowBinary', " + t.columns() + ")))"
}

func (c *Consumer) tableSpec(ctx context.Context, kind schemas.Kind) (*tableSpec, error) {
	r, err := newRows(kind)
	if err != nil {
		return nil, err
	}
	t := &tableSpec{history: schemas.Database + "." + r.table(), types: map[string]string{}}
	t.names, _ = r.columns()
	rows, err := c.db.Query(ctx, "SELECT name, type FROM system.columns WHERE database = $1 AND table = $2", schemas.Database, r.table())
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", t.history, err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			return nil, fmt.Errorf("read columns of %s: %w", t.history, err)
		}
		t.types[name] = typ
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", t.history, err)
	}
	if len(t.types) == 0 {
		return nil, fmt.Errorf("table %s is missing: start a consumer, which makes the tables", t.history)
	}
	var key string
	var states uint64
	err = c.db.QueryRow(ctx, `SELECT anyIf(sorting_key, name = $2), countIf(name = $3 AND engine LIKE '%MergeTree')
		FROM system.tables WHERE database = $1`, schemas.Database, r.table(), string(kind)+"s").Scan(&key, &states)
	if err != nil {
		return nil, fmt.Errorf("read key of %s: %w", t.history, err)
	}
	t.entity = strings.TrimSuffix(key, ", stream_seq")
	if kind == schemas.KindRun {
		t.entity = "tenant_id, feed" // the subject is the feed's, the key has the run as well
	}
	if states > 0 {
		t.state = schemas.Database + "." + string(kind) + "s"
	}
	return t, nil
}

// tally is a count and an order-independent digest: the sum of 128-bit hashes.
type tally struct {
	rows uint64
	sum  *big.Int
}

var digestModulus = new(big.Int).Lsh(big.NewInt(1), 128)

func (t *tally) add(rows uint64, sum *big.Int) {
	if t.sum == nil {
		t.sum = new(big.Int)
	}
	t.rows += rows
	t.sum.Add(t.sum, sum).Mod(t.sum, digestModulus)
}

func (t *tally) equal(o tally) bool {
	return t.rows == o.rows && (t.rows == 0 || t.sum.Cmp(o.sum) == 0)
}

// sent returns a context whose query sees the rows as a table named records: in the types
// of the real table, converted as an insert converts them, and kept nowhere.
func (t *tableSpec) sent(ctx context.Context, r rows) (context.Context, error) {
	var defs []func(*ext.Table) error
	for _, name := range t.names {
		if t.types[name] == "" {
			return nil, fmt.Errorf("table %s has no column %s: its schema is older than this program", t.history, name)
		}
		defs = append(defs, ext.Column(name, column.Type(t.types[name])))
	}
	table, err := ext.NewTable("records", defs...)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", t.history, err)
	}
	if r != nil {
		_, values := r.columns()
		for i := range values {
			if _, err := table.Block().Columns[i].Append(values[i]); err != nil {
				return nil, fmt.Errorf("compare %s: column %s: %w", t.history, t.names[i], err)
			}
		}
	}
	return clickhouse.Context(ctx, clickhouse.WithExternalTable(table)), nil
}

// finding returns the finding of a group.
func (v *verifier) finding(k groupKey) *Finding {
	f := v.groups[k]
	if f == nil {
		f = &Finding{Tenant: k.tenant, Kind: k.kind, Day: k.day, Table: string(k.kind) + "_changes"}
		v.groups[k] = f
		v.out.Findings = append(v.out.Findings, f)
	}
	return f
}

// digests counts and digests both sides.
func (v *verifier) digests(ctx context.Context) error {
	err := v.batches(ctx, Filters(v.opt.Tenants, v.kinds()), func(b *batch, _ []jetstream.Msg) error {
		for kind, part := range b.tables {
			t := v.tables[kind]
			with, err := t.sent(ctx, part.rows)
			if err != nil {
				return err
			}
			if err := v.digest(with, kind, "records", false); err != nil {
				return err
			}
		}
		if v.opt.Progress != nil {
			v.opt.Progress(b.rows())
		}
		return nil
	}, v.unreadable)
	if err != nil {
		return err
	}
	for _, kind := range v.kinds() {
		from := fmt.Sprintf("%s FINAL WHERE stream_seq BETWEEN %d AND %d%s", v.tables[kind].history, v.from, v.to, v.ofTenants())
		if err := v.digest(ctx, kind, from, true); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) ofTenants() string {
	if len(v.opt.Tenants) == 0 {
		return ""
	}
	return " AND tenant_id IN ('" + strings.Join(v.opt.Tenants, "', '") + "')" // directory ids, checked
}

func (v *verifier) digest(ctx context.Context, kind schemas.Kind, from string, stored bool) error {
	rows, err := v.c.db.Query(ctx, "SELECT toString(tenant_id), toString(toDate(observed_at)), count(), sumWithOverflow("+
		v.tables[kind].hash()+") FROM "+from+" GROUP BY 1, 2")
	if err != nil {
		return fmt.Errorf("digest %s: %w", v.tables[kind].history, err)
	}
	defer rows.Close()
	for rows.Next() {
		k := groupKey{kind: kind}
		var n uint64
		var sum big.Int
		if err := rows.Scan(&k.tenant, &k.day, &n, &sum); err != nil {
			return fmt.Errorf("digest %s: %w", v.tables[kind].history, err)
		}
		f := v.finding(k)
		if stored {
			f.Have += n
			f.other.add(n, &sum)
		} else {
			f.Want += n
			f.digest.add(n, &sum)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("digest %s: %w", v.tables[kind].history, err)
	}
	return nil
}

// unreadable accounts for a record that does not decode: a dead letter should keep it.
func (v *verifier) unreadable(msg jetstream.Msg, meta *jetstream.MsgMetadata) {
	k := groupKey{day: meta.Timestamp.UTC().Format("2006-01-02")}
	if parts := strings.SplitN(msg.Subject(), ".", 4); len(parts) == 4 {
		k.tenant, k.kind = parts[1], schemas.Kind(parts[2])
	}
	f := v.finding(k)
	f.Want++
	if v.dead[meta.Sequence.Stream] {
		f.DeadLettered++
		return
	}
	f.Missing++
	f.name(meta.Sequence.Stream)
	v.bad[k] = append(v.bad[k], meta.Sequence.Stream)
}

// batches reads a selection of the stretch in batches. bad, where not nil, is told of
// records that do not decode.
func (v *verifier) batches(ctx context.Context, filters []string, f func(*batch, []jetstream.Msg) error, bad func(jetstream.Msg, *jetstream.MsgMetadata)) error {
	cur, kept := newBatch(), []jetstream.Msg(nil)
	err := Each(ctx, v.c.js, v.c.cfg.Stream, Range{Filters: filters, From: v.from, To: v.to}, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		env, err := schemas.ParseEnvelope(msg.Subject(), msg.Headers().Get)
		if err == nil {
			err = cur.add(&env, meta.Sequence.Stream, msg.Data())
		}
		if err != nil {
			if bad != nil {
				bad(msg, meta)
			}
			return nil
		}
		cur.span(meta.Sequence.Stream, len(msg.Data()))
		kept = append(kept, msg)
		if uint64(cur.rows()) < v.c.cfg.Grid && cur.bytes < v.c.cfg.MaxSize {
			return nil
		}
		full, msgs := cur, kept
		cur, kept = newBatch(), nil
		return f(full, msgs)
	})
	if err != nil {
		return err
	}
	return f(cur, kept)
}
