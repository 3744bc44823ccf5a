package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// What the tables lack, evidence must explain. Whoever starts tables or a whole program here
// is looked at when the test ends, so that no test can end with a table that is empty and
// evidence that says ok.

// collecting names the feeds that every run reads, and their tables.
var collecting = map[string]string{
	"organization": "organizations", "skus": "skus", "subscriptions": "subscriptions", "groups": "groups", "members": "members",
	"users": "users", "deleted_users": "deleted_users", "sign_ins": "sign_ins",
}

// tableless are feeds whose evidence is about no table of their own.
var tableless = []string{schemas.FeedAll, schemas.FeedErase, schemas.FeedReportSettings, "skus_after"}

// proof is the newest evidence of a feed.
type proof struct {
	status, message string
	entities        int64
	notes           []string
}

// inventory is what the tables hold of one tenant: rows by feed, and evidence by feed.
type inventory struct {
	rows     map[string]uint64
	evidence map[string]proof
}

// gaps lists what is missing and not explained: evidence of entities that are not there, a
// feed that is not complete without a reason, nothing of a feed without a word about it, and
// feeds without evidence though their run was able to collect.
func (i inventory) gaps(reports ...string) (gaps []string) {
	for _, feed := range slices.Sorted(maps.Keys(i.evidence)) {
		ev := i.evidence[feed]
		empty := i.rows[feed] == 0 && !slices.Contains(tableless, feed)
		switch {
		case ev.status != schemas.RunComplete && ev.message == "" && feed != schemas.FeedAll:
			gaps = append(gaps, fmt.Sprintf("%s is %s without a reason", feed, ev.status))
		case empty && ev.status == schemas.RunComplete && ev.entities > 0:
			gaps = append(gaps, fmt.Sprintf("nothing of %s is stored, evidence says complete with %d entities", feed, ev.entities))
		case empty && ev.status == schemas.RunComplete && len(ev.notes) == 0:
			gaps = append(gaps, fmt.Sprintf("nothing of %s is stored, evidence says complete and nothing about it", feed))
		}
	}
	all, ended := i.evidence[schemas.FeedAll]
	if !ended || all.status == schemas.RunFailed {
		return gaps // no run has come to its end, or none could collect and says why
	}
	reports = append(reports, slices.Sorted(maps.Keys(collecting))...)
	for _, feed := range append(reports, schemas.FeedReportSettings) {
		if _, ok := i.evidence[feed]; !ok {
			gaps = append(gaps, "no evidence of "+feed)
		}
	}
	return gaps
}

const evidenceSQL = `SELECT toString(tenant_id), feed, argMax(status, stream_seq), argMax(error_message, stream_seq), argMax(entities, stream_seq), argMax(notes, stream_seq)
FROM m365.run_changes GROUP BY tenant_id, feed`

// inventories reads what the tables hold, by tenant.
func inventories(ctx context.Context, db driver.Conn) (map[string]inventory, error) {
	found := map[string]inventory{}
	err := eachRow(ctx, db, evidenceSQL, func(rows driver.Rows) error {
		var tenant, feed string
		var ev proof
		if err := rows.Scan(&tenant, &feed, &ev.status, &ev.message, &ev.entities, &ev.notes); err != nil {
			return err
		}
		if _, ok := found[tenant]; !ok {
			found[tenant] = inventory{map[string]uint64{}, map[string]proof{}}
		}
		found[tenant].evidence[feed] = ev
		return nil
	})
	if err != nil {
		return nil, err
	}
	counts := []string{"SELECT toString(tenant_id), report, count() FROM m365.reports FINAL GROUP BY tenant_id, report"}
	for feed, table := range collecting {
		counts = append(counts, fmt.Sprintf("SELECT toString(tenant_id), '%s', count() FROM m365.%s FINAL GROUP BY tenant_id", feed, table))
	}
	return found, eachRow(ctx, db, strings.Join(counts, " UNION ALL "), func(rows driver.Rows) error {
		var tenant, feed string
		var n uint64
		err := rows.Scan(&tenant, &feed, &n)
		if i, ok := found[tenant]; ok {
			i.rows[feed] = n
		}
		return err
	})
}

func eachRow(ctx context.Context, db driver.Conn, sql string, f func(driver.Rows) error) error {
	rows, err := db.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// explained fails where a tenant's tables lack what evidence does not explain. Of the
// reports named there must be evidence.
func explained(t *testing.T, when string, db driver.Conn, tenant string, reports ...string) {
	t.Helper()
	all, err := inventories(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if len(all[tenant].evidence) == 0 {
		t.Errorf("%s: no evidence of the tenant", when)
	}
	for _, gap := range all[tenant].gaps(reports...) {
		t.Errorf("%s: %s", when, gap)
	}
}

// tables starts ClickHouse for what a server's stream has. When the test ends, what is
// missing there must be explained. Without a server, the test has stored all by itself.
func tables(t testing.TB, n *teststack.NATS, users ...embedded.User) *teststack.ClickHouse {
	t.Helper()
	ch := teststack.StartClickHouse(t, users...)
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if n != nil {
			if err := storeTheRest(ctx, n, ch.Conn); err != nil {
				t.Errorf("at the end: store what is left: %v", err)
				return
			}
		}
		unexplained(ctx, t, ch.Conn)
	})
	return ch
}

// storeTheRest stores what the test's own consumers left in the stream.
func storeTheRest(ctx context.Context, n *teststack.NATS, db driver.Conn) error {
	c := consumer.New(consumer.Config{Linger: 5 * time.Millisecond}, consumer.Deps{
		JS: n.JS, DB: db, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: zerolog.Nop(),
	})
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if lag, err := c.Lag(ctx); err == nil && lag == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func unexplained(ctx context.Context, t testing.TB, db driver.Conn) {
	t.Helper()
	all, err := inventories(ctx, db)
	if err != nil {
		t.Errorf("at the end: %v", err)
	}
	for tenant, i := range all {
		for _, gap := range i.gaps() {
			t.Errorf("at the end: tenant %s: %s", tenant, gap)
		}
	}
}

// explainedAtTheEnd is tables for a program with everything embedded: where it is still up
// when the test ends, it has a while to store what it has read.
func explainedAtTheEnd(t testing.TB, p *proc, data string) {
	t.Cleanup(func() {
		select {
		case <-p.done:
			return
		default:
		}
		if t.Failed() || t.Skipped() {
			return
		}
		if err := programExplained(data); err != nil {
			t.Errorf("at the end: %v", err)
		}
	})
}

// programExplained looks at the tables of the instance on a folder until nothing is missing.
func programExplained(data string) error {
	var running struct {
		ClickHouse string `json:"clickhouse"`
	}
	text, err := os.ReadFile(filepath.Join(data, "running.json"))
	if err == nil {
		err = json.Unmarshal(text, &running)
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := connect.ClickHouse(ctx, running.ClickHouse)
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		all, err := inventories(ctx, db)
		if err != nil {
			return err
		}
		var gaps []string
		for tenant, i := range all {
			for _, gap := range i.gaps() {
				gaps = append(gaps, "tenant "+tenant+": "+gap)
			}
		}
		if len(gaps) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s", strings.Join(gaps, "; "))
		}
	}
}
