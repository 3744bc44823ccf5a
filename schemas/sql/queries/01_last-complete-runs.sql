-- internal: building block
-- title: The last complete evidence of every feed
-- param: tenant String = '', directory id; empty for all
-- definition: Per tenant and feed the newest run record with status complete. Its refresh
--   date is the anchor of every question about use.
SELECT
    tenant_id,
    feed,
    argMax(run_id, stream_seq) AS run_id,
    argMax(refresh_date, stream_seq) AS refresh_date,
    argMax(concealed_rows, stream_seq) AS concealed_rows,
    argMax(entities, stream_seq) AS entities,
    argMax(moved_skus, stream_seq) AS moved_skus,
    argMax(finished_at, stream_seq) AS finished_at
FROM m365.run_changes FINAL
WHERE status = 'complete' AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
GROUP BY tenant_id, feed
