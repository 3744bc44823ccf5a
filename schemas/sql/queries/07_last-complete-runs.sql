-- internal: building block
-- title: The last complete evidence of every feed
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: Per tenant and feed the newest run record with status complete. Its refresh
--   date is the anchor of every question about use. newest_run is when the tenant's last
--   run of any feed ended, complete or not: a report that can no longer be read grows old.
SELECT
    tenant_id,
    feed,
    argMax(run_id, stream_seq) AS run_id,
    argMax(tuple(refresh_date), stream_seq).1 AS refresh_date,
    argMax(concealed_rows, stream_seq) AS concealed_rows,
    argMax(entities, stream_seq) AS entities,
    argMax(moved_skus, stream_seq) AS moved_skus,
    argMax(finished_at, stream_seq) AS finished_at,
    any(newest) AS newest_run
FROM (
    SELECT tenant_id, feed, status, run_id, stream_seq, refresh_date, concealed_rows, entities, moved_skus, finished_at,
        max(finished_at) OVER (PARTITION BY tenant_id) AS newest
    FROM m365.run_changes
    WHERE observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
        AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
)
WHERE status = 'complete'
GROUP BY tenant_id, feed
