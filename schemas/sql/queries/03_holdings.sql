-- internal: building block
-- title: One row per user and SKU held
-- param: tenant String = '', directory id; empty for all
-- definition: Holder(u, s): s is in assignedLicenses of a user who is not deleted. One unit
--   however many paths lead to it. Paths come from licenseAssignmentStates, which has been
--   seen to omit licences, so they explain a holding and never decide it.
SELECT
    u.tenant_id AS tenant_id,
    u.user_id AS user_id,
    u.user_principal_name AS user_principal_name,
    u.display_name AS display_name,
    u.department AS department,
    u.country AS country,
    u.account_enabled AS account_enabled,
    u.user_type AS user_type,
    u.created_at AS created_at,
    sku_id,
    disabled_plans,
    arrayFilter(i -> u.path_sku_ids[i] = sku_id, arrayEnumerate(u.path_sku_ids)) AS paths,
    arrayMap(i -> u.path_groups[i], paths) AS path_groups,
    arrayMap(i -> u.path_states[i], paths) AS states,
    arrayMap(i -> u.path_errors[i], paths) AS errors
FROM m365.users AS u FINAL
ARRAY JOIN sku_ids AS sku_id, sku_disabled_plans AS disabled_plans
WHERE {tenant:String} = '' OR u.tenant_id = toUUIDOrZero({tenant:String})
