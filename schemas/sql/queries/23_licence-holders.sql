-- title: Who holds which licence, and by which path
-- feeds: organization, skus, users
-- definition: One row per person and SKU in assignedLicenses. direct is true where a path has
--   no group (assignedByGroup null), groups names the groups of the others; both together
--   is worth cleaning up and saves nothing. listed is false where licenseAssignmentStates
--   omits the licence, as it has been seen to do. error holds the codes of
--   licenseAssignmentStates that are neither null nor None, verbatim.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: sku String = '', SKU part number; empty for all
SELECT
    h.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    h.user_id AS user_id,
    h.user_principal_name AS user_principal_name,
    h.display_name AS display_name,
    h.sku_id AS sku_id,
    if(s.sku = '', toString(h.sku_id), s.sku) AS sku,
    if(s.name = '', sku, s.name) AS name,
    toBool(arrayExists(g -> isNull(g), h.path_groups)) AS direct,
    arrayMap(g -> toString(assumeNotNull(g)), arrayFilter(g -> isNotNull(g), h.path_groups)) AS groups,
    toBool(notEmpty(h.paths)) AS listed,
    h.states AS states,
    arrayFilter(e -> e NOT IN ('', 'None'), h.errors) AS error,
    h.account_enabled AS account_enabled,
    h.user_type AS user_type,
    h.department AS department,
    h.country AS country
FROM m365.holdings(tenant = {tenant:String}, as_of = {as_of:String}) AS h
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS s ON s.tenant_id = h.tenant_id AND s.sku_id = h.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = h.tenant_id
WHERE {sku:String} = '' OR s.sku = {sku:String}
ORDER BY tenant, sku, user_principal_name
