-- internal: building block
-- title: One row per user and SKU held
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: Holder(u, s): s is in assignedLicenses of a user who is not deleted. One unit
--   however many paths lead to it. Paths come from licenseAssignmentStates, which has been
--   seen to omit licences, so they explain a holding and never decide it. changed_at is the
--   last change of state of the oldest path: the licence was held by then, at the latest.
SELECT
    u.tenant_id AS tenant_id,
    u.user_id AS user_id,
    u.user_principal_name AS user_principal_name,
    u.display_name AS display_name,
    u.department AS department,
    u.company_name AS company,
    u.country AS country,
    u.office_location AS office,
    JSONExtractString(u.unknown, 'employeeOrgData', 'costCenter') AS cost_centre,
    u.account_enabled AS account_enabled,
    u.user_type AS user_type,
    u.job_title AS job_title,
    multiIf(JSONExtractString(u.unknown, 'mailboxSettings', 'userPurpose') AS purpose = '', 'unknown', purpose) AS mailbox,
    sku_id,
    disabled_plans,
    arrayFilter(i -> u.path_sku_ids[i] = sku_id, arrayEnumerate(u.path_sku_ids)) AS paths,
    arrayMap(i -> u.path_groups[i], paths) AS path_groups,
    arrayMap(i -> u.path_states[i], paths) AS states,
    arrayMap(i -> u.path_errors[i], paths) AS errors,
    arrayMap(i -> u.path_disabled_plans[i], paths) AS path_disabled_plans,
    arrayMin(arrayPushBack(arrayMap(i -> ifNull(u.path_updated_at[i], never), paths), toDateTime64('2299-12-31 00:00:00', 3, 'UTC') AS never)) AS changed_at
FROM m365.users_at(tenant = {tenant:String}, as_of = {as_of:String}) AS u
ARRAY JOIN arrayDistinct(sku_ids) AS sku_id, arrayMap(s -> u.sku_disabled_plans[indexOf(u.sku_ids, s)], arrayDistinct(sku_ids)) AS disabled_plans
