package consumer

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/seatstream/seatstream/schemas"
)

// states compares the tables of the current state with the last rows of the history,
// which has been compared with the stream.
func (v *verifier) states(ctx context.Context) error {
	for _, kind := range v.kinds() {
		t := v.tables[kind]
		if t.state == "" {
			continue
		}
		found := map[string]*Finding{}
		for _, side := range []bool{false, true} {
			if err := v.stateDigest(ctx, kind, side, found); err != nil {
				return err
			}
		}
		for _, f := range found {
			v.out.Findings = append(v.out.Findings, f)
			if f.digest.equal(f.other) {
				continue
			}
			if err := v.stateDetail(ctx, t, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// latest is the last row of each entity; groups end with the key's order, so that the
// server's memory follows an entity and not the tenant.
func (t *tableSpec) latest(where string) string {
	return fmt.Sprintf(`SELECT %[1]s, argMax(%[2]s, stream_seq) AS h, argMax(deleted, stream_seq) AS gone, max(stream_seq) AS seq
		FROM %[3]s FINAL WHERE 1%[4]s GROUP BY %[1]s SETTINGS optimize_aggregation_in_order = 1`, t.entity, t.hash(), t.history, where)
}

func (v *verifier) stateDigest(ctx context.Context, kind schemas.Kind, stored bool, found map[string]*Finding) error {
	t := v.tables[kind]
	query := "SELECT toString(tenant_id), count(), sumWithOverflow(h) FROM (" + t.latest(v.ofTenants()) + ") WHERE gone = 0 GROUP BY 1"
	if stored {
		query = "SELECT toString(tenant_id), count(), sumWithOverflow(" + t.hash() + ") FROM " + t.state + " FINAL WHERE 1" + v.ofTenants() + " GROUP BY 1"
	}
	rows, err := v.c.db.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("digest %s: %w", t.state, err)
	}
	defer rows.Close()
	for rows.Next() {
		var tenant string
		var n uint64
		var sum big.Int
		if err := rows.Scan(&tenant, &n, &sum); err != nil {
			return fmt.Errorf("digest %s: %w", t.state, err)
		}
		f := found[tenant]
		if f == nil {
			f = &Finding{Tenant: tenant, Kind: kind, Table: string(kind) + "s"}
			found[tenant] = f
		}
		if stored {
			f.Have = n
			f.other.add(n, &sum)
		} else {
			f.Want = n
			f.digest.add(n, &sum)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("digest %s: %w", t.state, err)
	}
	return nil
}

// stateRow is an entity whose state row is not the last row of its history.
type stateRow struct {
	want, have bool
	seq        uint64
}

// stateDetail finds the entities that differ. A live insert reaches the history a moment
// before the state: what a second and third look do not find again was such a moment.
func (v *verifier) stateDetail(ctx context.Context, t *tableSpec, f *Finding) error {
	bad, err := v.stateDiff(ctx, t, f.Tenant)
	if err != nil {
		return err
	}
	for range 2 {
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		next, err := v.stateDiff(ctx, t, f.Tenant)
		if err != nil {
			return err
		}
		for key, row := range bad {
			if next[key] != row {
				delete(bad, key)
			}
		}
	}
	var keys []string
	for key, row := range bad {
		keys = append(keys, key)
		switch {
		case !row.want:
			f.Extra++
		case !row.have:
			f.Missing++
		default:
			f.Different++
		}
		f.name(row.seq)
	}
	if !v.opt.Repair || len(keys) == 0 {
		return nil
	}
	if err := v.repairState(ctx, t, f.Tenant, keys); err != nil {
		return err
	}
	f.Repaired = true
	return nil
}

// mostStateRows is how many entities of one table and tenant one look names.
const mostStateRows = 100_000

func (v *verifier) stateDiff(ctx context.Context, t *tableSpec, tenant string) (map[string]stateRow, error) {
	of := " AND tenant_id = '" + tenant + "'"
	rows, err := v.c.db.Query(ctx, fmt.Sprintf(`SELECT toString(tuple(%[1]s)), toBool(countIf(side = 0) > 0), toBool(countIf(side = 1) > 0), max(seq)
		FROM (SELECT %[1]s, 0 AS side, h, seq FROM (%[2]s) WHERE gone = 0
			UNION ALL SELECT %[1]s, 1, %[3]s, stream_seq FROM %[4]s FINAL WHERE 1%[5]s)
		GROUP BY %[1]s HAVING countIf(side = 0) != 1 OR countIf(side = 1) != 1 OR uniqExact(h) != 1
		LIMIT %[6]d`, t.entity, t.latest(of), t.hash(), t.state, of, mostStateRows))
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", t.state, err)
	}
	defer rows.Close()
	bad := map[string]stateRow{}
	for rows.Next() {
		var key string
		var r stateRow
		if err := rows.Scan(&key, &r.want, &r.have, &r.seq); err != nil {
			return nil, fmt.Errorf("compare %s: %w", t.state, err)
		}
		bad[key] = r
	}
	return bad, rows.Err()
}

// repairState puts the last rows of the history in the place of state rows. keys are
// tuples in SQL: ids and digests, no names.
func (v *verifier) repairState(ctx context.Context, t *tableSpec, tenant string, keys []string) error {
	in := fmt.Sprintf("tenant_id = '%s' AND tuple(%s) IN (%s)", tenant, t.entity, strings.Join(keys, ", "))
	if err := v.c.deleteRows(ctx, t.state, in); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, mutationLimit)
	defer stop()
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplicate": 0, "async_insert": 0}))
	err := v.c.db.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s FINAL WHERE %s ORDER BY stream_seq DESC LIMIT 1 BY %s",
		t.state, t.columns(), t.columns(), t.history, in, t.entity))
	if err != nil {
		return fmt.Errorf("repair %s: %w", t.state, err)
	}
	return nil
}
