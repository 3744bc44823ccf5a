-- title: Coverage: the evidence behind every answer, and what is missing
-- feeds: organization
-- definition: One row per tenant and feed: the status of its last run, when it was last complete, the
--   refresh date of the report then, how many days that is behind the tenant's newest run,
--   rows and pages, the share of rows with concealed names, and what to do where something
--   is missing. unmatched_rows counts the rows of a report with a principal name that nobody
--   in the directory had on the refresh date: they are kept and belong to nobody. doubt says what answers about use make of it: never complete, late (a report
--   more than a week older than the newest run), names concealed, listing incomplete; empty
--   where nothing is in doubt. A feed that failed says nothing of its entities: they are as
--   they were, never none.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    l.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    l.feed AS feed,
    l.status AS status,
    c.complete_at AS complete_at,
    c.report_date AS report_date,
    dateDiff('day', ifNull(c.report_date, toDate32(c.complete_at)), toDate32(t.newest)) AS days_behind,
    c.pages AS pages,
    c.rows AS rows,
    c.concealed_rows AS concealed_rows,
    if(c.rows > 0, round(c.concealed_rows / c.rows, 4), NULL) AS concealed_share,
    n.unmatched_rows AS unmatched_rows,
    multiIf(
        c.complete_at IS NULL, 'never complete',
        c.report_date < toDate32(t.newest) - 7, 'late',
        c.concealed_rows > 0, 'names concealed',
        l.status != 'complete', 'listing incomplete',
        '') AS doubt,
    l.error_code AS error,
    l.error_message AS message,
    l.error_remedy AS remedy
FROM m365.latest_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS l
INNER JOIN (
    SELECT tenant_id, max(finished_at) AS newest FROM m365.latest_runs(tenant = {tenant:String}, as_of = {as_of:String}) GROUP BY tenant_id
) AS t ON t.tenant_id = l.tenant_id
LEFT JOIN (
    SELECT tenant_id, feed, argMax(toNullable(finished_at), stream_seq) AS complete_at, argMax(tuple(refresh_date), stream_seq).1 AS report_date,
        argMax(toNullable(pages), stream_seq) AS pages, argMax(toNullable(entities), stream_seq) AS rows, argMax(toNullable(concealed_rows), stream_seq) AS concealed_rows
    FROM m365.run_changes
    WHERE status = 'complete' AND observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
        AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
    GROUP BY tenant_id, feed
) AS c ON c.tenant_id = l.tenant_id AND c.feed = l.feed
LEFT JOIN (
    SELECT r.tenant_id AS tenant_id, r.report AS feed, toNullable(countIf(p.upn = '')) AS unmatched_rows
    FROM m365.reports_at(tenant = {tenant:String}, as_of = {as_of:String}) AS r
    INNER JOIN m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS e ON e.tenant_id = r.tenant_id AND e.feed = r.report
    LEFT JOIN m365.report_names(tenant = {tenant:String}, as_of = {as_of:String}) AS p ON p.tenant_id = r.tenant_id AND p.refresh_date = e.refresh_date AND p.upn = lower(r.user_principal_name)
    WHERE r.user_principal_name != '' AND NOT r.concealed AND e.refresh_date IS NOT NULL
    GROUP BY tenant_id, feed
) AS n ON n.tenant_id = l.tenant_id AND n.feed = l.feed
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = l.tenant_id
WHERE l.feed != 'all'
ORDER BY tenant, doubt = '', feed
