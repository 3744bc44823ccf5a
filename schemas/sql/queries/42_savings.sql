-- title: What could be saved, largest first, and what to do about it
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: One row per tenant, SKU and kind, with a month's price. Each seat counts once, in the
--   first kind that fits: disabled account, never used, inactive, contained in another
--   licence of the person (overlaps); unassigned seats have no holder. Free, viral and
--   company-level SKUs, excluded licences and unknown use are left out: they are no saving.
--   A seat without a known price is shown with its number and no money. next_change is the
--   next change of status of a subscription of the SKU: until then a reclaimed seat can be
--   reassigned, then the contract can be made smaller. Candidates of downgrade-candidates
--   are not proven and stand only there.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
WITH
    kinds AS (
        SELECT s.tenant_id AS tenant_id, s.sku_id AS sku_id,
            multiIf(s.account_enabled = false, 'disabled account', s.reclaim AND s.state = 'never used', 'never used', s.reclaim, 'inactive', 'contained in another licence') AS kind,
            toInt64(count()) AS seats
        FROM m365.seats(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16}) AS s
        LEFT JOIN (
            SELECT tenant_id, user_id, sku_id, 1 AS contained FROM m365.overlaps(tenant = {tenant:String}, as_of = {as_of:String})
        ) AS v ON v.tenant_id = s.tenant_id AND v.user_id = s.user_id AND v.sku_id = s.sku_id
        WHERE s.paid AND s.excluded = '' AND (s.account_enabled = false OR s.reclaim OR v.contained = 1)
        GROUP BY tenant_id, sku_id, kind
        UNION ALL
        SELECT k.tenant_id, k.sku_id, 'unassigned', k.enabled - k.consumed
        FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k
        WHERE k.paid AND k.enabled > k.consumed
    )
SELECT
    n.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    n.sku_id AS sku_id,
    if(k.sku = '', toString(n.sku_id), k.sku) AS sku,
    if(k.name = '', sku, k.name) AS name,
    n.kind AS kind,
    n.seats AS seats,
    k.price * n.seats AS saving,
    k.currency AS currency,
    multiIf(
        n.kind = 'unassigned', 'renew with fewer seats, or assign them before buying more',
        n.kind = 'disabled account', 'remove the licence where the mailbox is not kept on purpose (disabled-licensed)',
        n.kind = 'never used', 'ask, then take the licence back (never-used-licences)',
        n.kind = 'inactive', 'ask, then take the licence back (inactive-licences)',
        'remove the smaller licence (overlaps)') AS action,
    r.next_change AS next_change
FROM kinds AS n
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = n.tenant_id AND k.sku_id = n.sku_id
LEFT JOIN (
    SELECT tenant_id, assumeNotNull(sku_id) AS sku_id, min(next_lifecycle_at) AS next_change
    FROM m365.subscriptions_at(tenant = {tenant:String}, as_of = {as_of:String})
    WHERE sku_id IS NOT NULL AND toDate32(next_lifecycle_at) >= (SELECT today FROM m365.moment(as_of = {as_of:String}))
    GROUP BY tenant_id, sku_id
) AS r ON r.tenant_id = n.tenant_id AND r.sku_id = n.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = n.tenant_id
ORDER BY saving DESC NULLS LAST, tenant, seats DESC, sku, kind
