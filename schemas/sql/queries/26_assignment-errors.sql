-- title: Licence assignments that failed, and why
-- feeds: organization, skus, users
-- definition: One row per person and path whose state is Error or ActiveWithError, or whose error is
--   neither null nor None. Codes are kept verbatim, also those that are not known here:
--   CountViolation (more members than units), MutuallyExclusiveViolation (plans that exclude
--   each other), DependencyViolation, ProhibitedInUsageLocationViolation,
--   UniquenessViolation, Other. held says whether another path or the state itself still
--   gives the licence. Source: Microsoft Graph, licenseAssignmentState.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    u.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    u.user_id AS user_id,
    u.user_principal_name AS user_principal_name,
    u.display_name AS display_name,
    path_sku AS sku_id,
    if(k.sku = '', toString(path_sku), k.sku) AS sku,
    if(k.name = '', sku, k.name) AS name,
    path_state AS state,
    path_error AS error,
    if(isNull(path_group), '', toString(assumeNotNull(path_group))) AS group_id,
    g.display_name AS group_name,
    toBool(has(u.sku_ids, path_sku)) AS held,
    path_since AS since
FROM (
    SELECT tenant_id, user_id, user_principal_name, display_name, sku_ids, path_sku, path_group, path_state, path_error, path_since
    FROM m365.users_at(tenant = {tenant:String}, as_of = {as_of:String})
    ARRAY JOIN path_sku_ids AS path_sku, path_groups AS path_group, path_states AS path_state, path_errors AS path_error, path_updated_at AS path_since
    WHERE path_state IN ('Error', 'ActiveWithError') OR path_error NOT IN ('', 'None')
) AS u
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = u.tenant_id AND k.sku_id = u.path_sku
LEFT JOIN m365.groups_at(tenant = {tenant:String}, as_of = {as_of:String}) AS g ON g.tenant_id = u.tenant_id AND g.group_id = ifNull(u.path_group, toUUIDOrZero(''))
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = u.tenant_id
ORDER BY tenant, sku, error, user_principal_name
