-- title: Who holds which licence, and by which path
-- feeds: organization, skus, users
-- definition: One row per user and SKU in assignedLicenses. direct is true where a path has
--   no group (assignedByGroup null), groups names the groups of the others; both together
--   is worth cleaning up and saves nothing. error holds the codes of
--   licenseAssignmentStates that are neither null nor None, verbatim.
-- param: tenant String = '', directory id; empty for all
-- param: sku String = '', SKU part number; empty for all
SELECT
    h.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    h.user_id AS user_id,
    h.user_principal_name AS user_principal_name,
    h.display_name AS display_name,
    h.sku_id AS sku_id,
    s.sku_part_number AS sku,
    toBool(arrayExists(g -> isNull(g), h.path_groups)) AS direct,
    arrayMap(g -> toString(assumeNotNull(g)), arrayFilter(g -> isNotNull(g), h.path_groups)) AS groups,
    h.states AS states,
    arrayFilter(e -> e NOT IN ('', 'None'), h.errors) AS error,
    h.account_enabled AS account_enabled,
    h.user_type AS user_type,
    h.department AS department,
    h.country AS country
FROM m365.holdings(tenant = {tenant:String}) AS h
LEFT JOIN m365.skus AS s FINAL ON s.tenant_id = h.tenant_id AND s.sku_id = h.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = h.tenant_id
WHERE {sku:String} = '' OR s.sku_part_number = {sku:String}
ORDER BY tenant, sku, user_principal_name
