-- title: Seats per tenant and SKU: bought, held, used, unassigned, over-allocated, and what is unused
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: enabled, warning, suspended and locked_out are the prepaid units of
--   subscribedSkus, consumed its consumedUnits; holders counts distinct people whose
--   assignedLicenses have the SKU, and active, inactive, never_used and unknown are those
--   holders by use (unused-licences). unassigned = max(0, enabled - consumed) of paid SKUs,
--   null for those that are free, viral or company-level: their seats are no saving.
--   assignable = enabled + warning - consumed: units in the grace period still work.
--   over_allocated = max(0, consumed - enabled - warning); suspended and locked-out units are
--   never capacity. unused_cost is a month's price of the seats to reclaim (inactive or never
--   used, not excluded) and unassigned; null where no price is known. A SKU that is held and
--   not in subscribedSkus is shown with the status not subscribed. Source: Microsoft Graph,
--   subscribedSku and licenseUnitsDetail.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
SELECT
    p.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    p.sku_id AS sku_id,
    if(k.sku = '', toString(p.sku_id), k.sku) AS sku,
    if(k.name = '', sku, k.name) AS name,
    if(p.subscribed, k.applies_to, 'User') AS applies_to,
    if(p.subscribed, k.capability, 'not subscribed') AS status,
    k.enabled AS enabled,
    k.warning AS warning,
    k.suspended AS suspended,
    k.locked_out AS locked_out,
    k.consumed AS consumed,
    p.holders AS holders,
    p.active AS active,
    p.inactive AS inactive,
    p.never_used AS never_used,
    p.unknown AS unknown,
    if(k.paid, greatest(0, k.enabled - k.consumed), NULL) AS unassigned,
    k.enabled + k.warning - k.consumed AS assignable,
    greatest(0, k.consumed - k.enabled - k.warning) AS over_allocated,
    p.excluded AS excluded,
    multiIf(k.free, 'free', k.viral, 'viral', k.company_level, 'company-level', '') AS trait,
    k.price AS price,
    if(k.paid, k.price * (p.spare + ifNull(unassigned, 0)), NULL) AS unused_cost,
    k.currency AS currency
FROM (
    SELECT tenant_id, sku_id, max(subscribed) AS subscribed, sum(n) AS holders, sum(n_active) AS active, sum(n_inactive) AS inactive,
        sum(n_never) AS never_used, sum(n_unknown) AS unknown, sum(n_excluded) AS excluded, sum(n_spare) AS spare
    FROM (
        SELECT tenant_id, sku_id, true AS subscribed, toUInt64(0) AS n, toUInt64(0) AS n_active, toUInt64(0) AS n_inactive, toUInt64(0) AS n_never,
            toUInt64(0) AS n_unknown, toUInt64(0) AS n_excluded, toUInt64(0) AS n_spare
        FROM m365.skus_at(tenant = {tenant:String}, as_of = {as_of:String})
        UNION ALL
        SELECT tenant_id, sku_id, false, count(), countIf(state = 'active'), countIf(state = 'inactive'), countIf(state = 'never used'),
            countIf(state = 'unknown'), countIf(excluded != ''), countIf(spare)
        FROM m365.judged(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16})
        GROUP BY tenant_id, sku_id
    )
    GROUP BY tenant_id, sku_id
) AS p
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = p.tenant_id AND k.sku_id = p.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = p.tenant_id
ORDER BY tenant, enabled DESC, sku
