-- title: Holders per SKU by use: active, inactive, unknown
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: The rows of unused-licences counted. active + inactive + unknown = holders.
-- param: tenant String = '', directory id; empty for all
-- param: days UInt16 = 90, days without activity that make a licence inactive
SELECT
    tenant_id,
    tenant,
    sku_id,
    sku,
    count() AS holders,
    countIf(state = 'active') AS active,
    countIf(state = 'inactive') AS inactive,
    countIf(state = 'unknown') AS unknown,
    arraySort(groupUniqArrayIf(splitByString(':', reason)[1], state = 'unknown')) AS why_unknown
FROM m365.unused_licences(tenant = {tenant:String}, days = {days:UInt16}, state = '', sku = '')
GROUP BY tenant_id, tenant, sku_id, sku
ORDER BY tenant, holders DESC, sku
