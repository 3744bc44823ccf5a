-- title: Copilot seats without activity
-- feeds: skus, users, names, getMicrosoft365CopilotUsageUserDetail
-- definition: One row per person who holds a SKU with Copilot plans switched on, past the grace
--   period, whom the Copilot usage report covers with a row and without any date in its
--   window. People without a row, with concealed names or a report that is late or not
--   collected are unknown and not here (unused-licences has them). cost is a month's price
--   of a paid seat.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
SELECT
    s.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    s.user_id AS user_id,
    s.user_principal_name AS user_principal_name,
    s.display_name AS display_name,
    s.department AS department,
    s.sku_id AS sku_id,
    s.sku AS sku,
    s.name AS name,
    s.held_since AS held_since,
    e.refresh_date AS report_date,
    s.excluded AS excluded,
    if(s.paid, s.price, NULL) AS cost,
    s.currency AS currency
FROM m365.seats(tenant = {tenant:String}, as_of = {as_of:String}, days = 90, grace = {grace:UInt16}) AS s
INNER JOIN m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS e ON e.tenant_id = s.tenant_id AND e.feed = 'getMicrosoft365CopilotUsageUserDetail'
INNER JOIN m365.person_use(tenant = {tenant:String}, as_of = {as_of:String}) AS p ON p.tenant_id = s.tenant_id AND p.user_id = s.user_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = s.tenant_id
WHERE has(s.workloads, 'Copilot') AND has(p.workloads, 'Copilot') AND p.dates[indexOf(p.workloads, 'Copilot')] IS NULL
    AND e.refresh_date >= toDate32(e.newest_run) - 7 AND s.held_since <= e.refresh_date - {grace:UInt16}
ORDER BY tenant, held_since, user_principal_name
