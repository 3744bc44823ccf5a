-- title: Microsoft's count of consumed units against the holders found, explained
-- feeds: skus, users
-- definition: residual = consumedUnits - distinct holders. Classes: none; company-level SKU
--   (appliesTo is not User, or the list of traits says so: it has no holders); listing
--   incomplete (the people could not be listed to their end, so the residual says nothing);
--   read skew (subscribedSkus, read again behind the users, had moved: inconclusive);
--   different runs (SKUs and people do not come from one run); not subscribed (held, and no
--   longer in subscribedSkus, which says nothing of it); else unexplained.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
WITH
    latest AS (
        SELECT tenant_id, anyIf(status, feed = 'users') AS users_status, anyIf(run_id, feed = 'users') AS users_run,
            anyIf(moved_skus, feed = 'skus_after') AS moved
        FROM m365.latest_runs(tenant = {tenant:String}, as_of = {as_of:String})
        GROUP BY tenant_id
    ),
    counted AS (
        SELECT tenant_id, sku_id, max(subscribed) AS subscribed, sum(n) AS holders
        FROM (
            SELECT tenant_id, sku_id, true AS subscribed, toUInt64(0) AS n FROM m365.skus_at(tenant = {tenant:String}, as_of = {as_of:String})
            UNION ALL
            SELECT tenant_id, sku_id, false, count() FROM m365.holdings(tenant = {tenant:String}, as_of = {as_of:String}) GROUP BY tenant_id, sku_id
        )
        GROUP BY tenant_id, sku_id
    )
SELECT
    c.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    c.sku_id AS sku_id,
    if(k.sku = '', toString(c.sku_id), k.sku) AS sku,
    if(k.name = '', sku, k.name) AS name,
    k.consumed AS consumed,
    c.holders AS holders,
    toInt64(k.consumed) - toInt64(c.holders) AS residual,
    multiIf(
        NOT c.subscribed, 'not subscribed',
        residual = 0, 'none',
        k.company_level, 'company-level SKU',
        l.users_status != 'complete', 'listing incomplete',
        has(l.moved, c.sku_id), 'read skew',
        l.users_run != e.run_id, 'different runs',
        'unexplained'
    ) AS class
FROM counted AS c
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = c.tenant_id AND k.sku_id = c.sku_id
LEFT JOIN latest AS l ON l.tenant_id = c.tenant_id
LEFT JOIN (
    SELECT tenant_id, run_id FROM m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) WHERE feed = 'skus'
) AS e ON e.tenant_id = c.tenant_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = c.tenant_id
ORDER BY tenant, abs(residual) DESC, sku
