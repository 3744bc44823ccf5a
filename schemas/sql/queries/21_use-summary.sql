-- title: Holders per SKU by use: active, inactive, never used, unknown
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: The rows of unused-licences counted. active + inactive + never_used + unknown
--   = holders. why_unknown names every reason there is.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
SELECT
    s.tenant_id AS tenant_id,
    any(o.default_domain) AS tenant,
    s.sku_id AS sku_id,
    any(s.sku) AS sku,
    any(s.name) AS name,
    count() AS holders,
    countIf(s.state = 'active') AS active,
    countIf(s.state = 'inactive') AS inactive,
    countIf(s.state = 'never used') AS never_used,
    countIf(s.state = 'unknown') AS unknown,
    countIf(s.excluded != '') AS excluded,
    arraySort(groupUniqArrayIf(splitByString(':', s.reason)[1], s.state = 'unknown')) AS why_unknown
FROM m365.seats(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16}) AS s
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = s.tenant_id
GROUP BY tenant_id, sku_id
ORDER BY tenant, holders DESC, sku
