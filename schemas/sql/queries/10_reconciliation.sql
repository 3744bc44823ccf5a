-- title: Microsoft's count of consumed units against the holders found, explained
-- feeds: skus, users
-- definition: residual = consumedUnits - distinct holders. Classes: none; company-level SKU
--   (appliesTo is not User: it has no holders); listing incomplete (the users could not be
--   listed to their end, so the residual says nothing); read skew (subscribedSkus, read
--   again behind the users, had moved: inconclusive); different runs (SKUs and users do
--   not come from one run); else unexplained.
-- param: tenant String = '', directory id; empty for all
WITH
    latest AS (
        SELECT tenant_id,
            argMaxIf(status, stream_seq, feed = 'users') AS users_status,
            argMaxIf(run_id, stream_seq, feed = 'users') AS users_run,
            argMaxIf(run_id, stream_seq, feed = 'skus' AND status = 'complete') AS skus_run,
            argMaxIf(moved_skus, stream_seq, feed = 'skus_after') AS moved
        FROM m365.run_changes FINAL
        WHERE {tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String})
        GROUP BY tenant_id
    )
SELECT
    p.tenant_id AS tenant_id,
    p.tenant AS tenant,
    p.sku_id AS sku_id,
    p.sku AS sku,
    p.consumed AS consumed,
    p.holders AS holders,
    toInt64(p.consumed) - toInt64(p.holders) AS residual,
    multiIf(
        residual = 0, 'none',
        p.applies_to != 'User', 'company-level SKU',
        l.users_status != 'complete', 'listing incomplete',
        has(l.moved, p.sku_id), 'read skew',
        l.users_run != l.skus_run, 'different runs',
        'unexplained'
    ) AS class
FROM m365.licence_position(tenant = {tenant:String}) AS p
LEFT JOIN latest AS l ON l.tenant_id = p.tenant_id
ORDER BY tenant, abs(residual) DESC, sku
