-- title: Licences held directly, through a group, or both
-- feeds: organization, skus, users
-- definition: One row per person and SKU in assignedLicenses with its paths from
--   licenseAssignmentStates: assignedByGroup null is direct, anything else that group. both:
--   a direct and a group path, or several groups, lead to one licence; cleaning it up makes
--   the list shorter and saves nothing, since a licence counts once however many paths there
--   are. A path in state Error gives nothing and is no path here (assignment-errors has it).
--   unlisted: the licence is held and licenseAssignmentStates has no path that gives it.
--   Only direct members of a licensed group inherit. Source: Microsoft Graph, licenseAssignmentState.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: path String = '', direct, group, both or unlisted; empty for all
SELECT
    h.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    h.user_id AS user_id,
    h.user_principal_name AS user_principal_name,
    h.display_name AS display_name,
    h.sku_id AS sku_id,
    if(k.sku = '', toString(h.sku_id), k.sku) AS sku,
    if(k.name = '', sku, k.name) AS name,
    multiIf(empty(arrayFilter((g, s) -> s != 'Error', h.path_groups, h.states) AS given), 'unlisted', length(given) > 1, 'both', isNull(given[1]), 'direct', 'group') AS path,
    toBool(path = 'both') AS clean_up,
    arraySort(arrayMap(g -> if(g.2 = '', toString(g.1), g.2), arrayFilter(g -> has(given, g.1), n.list))) AS group_names,
    arrayMap(g -> toString(assumeNotNull(g)), arrayFilter(g -> isNotNull(g), given)) AS groups
FROM m365.holdings(tenant = {tenant:String}, as_of = {as_of:String}) AS h
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = h.tenant_id AND k.sku_id = h.sku_id
LEFT JOIN (
    SELECT tenant_id, groupArray((group_id, display_name)) AS list FROM m365.groups_at(tenant = {tenant:String}, as_of = {as_of:String}) GROUP BY tenant_id
) AS n ON n.tenant_id = h.tenant_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = h.tenant_id
WHERE {path:String} = '' OR path = {path:String}
ORDER BY tenant, sku, user_principal_name
