-- title: Seats consumed beyond what is bought and in grace
-- feeds: organization, skus
-- definition: over_allocated = max(0, consumed - enabled - warning): units in the grace period
--   (warning) still work and are no overuse; suspended and locked-out units are never
--   capacity. Company-level SKUs are shown with their trait. Source: Microsoft Graph,
--   subscribedSku and licenseUnitsDetail.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    k.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    k.sku_id AS sku_id,
    k.sku AS sku,
    k.name AS name,
    k.capability AS status,
    k.enabled AS enabled,
    k.warning AS warning,
    k.consumed AS consumed,
    greatest(0, k.consumed - k.enabled - k.warning) AS over_allocated,
    multiIf(k.free, 'free', k.viral, 'viral', k.company_level, 'company-level', '') AS trait,
    k.price AS price,
    k.currency AS currency
FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = k.tenant_id
WHERE over_allocated > 0
ORDER BY tenant, over_allocated DESC, sku
