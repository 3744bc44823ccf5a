-- title: Office apps installed and signed in, by person
-- feeds: users, names
-- optional: getOffice365ActivationsUserDetail
-- definition: One row per person and product of getOffice365ActivationsUserDetail, where that report
--   is collected: on how many devices the apps are installed and signed in. Activated is not
--   used: the report knows nothing of use. Rows with concealed names match nobody; a report
--   that is not collected gives no row, which coverage shows.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    r.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    n.user_id AS user_id,
    r.user_principal_name AS user_principal_name,
    ifNull(r.texts['Product Type'], '') AS product,
    r.dates['Last Activated Date'] AS last_activated,
    ifNull(r.counts['Windows'], 0) AS windows,
    ifNull(r.counts['Mac'], 0) AS mac,
    arraySum(arrayMap(c -> ifNull(c, 0), mapValues(r.counts))) AS devices,
    ifNull(r.flags['Activated On Shared Computer'], false) AS shared_computer,
    e.refresh_date AS report_date
FROM m365.reports_at(tenant = {tenant:String}, as_of = {as_of:String}) AS r
INNER JOIN m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS e ON e.tenant_id = r.tenant_id AND e.feed = r.report
INNER JOIN m365.report_names(tenant = {tenant:String}, as_of = {as_of:String}) AS n ON n.tenant_id = r.tenant_id AND n.refresh_date = e.refresh_date AND n.upn = lower(r.user_principal_name)
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = r.tenant_id
WHERE r.report = 'getOffice365ActivationsUserDetail' AND NOT r.concealed
ORDER BY tenant, user_principal_name, product
