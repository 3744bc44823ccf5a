-- internal: building block
-- title: The last complete evidence of every feed
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: Per tenant and feed the newest run record with status complete. Its refresh
--   date is the anchor of every question about use. newest_run is when the tenant's last
--   run of any feed ended, complete or not: a report that can no longer be read grows old.
SELECT tenant_id, feed, run_id, refresh_date, concealed_rows, entities, moved_skus, finished_at, newest_run
FROM (
    SELECT
        tenant_id,
        feed,
        countIf(r.status = 'complete') > 0 AS ever,
        argMaxIf(r.run_id, r.stream_seq, r.status = 'complete') AS run_id,
        argMaxIf(tuple(r.refresh_date), r.stream_seq, r.status = 'complete').1 AS refresh_date,
        argMaxIf(r.concealed_rows, r.stream_seq, r.status = 'complete') AS concealed_rows,
        argMaxIf(r.entities, r.stream_seq, r.status = 'complete') AS entities,
        argMaxIf(r.moved_skus, r.stream_seq, r.status = 'complete') AS moved_skus,
        argMaxIf(r.finished_at, r.stream_seq, r.status = 'complete') AS finished_at,
        max(max(r.finished_at)) OVER (PARTITION BY tenant_id) AS newest_run
    FROM m365.run_changes AS r
    WHERE observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
        AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
    GROUP BY tenant_id, feed
)
WHERE ever
