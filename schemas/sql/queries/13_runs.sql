-- title: Evidence of collection: what was read, when, how far, and what is missing
-- feeds: organization
-- definition: One row per run and feed, newest first: status, pages, entities listed,
--   published, unchanged, deleted, the report's refresh date, rows with concealed names,
--   and for a feed that is not complete the reason and the remedy.
-- param: tenant String = '', directory id; empty for all
-- param: feed String = '', a feed such as users or a report function, or all for whole runs; empty for every feed
SELECT
    r.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    r.run_id AS run_id,
    r.feed AS feed,
    r.status AS status,
    r.pages AS pages,
    r.entities AS entities,
    r.published AS published,
    r.unchanged AS unchanged,
    r.deletes AS deleted,
    r.events AS events,
    r.rejected AS rejected,
    r.refresh_date AS report_date,
    r.concealed_rows AS concealed_rows,
    r.started_at AS started_at,
    r.finished_at AS finished_at,
    r.error_code AS error,
    r.error_message AS message,
    r.error_remedy AS remedy
FROM m365.run_changes AS r FINAL
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = r.tenant_id
WHERE ({tenant:String} = '' OR r.tenant_id = toUUIDOrZero({tenant:String})) AND ({feed:String} = '' OR r.feed = {feed:String})
ORDER BY r.stream_seq DESC
