-- title: Disabled accounts with a paid licence
-- feeds: organization, skus, users
-- definition: One row per person with accountEnabled = false and SKU that is neither free, viral nor
--   company-level. mailbox is the purpose of the mailbox (shared, room, equipment, user)
--   where the directory record has mailboxSettings.userPurpose: accounts of shared, room and
--   resource mailboxes are disabled by design and stand apart; with the usual permissions it
--   cannot be read and is unknown. An account whose state is not known is not here. A
--   licence that holds mail of a leaver may be kept on purpose: exclusions say so. cost is a
--   month's price.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    h.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    h.user_id AS user_id,
    h.user_principal_name AS user_principal_name,
    h.display_name AS display_name,
    h.department AS department,
    h.sku_id AS sku_id,
    h.sku AS sku,
    h.name AS name,
    h.mailbox AS mailbox,
    toBool(h.mailbox IN ('shared', 'room', 'equipment')) AS by_design,
    h.excluded AS excluded,
    h.price AS cost,
    h.currency AS currency
FROM m365.paid_holdings(tenant = {tenant:String}, as_of = {as_of:String}) AS h
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = h.tenant_id
WHERE h.account_enabled = false
ORDER BY tenant, mailbox, sku, user_principal_name
