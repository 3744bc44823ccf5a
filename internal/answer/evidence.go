package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// evidence has one row per tenant and feed of a question: %[1]s are the feeds, %[2]s the
// filter by tenant. What people brought along comes last: %[3]s are its tables.
const evidence = `
WITH
    wanted AS (
        SELECT tenant_id, arrayJoin([%[1]s]) AS feed FROM (SELECT DISTINCT tenant_id FROM m365.run_changes WHERE %[2]s)
    ),
    found AS (
        SELECT tenant_id, feed, argMax(r.status, stream_seq) AS last_status, max(r.finished_at) AS last_try,
            maxIf(r.finished_at, r.status = 'complete') AS complete_at,
            argMaxIf(r.refresh_date, stream_seq, r.status = 'complete') AS report_date,
            argMaxIf(r.entities, stream_seq, r.status = 'complete') AS listed,
            argMaxIf(r.concealed_rows, stream_seq, r.status = 'complete') AS hidden,
            argMax(r.error_message, stream_seq) AS message, argMax(r.error_remedy, stream_seq) AS remedy,
            argMaxIf(r.missing_columns, stream_seq, r.status = 'complete') AS lacking
        FROM m365.run_changes AS r FINAL WHERE %[2]s GROUP BY tenant_id, feed
    )
SELECT * FROM (
SELECT w.tenant_id AS tenant_id, o.default_domain AS tenant, w.feed AS feed,
    if(f.feed = '', 'never collected', f.last_status) AS status,
    if(f.feed = '' OR toUnixTimestamp(f.complete_at) = 0, NULL, f.complete_at) AS collected_at,
    f.report_date AS report_date,
    if(isNull(collected_at), NULL, f.listed) AS entities,
    if(isNull(collected_at) OR NOT startsWith(w.feed, 'get') OR f.listed = 0, NULL, f.hidden / f.listed) AS concealed,
    arrayStringConcat(arrayFilter(x -> x != '', [
        multiIf(f.feed = '', 'no run has read this feed', isNull(collected_at), 'no complete reading', f.last_status != 'complete', 'the last reading broke off: older figures are used', ''),
        if(f.last_status != 'complete', f.message, ''), if(f.last_status != 'complete', f.remedy, ''),
        if(f.hidden > 0, toString(f.hidden) || ' rows with concealed names', ''),
        if(notEmpty(f.lacking), 'columns missing: ' || arrayStringConcat(f.lacking, ', '), '')
    ]), '; ') AS missing
FROM wanted AS w
LEFT JOIN found AS f ON f.tenant_id = w.tenant_id AND f.feed = w.feed
LEFT JOIN (SELECT tenant_id, default_domain FROM m365.organizations FINAL WHERE %[2]s) AS o ON o.tenant_id = w.tenant_id
UNION ALL
SELECT w.tenant_id, o.default_domain, b.what, 'in force', max(b.at), NULL, toInt64(count()), NULL, ''
FROM (SELECT DISTINCT tenant_id FROM wanted) AS w
CROSS JOIN (
    SELECT 'exclusions' AS what, tenant_id, toNullable(created_at) AS at FROM m365.exclusions FINAL WHERE ifNull(until, toDate32('2299-12-31')) >= toDate32(now('UTC'))
    UNION ALL
    SELECT 'prices', tenant_id, imported_at FROM m365.prices FINAL
    WHERE valid_from <= toDate32(now('UTC')) AND ifNull(valid_to, toDate32('2299-12-31')) >= toDate32(now('UTC'))
) AS b
LEFT JOIN (SELECT tenant_id, default_domain FROM m365.organizations FINAL WHERE %[2]s) AS o ON o.tenant_id = w.tenant_id
WHERE b.tenant_id IN (w.tenant_id, toUUIDOrZero('')) AND b.what IN (%[3]s)
GROUP BY w.tenant_id, o.default_domain, b.what
)
ORDER BY tenant, indexOf([%[1]s], feed) = 0, indexOf([%[1]s], feed), feed`

// Evidence writes what the answers to a question rest on: per tenant and feed the status
// of the last reading, when it was last complete, the report's date, the share of rows
// with concealed names, and what is missing; and how many exclusions and prices are in force
// today where the question goes by them. tenant is a directory id, empty for all.
func Evidence(ctx context.Context, db driver.Conn, q *schemas.Query, tenant string, w output.Writer) error {
	if tenant == "" {
		return EvidenceOf(ctx, db, q, nil, w)
	}
	return EvidenceOf(ctx, db, q, []string{tenant}, w)
}

// EvidenceOf is Evidence of several tenants by their directory ids; nil for all.
func EvidenceOf(ctx context.Context, db driver.Conn, q *schemas.Query, tenants []string, w output.Writer) error {
	feeds := slices.DeleteFunc(slices.Clone(q.Feeds), func(f string) bool { return f == "names" })
	if len(feeds) == 0 {
		return nil
	}
	filter := "1"
	if tenants != nil {
		ids := []string{"toUUIDOrNull('')"} // of nobody
		for _, tenant := range tenants {
			if !schemas.IsGUID(tenant) {
				return fmt.Errorf("evidence of %s: tenant %q is no directory id", q.Name, tenant)
			}
			ids = append(ids, "toUUID('"+tenant+"')")
		}
		filter = "tenant_id IN (" + strings.Join(ids, ", ") + ")"
	}
	brought := []string{""}
	for _, table := range []string{"exclusions", "prices"} {
		if strings.Contains(q.Inlined(), schemas.Database+"."+table) {
			brought = append(brought, table)
		}
	}
	list := func(names []string) string { return "'" + strings.Join(names, "', '") + "'" }
	return SQL(ctx, db, fmt.Sprintf(evidence, list(feeds), filter, list(brought)), share{w})
}

// share shows the concealed share as a percentage.
type share struct{ output.Writer }

func (s share) Begin(t *output.Table) error {
	for i := range t.Columns {
		if t.Columns[i].Name == "concealed" {
			t.Columns[i].Type = output.Share
		}
	}
	t.Title, t.Noun, t.Empty = "Evidence", "feeds", "No run has been stored yet: seatstream up collects."
	return s.Writer.Begin(t)
}
