-- title: Licences held together that one SKU would give for less
-- feeds: skus, users
-- definition: One row per set of paid SKUs that people hold and SKU that covers it: all its user plans
--   switched on, less the foundation plans, are in the SKU, itself or superseded by one of
--   its plans (plan_supersedes), and the prices of the set add up to more than the SKU's, in
--   one currency. Only SKUs are offered that the tenant has and that have a price; a set
--   with a member of unknown price is not compared. people counts the holders, saving is
--   what they would save a month together. Terms, minimum seats and the time of renewal are
--   for people to see to.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    s.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    arraySort(arrayMap(h -> h.3, s.held)) AS held,
    s.people AS people,
    s.price_held AS price_held,
    k.sku_id AS sku_id,
    k.sku AS sku,
    k.name AS name,
    k.price AS price,
    (s.price_held - k.price) * s.people AS saving,
    s.currency AS currency
FROM (
    SELECT tenant_id, held, any(price_held) AS price_held, any(currency) AS currency, any(plans) AS plans, count() AS people
    FROM (
        SELECT h.tenant_id AS tenant_id, h.user_id AS user_id, arraySort(groupArray((h.sku_id, h.off, h.sku))) AS held,
            sum(h.price) AS price_held, any(h.currency) AS currency,
            groupUniqArrayArray(arrayFilter((p, a) -> a != 'Company' AND NOT has(h.disabled_plans, p) AND NOT has((SELECT groupArray(service_plan_id) FROM m365.plan_traits FINAL WHERE foundation), p), b.plan_ids, arrayResize(b.plan_applies_to, length(b.plan_ids)))) AS plans
        FROM m365.paid_holdings(tenant = {tenant:String}, as_of = {as_of:String}) AS h
        INNER JOIN m365.skus_at(tenant = {tenant:String}, as_of = {as_of:String}) AS b ON b.tenant_id = h.tenant_id AND b.sku_id = h.sku_id
        WHERE h.excluded = ''
        GROUP BY tenant_id, user_id
        HAVING count() > 1 AND countIf(h.price IS NULL) = 0 AND uniqExact(h.currency) = 1 AND notEmpty(plans)
    )
    GROUP BY tenant_id, held
) AS s
INNER JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = s.tenant_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = s.tenant_id
WHERE k.paid AND k.price < s.price_held AND k.currency = s.currency AND NOT has(arrayMap(h -> h.1, s.held), k.sku_id)
    AND hasAll(arrayConcat(k.plan_ids, arrayMap(x -> x.2, arrayFilter(x -> has(k.plan_ids, x.1), (SELECT groupArray((service_plan_id, supersedes)) FROM m365.plan_supersedes FINAL)))), s.plans)
ORDER BY tenant, saving DESC, sku
