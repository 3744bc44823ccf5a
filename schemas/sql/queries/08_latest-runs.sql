-- internal: building block
-- title: The last evidence of every feed, complete or not
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: Per tenant and feed the newest run record: whether what is known of the feed
--   is whole, and if not, why.
SELECT
    tenant_id,
    feed,
    argMax(status, stream_seq) AS status,
    argMax(run_id, stream_seq) AS run_id,
    argMax(tuple(refresh_date), stream_seq).1 AS refresh_date,
    argMax(pages, stream_seq) AS pages,
    argMax(entities, stream_seq) AS entities,
    argMax(concealed_rows, stream_seq) AS concealed_rows,
    argMax(moved_skus, stream_seq) AS moved_skus,
    argMax(finished_at, stream_seq) AS finished_at,
    argMax(error_code, stream_seq) AS error_code,
    argMax(error_message, stream_seq) AS error_message,
    argMax(error_remedy, stream_seq) AS error_remedy
FROM m365.run_changes
WHERE observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
    AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
GROUP BY tenant_id, feed
