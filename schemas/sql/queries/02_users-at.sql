-- internal: building block
-- title: Users, now or as it stood at a past moment
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC such as 2026-03-04 06:00:00, or a day for its end; empty for now
-- definition: Now: the table of current states. At a past moment: of every entity the last
--   record observed until then, less those that were deleted. Every question is built on
--   views like this one, so that now and then share one definition.
SELECT * FROM m365.users FINAL
WHERE {as_of:String} = '' AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
UNION ALL
-- at a past moment
SELECT * FROM m365.user_changes
WHERE {as_of:String} != '' AND deleted = 0 AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
    AND (tenant_id, user_id, stream_seq) IN (
        SELECT tenant_id, user_id, max(stream_seq) FROM m365.user_changes
        WHERE observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
            AND {as_of:String} != '' AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
        GROUP BY tenant_id, user_id
    )
LIMIT 1 BY tenant_id, user_id
