-- title: Guests with a paid licence
-- feeds: organization, skus, users
-- definition: One row per person with userType Guest and SKU that is neither free, viral nor company-
--   level. Guests work in a tenant with the licence of their own; whether one needs another
--   is for people to say. cost is a month's price.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    h.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    h.user_id AS user_id,
    h.user_principal_name AS user_principal_name,
    h.display_name AS display_name,
    h.sku_id AS sku_id,
    h.sku AS sku,
    h.name AS name,
    h.account_enabled AS account_enabled,
    h.excluded AS excluded,
    h.price AS cost,
    h.currency AS currency
FROM m365.paid_holdings(tenant = {tenant:String}, as_of = {as_of:String}) AS h
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = h.tenant_id
WHERE h.user_type = 'Guest'
ORDER BY tenant, sku, user_principal_name
