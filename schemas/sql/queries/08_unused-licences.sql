-- title: Licences by use: active, inactive for N days, or unknown and why
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: One row per holder of a licence. Last use is the latest last-activity date
--   over the workloads that the SKU's service plans contain, those switched off for the
--   user left out: evidence about the person, not proof that this SKU enabled it. The
--   anchor is the report refresh date, never today. inactive: anchor - last use is at
--   least N days, or every report has a row of the person with a blank date (no activity
--   in the report's window of 180 days), while the account is enabled, the user type is
--   Member and the licence has been held for 30 days. active: last use is nearer than
--   that. unknown, with the reason: no report covers the SKU, a report was not collected
--   or is late, names are concealed, no row for the person, held too short a time or
--   for one that is not known, the listing of users is not complete. A report is late that
--   is more than a week older than the tenant's newest run. Unknown is never counted as
--   unused.
-- param: tenant String = '', directory id; empty for all
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: state String = '', active, inactive or unknown; empty for all
-- param: sku String = '', SKU part number; empty for all
WITH
    workloads AS (
        SELECT p.tenant_id AS tenant_id, p.sku_id AS sku_id, p.plan_id AS plan_id, w.workload AS workload
        FROM (SELECT tenant_id, sku_id, arrayJoin(plan_ids) AS plan_id FROM m365.skus FINAL
              WHERE {tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String})) AS p
        INNER JOIN (SELECT DISTINCT service_plan_id, workload FROM m365.service_plan_workloads) AS w ON w.service_plan_id = p.plan_id
    ),
    evidence AS (
        SELECT e.tenant_id AS tenant_id, e.feed AS feed, e.refresh_date AS refresh_date, e.concealed_rows AS concealed_rows,
            l.finished_at AS newest_run
        FROM m365.last_complete_runs(tenant = {tenant:String}) AS e
        -- Of any run, complete or not: a report that can no longer be read grows old.
        INNER JOIN (
            SELECT tenant_id, max(finished_at) AS finished_at FROM m365.run_changes
            WHERE {tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String})
            GROUP BY tenant_id
        ) AS l ON l.tenant_id = e.tenant_id
    ),
    use AS (
        SELECT tenant_id, user_id, workload, max(last_activity) AS last_activity, min(assigned) AS assigned
        FROM m365.last_use(tenant = {tenant:String})
        GROUP BY tenant_id, user_id, workload
    ),
    needed AS (
        SELECT h.tenant_id AS tenant_id, h.user_id AS user_id, h.sku_id AS sku_id, w.workload AS workload,
            multiIf(w.workload = 'Apps', 'getM365AppUserDetail', w.workload = 'Copilot', 'getMicrosoft365CopilotUsageUserDetail',
                'getOffice365ActiveUserDetail') AS report
        FROM m365.holdings(tenant = {tenant:String}) AS h
        INNER JOIN workloads AS w ON w.tenant_id = h.tenant_id AND w.sku_id = h.sku_id
        WHERE NOT has(h.disabled_plans, w.plan_id)
        GROUP BY tenant_id, user_id, sku_id, workload
    ),
    judged AS (
        SELECT n.tenant_id AS tenant_id, n.user_id AS user_id, n.sku_id AS sku_id,
            max(u.last_activity) AS last_use,
            min(u.assigned) AS assigned,
            min(e.refresh_date) AS anchor,
            arraySort(groupUniqArrayIf(n.workload, isNull(u.user_id))) AS without_row,
            countIf(isNull(e.feed)) AS reports_missing,
            countIf(e.refresh_date < toDate32(e.newest_run) - 7) AS reports_late,
            max(e.concealed_rows) AS concealed
        FROM needed AS n
        LEFT JOIN use AS u ON u.tenant_id = n.tenant_id AND u.user_id = n.user_id AND u.workload = n.workload
        LEFT JOIN evidence AS e ON e.tenant_id = n.tenant_id AND e.feed = n.report
        GROUP BY tenant_id, user_id, sku_id
        SETTINGS join_use_nulls = 1
    ),
    seen AS (
        SELECT tenant_id, user_id, sku_id, max(observed_at) AS assigned_at
        FROM m365.licence_changes FINAL
        WHERE change = 'assigned' AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
        GROUP BY tenant_id, user_id, sku_id
    ),
    held AS (
        SELECT
            h.tenant_id AS tenant_id, h.user_id AS user_id, h.sku_id AS sku_id, h.user_principal_name AS user_principal_name,
            h.display_name AS display_name, h.department AS department, h.account_enabled AS account_enabled, h.user_type AS user_type,
            j.last_use AS last_use, j.anchor AS anchor, j.without_row AS without_row, j.reports_missing AS reports_missing,
            j.reports_late AS reports_late, j.concealed AS concealed, isNotNull(j.user_id) AS covered,
            coalesce(toDate32(s.assigned_at), j.assigned, toDate32(h.created_at)) AS held_since,
            last_listing.status AS listing
        FROM m365.holdings(tenant = {tenant:String}) AS h
        LEFT JOIN judged AS j ON j.tenant_id = h.tenant_id AND j.user_id = h.user_id AND j.sku_id = h.sku_id
        LEFT JOIN seen AS s ON s.tenant_id = h.tenant_id AND s.user_id = h.user_id AND s.sku_id = h.sku_id
        LEFT JOIN (
            SELECT tenant_id, argMax(status, stream_seq) AS status
            FROM m365.run_changes FINAL
            WHERE feed = 'users' AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
            GROUP BY tenant_id
        ) AS last_listing ON last_listing.tenant_id = h.tenant_id
        SETTINGS join_use_nulls = 1
    ),
    answered AS (
        SELECT *,
            multiIf(
                NOT covered, 'no report covers this SKU',
                reports_missing > 0, 'report not collected',
                reports_late > 0, 'report late',
                length(without_row) > 0 AND concealed > 0, 'names concealed',
                length(without_row) > 0, 'no row for the person: ' || arrayStringConcat(without_row, ', '),
                ifNull(listing, '') != 'complete', 'listing of users incomplete',
                account_enabled IS NULL, 'account state unknown',
                NOT account_enabled, 'account disabled',
                user_type = 'Guest', 'guest account',
                user_type != 'Member', 'user type unknown',
                held_since IS NULL, 'time of assignment unknown',
                held_since > anchor - 30, 'held for less than 30 days',
                ''
            ) AS doubt,
            last_use IS NOT NULL AND dateDiff('day', last_use, anchor) < {days:UInt16} AS recent
        FROM held
    )
SELECT
    a.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    a.user_id AS user_id,
    a.user_principal_name AS user_principal_name,
    a.display_name AS display_name,
    a.department AS department,
    a.sku_id AS sku_id,
    k.sku_part_number AS sku,
    multiIf(recent, 'active', doubt != '', 'unknown', 'inactive') AS state,
    multiIf(
        state = 'unknown', doubt,
        last_use IS NULL, 'no activity in 180 days',
        'last active ' || toString(dateDiff('day', last_use, anchor)) || ' days before the report'
    ) AS reason,
    a.last_use AS last_use,
    a.anchor AS report_date,
    a.held_since AS held_since
FROM answered AS a
LEFT JOIN m365.skus AS k FINAL ON k.tenant_id = a.tenant_id AND k.sku_id = a.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = a.tenant_id
WHERE ({state:String} = '' OR state = {state:String}) AND ({sku:String} = '' OR k.sku_part_number = {sku:String})
ORDER BY tenant, sku, state, user_principal_name
