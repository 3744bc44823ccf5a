-- title: Licences whose plans another licence of the same person contains
-- feeds: skus, users
-- definition: One row per person and paid SKU B that a SKU A of the same person makes superfluous.
--   Compared are the user plans switched on (what any path switches off is left out) less
--   the foundation plans that nearly every SKU has. A plan of B counts as contained where A
--   has it, or has a plan of the curated table plan_supersedes that gives the same and more:
--   Exchange Online Plan 2 and Plan 1 have different ids. A SKU whose plans are all
--   foundation plans is not compared. Where each contains the other, the one to give up is
--   the cheaper. saving is a month's price of B, null where it is not known. That plans are
--   contained says nothing about limits, storage or add-ons bought with B: look before
--   removing. Of several SKUs that contain B, the one is named that has most of its plans
--   themselves.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
WITH
    people AS (
        SELECT tenant_id, user_id, any(user_principal_name) AS user_principal_name, any(display_name) AS display_name, groupArray((sku_id, off, excluded)) AS held
        FROM m365.paid_holdings(tenant = {tenant:String}, as_of = {as_of:String})
        GROUP BY tenant_id, user_id
        HAVING length(held) > 1
    ),
    shapes AS (
        SELECT h.tenant_id AS tenant_id, h.sku_id AS sku_id, h.off AS off,
            arrayFilter(p -> NOT has(h.disabled_plans, p) AND NOT has((SELECT groupArray(service_plan_id) FROM m365.plan_traits FINAL WHERE foundation), p), k.plan_ids) AS plans
        FROM (SELECT DISTINCT tenant_id, sku_id, off, disabled_plans FROM m365.paid_holdings(tenant = {tenant:String}, as_of = {as_of:String})) AS h
        INNER JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = h.tenant_id AND k.sku_id = h.sku_id
        WHERE notEmpty(plans)
    ),
    covered AS (
        SELECT a.tenant_id AS tenant_id, a.sku_id AS sku_a, a.off AS off_a, b.sku_id AS sku_b, b.off AS off_b,
            (SELECT groupArray((service_plan_id, supersedes)) FROM m365.plan_supersedes FINAL) AS better,
            arrayConcat(a.plans, arrayMap(s -> s.2, arrayFilter(s -> has(a.plans, s.1), better))) AS given_a,
            arrayConcat(b.plans, arrayMap(s -> s.2, arrayFilter(s -> has(b.plans, s.1), better))) AS given_b,
            hasAll(given_a, b.plans) AS a_has_b, hasAll(given_b, a.plans) AS b_has_a,
            arrayFilter(p -> NOT has(a.plans, p), b.plans) AS superseded
        FROM shapes AS a
        INNER JOIN shapes AS b ON b.tenant_id = a.tenant_id
        WHERE a.sku_id != b.sku_id AND a_has_b
    )
SELECT
    p.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    p.user_id AS user_id,
    p.user_principal_name AS user_principal_name,
    p.display_name AS display_name,
    b.sku_id AS sku_id,
    b.sku AS sku,
    b.name AS name,
    a.sku AS contained_in,
    a.name AS contained_in_name,
    length(c.superseded) AS superseded_plans,
    p.b.3 AS excluded,
    b.price AS saving,
    b.currency AS currency
FROM (
    SELECT tenant_id, user_id, user_principal_name, display_name, a, arrayJoin(held) AS b
    FROM (SELECT *, arrayJoin(held) AS a FROM people)
    WHERE a.1 != b.1
) AS p
INNER JOIN covered AS c ON c.tenant_id = p.tenant_id AND c.sku_a = p.a.1 AND c.off_a = p.a.2 AND c.sku_b = p.b.1 AND c.off_b = p.b.2
INNER JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS a ON a.tenant_id = c.tenant_id AND a.sku_id = c.sku_a
INNER JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS b ON b.tenant_id = c.tenant_id AND b.sku_id = c.sku_b
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = p.tenant_id
WHERE NOT c.b_has_a OR (ifNull(b.price, 0), b.sku_id) < (ifNull(a.price, 0), a.sku_id)
ORDER BY tenant, saving DESC NULLS LAST, sku, user_principal_name, superseded_plans, contained_in
LIMIT 1 BY tenant_id, user_id, sku_id
