-- internal: building block
-- title: One row per person and paid SKU held
-- definition: holdings of SKUs that are neither free, viral nor company-level, with price and
--   exclusion, and without any question about use.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
WITH left_alone AS (
    SELECT tenant_id, user_id, sku_id, tag || if(reason = '', '', ': ' || reason) AS why
    FROM m365.exclusions FINAL
    WHERE created_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
        AND ifNull(until, toDate32('2299-12-31')) >= (SELECT today FROM m365.moment(as_of = {as_of:String}))
        AND ({tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero('')))
)
SELECT
    h.tenant_id AS tenant_id, h.user_id AS user_id, h.user_principal_name AS user_principal_name, h.display_name AS display_name,
    h.department AS department, h.account_enabled AS account_enabled, h.user_type AS user_type, h.mailbox AS mailbox,
    h.sku_id AS sku_id,
    h.disabled_plans AS disabled_plans,
    cityHash64(h.disabled_plans) AS off,
    k.sku AS sku,
    k.name AS name,
    k.price AS price,
    k.currency AS currency,
    arrayFirst(x -> x.1 IN (h.tenant_id, toUUIDOrZero('')) AND x.2 IN (h.sku_id, toUUIDOrZero('')), p.list).3 AS by_person,
    arrayFirst(x -> x.1 IN (h.tenant_id, toUUIDOrZero('')), s.list).2 AS by_sku,
    if(by_person != '', by_person, by_sku) AS excluded
FROM m365.holdings(tenant = {tenant:String}, as_of = {as_of:String}) AS h
INNER JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = h.tenant_id AND k.sku_id = h.sku_id
LEFT JOIN (
    SELECT user_id, groupArray((tenant_id, sku_id, why)) AS list FROM left_alone WHERE user_id != toUUIDOrZero('') GROUP BY user_id
) AS p ON p.user_id = h.user_id
LEFT JOIN (
    SELECT sku_id, groupArray((tenant_id, why)) AS list FROM left_alone WHERE user_id = toUUIDOrZero('') GROUP BY sku_id
) AS s ON s.sku_id = h.sku_id
WHERE k.paid
