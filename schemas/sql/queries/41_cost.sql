-- title: What licences cost a month: the bill, what is unproductive, what is unknown
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: bill = sum of max(enabled, consumed) x price, a month, at the prices in force on the
--   day; one row never holds two currencies. It falls into active, inactive, never_used and
--   unknown (holders by use, see unused-licences, a SKU counted once a person), unassigned
--   (max(0, enabled - consumed)) and unmatched (consumed less the holders found, below 0
--   where more are found); these six always add up to the bill. unproductive = bill - active
--   - unknown; unknown is shown apart. excluded is the part of inactive and never_used that
--   is left alone on purpose. reassignable_now is the price of the seats to reclaim:
--   somebody else can have them today; reducible_at_renewal is that of unassigned seats of
--   paid SKUs: the money ends when the contract is renewed smaller. The rows are those of
--   by: sku, department, company, country, office, cost-centre or person. Groups of people
--   close on the bill: people with a blank field stand in the row (blank), seats without a
--   holder in (unassigned) and (unmatched). What has no price is a row of its own, with its
--   seats and no money.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
-- param: by String = 'sku', sku, department, company, country, office, cost-centre or person
WITH
    held AS (
        SELECT tenant_id, price, currency, state, excluded, reclaim, sku_id, sku AS sku_name,
            multiIf({by:String} = 'department', department, {by:String} = 'company', company, {by:String} = 'country', country,
                {by:String} = 'office', office, {by:String} = 'cost-centre', cost_centre, user_principal_name) AS field
        FROM m365.seats(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16})
    ),
    parts AS (
        SELECT tenant_id, if({by:String} = 'sku', sku_name, if(field = '', '(blank)', field)) AS part, currency, price, toInt64(count()) AS seats,
            state AS kind, toInt64(countIf(excluded != '' AND state IN ('inactive', 'never used'))) AS seats_excluded, toInt64(countIf(reclaim)) AS seats_reclaim, toInt64(0) AS seats_reduce
        FROM held
        GROUP BY tenant_id, part, currency, price, kind
        UNION ALL
        SELECT k.tenant_id, if({by:String} = 'sku', k.sku, '(unassigned)'), k.currency, k.price, greatest(0, k.enabled - k.consumed), 'unassigned', 0, 0,
            if(k.paid, greatest(0, k.enabled - k.consumed), 0)
        FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k
        WHERE k.enabled > k.consumed
        UNION ALL
        SELECT k.tenant_id, if({by:String} = 'sku', k.sku, '(unmatched)'), k.currency, k.price, k.consumed - toInt64(h.holders), 'unmatched', 0, 0, 0
        FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k
        LEFT JOIN (
            SELECT tenant_id, sku_id, count() AS holders FROM m365.holdings(tenant = {tenant:String}, as_of = {as_of:String}) GROUP BY tenant_id, sku_id
        ) AS h ON h.tenant_id = k.tenant_id AND h.sku_id = k.sku_id
        WHERE k.consumed != toInt64(h.holders)
    )
SELECT
    p.tenant_id AS tenant_id,
    any(o.default_domain) AS tenant,
    p.part AS part,
    p.currency AS currency,
    sum(p.seats) AS seats,
    if(p.currency = '', NULL, sum(p.price * p.seats)) AS bill,
    if(p.currency = '', NULL, ifNull(sumIf(p.price * p.seats, p.kind = 'active'), 0)) AS active,
    if(p.currency = '', NULL, ifNull(sumIf(p.price * p.seats, p.kind = 'inactive'), 0)) AS inactive,
    if(p.currency = '', NULL, ifNull(sumIf(p.price * p.seats, p.kind = 'never used'), 0)) AS never_used,
    if(p.currency = '', NULL, ifNull(sumIf(p.price * p.seats, p.kind = 'unknown'), 0)) AS unknown,
    if(p.currency = '', NULL, ifNull(sumIf(p.price * p.seats, p.kind = 'unassigned'), 0)) AS unassigned,
    if(p.currency = '', NULL, ifNull(sumIf(p.price * p.seats, p.kind = 'unmatched'), 0)) AS unmatched,
    bill - active - unknown AS unproductive,
    if(p.currency = '', NULL, sum(p.price * p.seats_excluded)) AS excluded,
    if(p.currency = '', NULL, sum(p.price * p.seats_reclaim)) AS reassignable_now,
    if(p.currency = '', NULL, sum(p.price * p.seats_reduce)) AS reducible_at_renewal
FROM parts AS p
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = p.tenant_id
WHERE {by:String} IN ('sku', 'department', 'company', 'country', 'office', 'cost-centre', 'person')
GROUP BY p.tenant_id, p.part, p.currency
ORDER BY tenant, currency, bill DESC, part
