-- title: Service plans: for how many holders each is on
-- feeds: skus, users
-- definition: One row per SKU and user plan. on counts the holders for whom it is switched on: by the
--   union over all working paths of (the SKU's plans less that path's disabledPlans), where
--   the plan's provisioningStatus is Success; a licence that licenseAssignmentStates omits
--   goes by assignedLicenses. A path in state Error gives nothing. off counts the others.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: sku String = '', SKU part number; empty for all
WITH shapes AS (
    SELECT tenant_id, sku_id, off, count() AS people
    FROM (
        SELECT tenant_id, sku_id,
            if(empty(arrayFilter(s -> s != 'Error', states)), [disabled_plans], arrayFilter((d, s) -> s != 'Error', path_disabled_plans, states)) AS off
        FROM m365.holdings(tenant = {tenant:String}, as_of = {as_of:String})
    )
    GROUP BY tenant_id, sku_id, off
)
SELECT
    k.tenant_id AS tenant_id,
    any(o.default_domain) AS tenant,
    k.sku_id AS sku_id,
    any(k.sku) AS sku,
    any(k.name) AS name,
    k.plan.1 AS service_plan_id,
    any(if(n.plan_name = '', toString(k.plan.1), n.plan_name)) AS plan,
    any(k.plan.2) AS provisioning,
    sumIf(s.people, k.plan.2 = 'Success' AND NOT arrayAll(d -> has(d, k.plan.1), s.off)) AS on,
    sum(s.people) - on AS off
FROM (SELECT *, arrayJoin(arrayZip(plan_ids, plan_states)) AS plan FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String})) AS k
LEFT JOIN shapes AS s ON s.tenant_id = k.tenant_id AND s.sku_id = k.sku_id
LEFT JOIN (SELECT service_plan_id, argMax(plan_name, imported_at) AS plan_name FROM m365.plan_names FINAL GROUP BY service_plan_id) AS n ON n.service_plan_id = k.plan.1
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = k.tenant_id
WHERE {sku:String} = '' OR k.sku = {sku:String}
GROUP BY k.tenant_id, k.sku_id, k.plan.1
ORDER BY tenant, sku, plan
