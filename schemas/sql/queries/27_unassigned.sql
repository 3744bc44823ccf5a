-- title: Paid seats that nobody holds
-- feeds: organization, skus
-- definition: unassigned = max(0, enabled - consumed), of SKUs that are neither free, viral nor
--   company-level. Units in the grace period are not counted: they end by themselves. cost
--   is a month's price of them, null where no price is known; the money ends only when the
--   contract is renewed smaller (trials-and-renewals). Source: Microsoft Graph,
--   subscribedSku.
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
    greatest(0, k.enabled - k.consumed) AS unassigned,
    multiIf(k.free, 'free', k.viral, 'viral', k.company_level, 'company-level', '') AS trait,
    k.price AS price,
    k.price * unassigned AS cost,
    k.currency AS currency
FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = k.tenant_id
WHERE k.paid AND unassigned > 0
ORDER BY tenant, cost DESC NULLS LAST, unassigned DESC, sku
