-- title: Trials and renewals: what changes status, and when
-- feeds: organization, skus, subscriptions
-- definition: One row per subscription of /directory/subscriptions whose status changes within the
--   given days, today included (days_left 0) and what is past and still listed too (below
--   0). next_change is nextLifecycleDateTime: the next change of status if nothing is done,
--   which is not necessarily a renewal; the term is never inferred from dates. sku_seats
--   sums the seats of all subscriptions of the SKU, so that several of them do not overwrite
--   each other. at_stake is a month's price of the subscription's seats. A subscription
--   without a date is left out here and stands in the table. Source: Microsoft Graph,
--   companySubscription.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: within UInt16 = 90, days from the moment on
-- param: trials String = '', yes for trials, no for the others; empty for all
SELECT
    s.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    s.subscription_id AS subscription_id,
    ifNull(s.sku_id, toUUIDOrZero('')) AS sku_id,
    if(k.sku = '', s.sku_part_number, k.sku) AS sku,
    if(k.name = '', sku, k.name) AS name,
    s.status AS status,
    s.is_trial AS is_trial,
    s.total_licenses AS seats,
    s.sku_seats AS sku_seats,
    s.next_lifecycle_at AS next_change,
    dateDiff('day', (SELECT today FROM m365.moment(as_of = {as_of:String})), toDate32(s.next_lifecycle_at)) AS days_left,
    if(k.paid, k.price * s.total_licenses, NULL) AS at_stake,
    k.currency AS currency
FROM (
    SELECT *, sum(total_licenses) OVER (PARTITION BY tenant_id, sku_id, sku_part_number) AS sku_seats
    FROM m365.subscriptions_at(tenant = {tenant:String}, as_of = {as_of:String})
) AS s
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = s.tenant_id AND k.sku_id = ifNull(s.sku_id, toUUIDOrZero(''))
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = s.tenant_id
WHERE days_left <= {within:UInt16}
    AND ({trials:String} = '' OR {trials:String} = 'yes' AND s.is_trial OR {trials:String} = 'no' AND NOT s.is_trial)
ORDER BY days_left, tenant, sku, subscription_id
