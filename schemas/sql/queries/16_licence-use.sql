-- internal: building block
-- title: One row per holder of a licence: is it used, and what the answer rests on
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
-- definition: As unused-licences says. A person's last use is the latest over the workloads
--   that the SKU's service plans give, those switched off for the person left out. held_since
--   is when the stream saw the licence come; for one that was there from the first reading,
--   the licence assign date of the reports, else the day by which it was surely held: the
--   last change of its path or the first time the stream saw the person.
WITH
    ['Apps', 'Copilot', 'Exchange', 'OneDrive', 'SharePoint', 'SkypeForBusiness', 'Teams', 'Yammer'] AS every_workload,
    toDate32('1970-01-01') AS no_row, toDate32('1970-01-02') AS blank, toDate32('2299-12-31') AS never,
    -- Most holders of a SKU have the same plans on: what is needed is worked out per shape.
    shapes AS (
        SELECT h.tenant_id AS tenant_id, h.sku_id AS sku_id, h.off AS off,
            groupUniqArray(w.workload) AS needed, arrayMap(n -> has(needed, n), every_workload) AS needs,
            min(e.refresh_date) AS anchor,
            uniqExactIf(w.report, isNull(e.refresh_date)) AS reports_missing,
            countIf(e.refresh_date < toDate32(e.newest_run) - 7) AS reports_late,
            max(ifNull(e.concealed_rows, 0)) AS concealed
        FROM (
            SELECT DISTINCT tenant_id, sku_id, cityHash64(disabled_plans) AS off, disabled_plans
            FROM (SELECT DISTINCT tenant_id, sku_ids, sku_disabled_plans FROM m365.users_at(tenant = {tenant:String}, as_of = {as_of:String}))
            ARRAY JOIN sku_ids AS sku_id, sku_disabled_plans AS disabled_plans
        ) AS h
        INNER JOIN (
            SELECT tenant_id, sku_id, arrayJoin(plan_ids) AS plan_id FROM m365.skus_at(tenant = {tenant:String}, as_of = {as_of:String})
        ) AS k ON k.tenant_id = h.tenant_id AND k.sku_id = h.sku_id
        INNER JOIN (
            SELECT DISTINCT service_plan_id, workload,
                multiIf(workload = 'Apps', 'getM365AppUserDetail', workload = 'Copilot', 'getMicrosoft365CopilotUsageUserDetail', 'getOffice365ActiveUserDetail') AS report
            FROM m365.service_plan_workloads
        ) AS w ON w.service_plan_id = k.plan_id
        LEFT JOIN m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS e ON e.tenant_id = h.tenant_id AND e.feed = w.report
        WHERE NOT has(h.disabled_plans, k.plan_id)
        GROUP BY tenant_id, sku_id, off
        SETTINGS join_use_nulls = 1
    ),
    listing AS (
        SELECT r.tenant_id AS tenant_id, anyIf(r.status, r.feed = 'users') AS status, any(ifNull(w.reach, 180)) AS reach
        FROM m365.latest_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS r
        LEFT JOIN (
            SELECT tenant_id, min(toUInt16OrNull(period)) AS reach
            FROM m365.reports WHERE NOT endsWith(report, '-daily') -- single days: nothing about how far a report reaches
                AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
            GROUP BY tenant_id
        ) AS w ON w.tenant_id = r.tenant_id
        GROUP BY tenant_id
        SETTINGS join_use_nulls = 1
    ),
    came AS (
        SELECT tenant_id, user_id, sku_id, max(observed_at) AS came_at
        FROM m365.licence_changes
        WHERE change = 'assigned' AND observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
            AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
        GROUP BY tenant_id, user_id, sku_id
    ),
    first AS (
        SELECT tenant_id, user_id, min(observed_at) AS seen_at
        FROM m365.user_changes
        WHERE {tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String})
        GROUP BY tenant_id, user_id
    ),
    met AS (
        SELECT
            h.tenant_id AS tenant_id, h.user_id AS user_id, h.sku_id AS sku_id, h.user_principal_name AS user_principal_name,
            h.display_name AS display_name, h.department AS department, h.company AS company, h.country AS country, h.office AS office,
            h.cost_centre AS cost_centre, h.job_title AS job_title, h.account_enabled AS account_enabled, h.user_type AS user_type,
            h.path_groups AS path_groups,
            s.anchor AS anchor, ifNull(s.reports_missing, 0) AS reports_missing, ifNull(s.reports_late, 0) AS reports_late,
            ifNull(s.concealed, 0) AS concealed, isNotNull(s.sku_id) AS covered, l.status AS listing, ifNull(l.reach, 180) AS reach,
            s.needed AS needed,
            -- Of the workloads needed: the last activity and the licence assign date, as person_use has them.
            arrayResize(s.needs, 8, 0) AS needs, arrayResize(p.last, 8, no_row) AS last,
            arrayFilter((d, n) -> n, last, needs) AS used,
            if(arrayMax(used) > blank, arrayMax(used), NULL) AS last_use,
            arrayMin(arrayFilter((d, n) -> n, arrayResize(p.since, 8, never), needs)) AS assigned,
            c.came_at AS came_at,
            multiIf(
                c.came_at IS NOT NULL, toDate32(c.came_at),
                notEmpty(used) AND assigned < never, assigned,
                toDate32(least(h.changed_at, f.seen_at))
            ) AS held_since
        FROM m365.holdings(tenant = {tenant:String}, as_of = {as_of:String}) AS h
        LEFT JOIN shapes AS s ON s.tenant_id = h.tenant_id AND s.sku_id = h.sku_id AND s.off = cityHash64(h.disabled_plans)
        LEFT JOIN m365.person_use(tenant = {tenant:String}, as_of = {as_of:String}) AS p ON p.tenant_id = h.tenant_id AND p.user_id = h.user_id
        LEFT JOIN came AS c ON c.tenant_id = h.tenant_id AND c.user_id = h.user_id AND c.sku_id = h.sku_id
        LEFT JOIN first AS f ON f.tenant_id = h.tenant_id AND f.user_id = h.user_id
        LEFT JOIN listing AS l ON l.tenant_id = h.tenant_id
        SETTINGS join_use_nulls = 1
    )
SELECT
    tenant_id, user_id, sku_id, user_principal_name, display_name, department, company, country, office, cost_centre, job_title,
    account_enabled, user_type, path_groups, last_use, anchor, held_since, needed,
    last_use IS NOT NULL AND dateDiff('day', last_use, anchor) < {days:UInt16} AS recent,
    held_since >= anchor - reach AND (last_use IS NULL OR last_use < held_since) AS untouched,
    multiIf(
        NOT covered, 'no report covers this SKU',
        reports_missing > 0, 'report not collected',
        reports_late > 0, 'report late',
        has(used, no_row) AND concealed > 0, 'names concealed',
        has(used, no_row), 'no row for the person: ' || arrayStringConcat(arrayFilter((w, d, n) -> n AND d = no_row, every_workload, last, needs), ', '),
        ifNull(listing, '') != 'complete', 'listing of users incomplete',
        account_enabled IS NULL, 'account state unknown',
        NOT account_enabled, 'account disabled',
        user_type = 'Guest', 'guest account',
        user_type != 'Member', 'user type unknown',
        held_since IS NULL, 'time of assignment unknown',
        held_since > anchor - {grace:UInt16}, 'held for less than ' || toString({grace:UInt16}) || ' days',
        NOT untouched AND {days:UInt16} > reach AND has(used, blank), 'reports reach back ' || toString(reach) || ' days only',
        ''
    ) AS doubt,
    multiIf(recent, 'active', doubt != '', 'unknown', untouched, 'never used', 'inactive') AS state,
    multiIf(
        state = 'unknown', doubt,
        state = 'never used', 'no activity since it was assigned ' || toString(dateDiff('day', held_since, anchor)) || ' days before the report',
        last_use IS NULL, 'no activity in ' || toString(reach) || ' days',
        'last active ' || toString(dateDiff('day', last_use, anchor)) || ' days before the report'
    ) AS reason
FROM met
