-- internal: building block
-- title: Which user had which principal name when
-- param: tenant String = '', directory id; empty for all
-- definition: One row per user, name and stretch of time, from the history of users. The
--   first stretch reaches back without end, the last one forward: a report row belongs to
--   the user who had its name on the report's refresh date.
SELECT
    tenant_id,
    user_id,
    upn,
    if(n = 1, toDateTime64('1970-01-01 00:00:00', 3, 'UTC'), observed_at) AS valid_from,
    next_at AS valid_to
FROM (
    SELECT
        tenant_id,
        user_id,
        upn,
        observed_at,
        row_number() OVER w AS n,
        leadInFrame(observed_at, 1, toDateTime64('2200-01-01 00:00:00', 3, 'UTC')) OVER w AS next_at
    FROM (
        SELECT tenant_id, user_id, lower(user_principal_name) AS upn, observed_at, stream_seq,
            lagInFrame(upn, 1, '') OVER (PARTITION BY tenant_id, user_id ORDER BY stream_seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS before
        FROM m365.user_changes FINAL
        WHERE op = 'upsert' AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
    )
    WHERE upn != before
    WINDOW w AS (PARTITION BY tenant_id, user_id ORDER BY stream_seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
