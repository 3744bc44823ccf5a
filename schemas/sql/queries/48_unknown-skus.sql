-- title: SKUs that have no name in any list
-- feeds: skus, users
-- definition: One row per SKU that a tenant has or that people hold, for which neither the shipped
--   names nor the imported catalogue nor an override has one. It is shown everywhere by its
--   part number, or by its id, and never dropped. Such a SKU has no traits either: it counts
--   as paid.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    c.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    c.sku_id AS sku_id,
    if(k.sku = '', toString(c.sku_id), k.sku) AS sku,
    k.capability AS status,
    k.enabled AS enabled,
    k.consumed AS consumed,
    c.holders AS holders
FROM (
    SELECT tenant_id, sku_id, sum(n) AS holders
    FROM (
        SELECT tenant_id, sku_id, toUInt64(0) AS n FROM m365.skus_at(tenant = {tenant:String}, as_of = {as_of:String})
        UNION ALL
        SELECT tenant_id, sku_id, count() FROM m365.holdings(tenant = {tenant:String}, as_of = {as_of:String}) GROUP BY tenant_id, sku_id
    )
    GROUP BY tenant_id, sku_id
) AS c
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = c.tenant_id AND k.sku_id = c.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = c.tenant_id
WHERE k.name = '' OR k.unnamed
ORDER BY tenant, holders DESC, sku
