-- title: Seats that can be given to somebody today
-- feeds: organization, skus
-- definition: assignable = enabled + warning - consumed: units in the grace period still work,
--   suspended and locked-out units never count. Negative where more is consumed than there
--   is. Company-level SKUs are left out: nobody is assigned one. Source: Microsoft Graph,
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
    k.enabled + k.warning - k.consumed AS assignable,
    multiIf(k.free, 'free', k.viral, 'viral', k.company_level, 'company-level', '') AS trait,
    k.price AS price,
    k.currency AS currency
FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = k.tenant_id
WHERE NOT k.company_level
ORDER BY tenant, assignable, sku
