-- internal: building block
-- title: Which user had which principal name on a report's date
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: One row per refresh date of a tenant's reports and principal name, in lower
--   case. A user's name on that date is the last one observed by its end, else the first
--   one ever observed. Where two users fit, the name belongs to who was seen to have it.
SELECT tenant_id, refresh_date, upn, argMax(user_id, (seen, last_seq)) AS user_id
FROM (
    SELECT
        c.tenant_id AS tenant_id,
        d.refresh_date AS refresh_date,
        c.user_id AS user_id,
        countIf(c.observed_at <= d.until) > 0 AS seen,
        max(c.stream_seq) AS last_seq,
        lower(if(seen, argMaxIf(c.user_principal_name, c.stream_seq, c.observed_at <= d.until), argMin(c.user_principal_name, c.stream_seq))) AS upn
    FROM m365.user_changes AS c
    INNER JOIN (
        SELECT DISTINCT tenant_id, refresh_date, toDateTime64(addDays(refresh_date, 1), 3, 'UTC') AS until
        FROM m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String})
        WHERE refresh_date IS NOT NULL
    ) AS d ON d.tenant_id = c.tenant_id
    WHERE c.op = 'upsert' AND c.observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
        AND ({tenant:String} = '' OR c.tenant_id = toUUIDOrZero({tenant:String}))
    GROUP BY tenant_id, refresh_date, user_id
)
GROUP BY tenant_id, refresh_date, upn
