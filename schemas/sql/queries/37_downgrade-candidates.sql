-- title: Candidates for a smaller edition, with what speaks against it
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- optional: getMailboxUsageDetail, getOneDriveUsageAccountDetail
-- definition: One row per holder of a SKU for which downgrades names a smaller edition. E5-E3 and
--   edition: every user plan switched on that only the larger one has (less foundation
--   plans, and what a plan of the smaller one supersedes) must be shown unused: one whose
--   workload the person used within N days of the report is a blocker; one that no report
--   covers (security, compliance, Power BI and others), or for which the person has no row,
--   is missing evidence. E3-F3: no use of the desktop apps (Windows or Mac in
--   getM365AppUserDetail), and mailbox and OneDrive within the 2 GB of the F3 plans; E3-E1:
--   no use of the desktop apps. Sizes come from getMailboxUsageDetail and
--   getOneDriveUsageAccountDetail where those are collected, else they are missing evidence.
--   verdict: blocked, where a blocker is known; else candidate: with these permissions it is
--   never proven. saving is the difference of the prices a month. Excluded people and
--   disabled accounts are shown as such.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
WITH
    steps AS (
        SELECT f.tenant_id AS tenant_id, f.sku_id AS sku_id, f.sku AS sku, f.name AS name, f.price AS price, f.currency AS currency, d.kind AS kind,
            multiIf(t.sku != '', t.sku, m.part != '', m.part, toString(d.to_sku)) AS to_sku,
            if(t.currency = f.currency, f.price - t.price, NULL) AS saving,
            arrayFilter(p -> NOT has(if(empty(t.plan_ids), c.plans, t.plan_ids), p)
                AND NOT has((SELECT groupArray(service_plan_id) FROM m365.plan_traits FINAL WHERE foundation), p)
                AND NOT arrayExists(s -> s.2 = p AND has(if(empty(t.plan_ids), c.plans, t.plan_ids), s.1), (SELECT groupArray((service_plan_id, supersedes)) FROM m365.plan_supersedes FINAL)), f.plan_ids) AS extra
        FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS f
        INNER JOIN (SELECT from_sku, to_sku, kind FROM m365.downgrades FINAL) AS d ON d.from_sku = f.sku_id
        LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS t ON t.tenant_id = f.tenant_id AND t.sku_id = d.to_sku
        LEFT JOIN (SELECT sku_id, groupUniqArray(service_plan_id) AS plans FROM m365.sku_plans FINAL GROUP BY sku_id) AS c ON c.sku_id = d.to_sku
        LEFT JOIN (
            SELECT sku_id, max(sku_part_number) AS part FROM m365.sku_names FINAL WHERE tenant_id = toUUIDOrZero('') AND ({tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero(''))) GROUP BY sku_id
        ) AS m ON m.sku_id = d.to_sku
    ),
    named AS (
        SELECT p.service_plan_id AS plan_id, any(p.plan_name) AS plan, groupUniqArrayIf(w.workload, w.workload != '') AS workloads
        FROM m365.plan_names AS p FINAL
        LEFT JOIN m365.service_plan_workloads AS w ON w.service_plan_id = p.service_plan_id
        GROUP BY plan_id
    ),
    facts AS (
        SELECT r.tenant_id AS tenant_id, n.user_id AS user_id,
            maxIf(ifNull(r.flags['Windows'], false) OR ifNull(r.flags['Mac'], false), r.report = 'getM365AppUserDetail') AS desktop,
            countIf(r.report = 'getM365AppUserDetail' AND mapContains(r.flags, 'Windows') AND mapContains(r.flags, 'Mac')) > 0 AS desktop_known,
            maxIf(r.counts['Storage Used (Byte)'], r.report = 'getMailboxUsageDetail') AS mailbox,
            maxIf(r.counts['Storage Used (Byte)'], r.report = 'getOneDriveUsageAccountDetail') AS onedrive
        FROM m365.reports_at(tenant = {tenant:String}, as_of = {as_of:String}) AS r
        INNER JOIN m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS e ON e.tenant_id = r.tenant_id AND e.feed = r.report
        INNER JOIN m365.report_names(tenant = {tenant:String}, as_of = {as_of:String}) AS n ON n.tenant_id = r.tenant_id AND n.refresh_date = e.refresh_date AND n.upn = lower(r.user_principal_name)
        WHERE r.report IN ('getM365AppUserDetail', 'getMailboxUsageDetail', 'getOneDriveUsageAccountDetail') AND NOT r.concealed
            AND e.refresh_date >= toDate32(e.newest_run) - 7
        GROUP BY tenant_id, user_id
    ),
    used AS (
        SELECT p.tenant_id AS tenant_id, p.user_id AS user_id, p.workloads AS workloads,
            arrayFilter((w, d) -> d IS NOT NULL AND dateDiff('day', d, e.anchor) < {days:UInt16}, p.workloads, p.dates) AS recent
        FROM m365.person_use(tenant = {tenant:String}, as_of = {as_of:String}) AS p
        INNER JOIN (
            SELECT tenant_id, min(refresh_date) AS anchor FROM m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) WHERE refresh_date IS NOT NULL GROUP BY tenant_id
        ) AS e ON e.tenant_id = p.tenant_id
    ),
    judged AS (
        SELECT h.tenant_id AS tenant_id, h.user_id AS user_id, any(h.user_principal_name) AS user_principal_name, any(h.display_name) AS display_name,
            any(h.account_enabled) AS account_enabled, any(h.excluded) AS excluded, h.sku_id AS sku_id, any(s.sku) AS sku, any(s.name) AS name,
            any(s.kind) AS kind, s.to_sku AS to_sku, any(s.saving) AS saving, any(s.currency) AS currency,
            arraySort(groupArrayIf(plan, plan != '' AND hasAny(recent, workloads))) AS used_plans,
            arraySort(groupArrayIf(plan, plan != '' AND empty(workloads))) AS uncovered,
            arraySort(groupArrayIf(plan, plan != '' AND notEmpty(workloads) AND NOT hasAny(recent, workloads) AND NOT hasAll(known, workloads))) AS no_row,
            any(h.desktop) AS desktop, any(h.desktop_known) AS desktop_known, any(h.mailbox_bytes) AS mailbox, any(h.onedrive_bytes) AS onedrive
        FROM (
            SELECT h.tenant_id AS tenant_id, h.user_id AS user_id, h.user_principal_name AS user_principal_name, h.display_name AS display_name,
                h.account_enabled AS account_enabled, h.excluded AS excluded, h.sku_id AS sku_id, h.disabled_plans AS disabled_plans,
                u.recent AS recent, u.workloads AS known, f.desktop AS desktop, f.desktop_known AS desktop_known, f.mailbox AS mailbox_bytes, f.onedrive AS onedrive_bytes
            FROM m365.paid_holdings(tenant = {tenant:String}, as_of = {as_of:String}) AS h
            LEFT JOIN used AS u ON u.tenant_id = h.tenant_id AND u.user_id = h.user_id
            LEFT JOIN facts AS f ON f.tenant_id = h.tenant_id AND f.user_id = h.user_id
        ) AS h
        INNER JOIN (
            SELECT *, arrayJoin(arrayPushBack(extra, toUUIDOrZero(''))) AS plan_id FROM steps
        ) AS s ON s.tenant_id = h.tenant_id AND s.sku_id = h.sku_id
        LEFT JOIN (
            SELECT plan_id AS named_plan, plan, workloads FROM named
        ) AS n ON n.named_plan = s.plan_id
        WHERE NOT has(h.disabled_plans, s.plan_id)
        GROUP BY tenant_id, user_id, sku_id, to_sku
    )
SELECT
    j.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    j.user_id AS user_id,
    j.user_principal_name AS user_principal_name,
    j.display_name AS display_name,
    j.sku_id AS sku_id,
    j.sku AS sku,
    j.name AS name,
    j.to_sku AS to_sku,
    j.kind AS kind,
    if(notEmpty(blockers), 'blocked', 'candidate') AS verdict,
    arrayConcat(
        if(kind IN ('E3-F3', 'E3-E1'), [], arrayMap(p -> p || ' is used', j.used_plans)),
        if(kind IN ('E3-F3', 'E3-E1') AND j.desktop, ['desktop apps are used'], []),
        if(kind = 'E3-F3' AND j.mailbox > 2147483648, ['mailbox over 2 GB'], []),
        if(kind = 'E3-F3' AND j.onedrive > 2147483648, ['OneDrive over 2 GB'], [])) AS blockers,
    arrayConcat(
        if(kind IN ('E3-F3', 'E3-E1'), [], arrayMap(p -> 'no report covers ' || p, j.uncovered)),
        if(kind IN ('E3-F3', 'E3-E1'), [], arrayMap(p -> 'no row for the person: ' || p, j.no_row)),
        if(kind IN ('E3-F3', 'E3-E1') AND NOT j.desktop_known, ['use of desktop apps'], []),
        if(kind = 'E3-F3' AND j.mailbox IS NULL, ['size of the mailbox'], []),
        if(kind = 'E3-F3' AND j.onedrive IS NULL, ['size of OneDrive'], [])) AS missing_evidence,
    j.account_enabled AS account_enabled,
    j.excluded AS excluded,
    j.saving AS saving,
    j.currency AS currency
FROM judged AS j
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = j.tenant_id
ORDER BY tenant, verdict DESC, saving DESC NULLS LAST, sku, user_principal_name
