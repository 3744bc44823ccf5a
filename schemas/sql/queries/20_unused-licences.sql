-- title: Licences by use: active, inactive for N days, never used, or unknown and why
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: One row per holder of a licence. Last use is the latest last-activity date
--   over the workloads that the SKU's service plans contain, those switched off for the
--   person left out: evidence about the person, not proof that this SKU enabled it. The
--   anchor is the report refresh date, never today. active: anchor - last use is under N
--   days. Said against a licence is something only where every report has a row of the
--   person, is no more than a week older than the tenant's newest run, the listing of users
--   is complete, the account is enabled, the user type is Member and the licence has been
--   held for the grace period. Then never used: held since a day that the reports reach
--   back to (180 days), and no activity since that day; inactive: anchor - last use is at
--   least N days, or no activity in the reports' window. In all other cases unknown, with
--   the reason; unknown is never counted as unused. excluded says why a licence is left
--   alone on purpose; reclaim: inactive or never used, paid and not excluded.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
-- param: state String = '', active, inactive, never used or unknown; empty for all
-- param: sku String = '', SKU part number; empty for all
SELECT
    a.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    a.user_id AS user_id,
    a.user_principal_name AS user_principal_name,
    a.display_name AS display_name,
    a.department AS department,
    a.sku_id AS sku_id,
    a.sku AS sku,
    a.name AS name,
    a.state AS state,
    a.reason AS reason,
    a.last_use AS last_use,
    a.anchor AS report_date,
    a.held_since AS held_since,
    a.reclaim AS reclaim,
    a.excluded AS excluded,
    a.price AS price,
    a.currency AS currency
FROM m365.seats(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16}) AS a
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = a.tenant_id
WHERE ({state:String} = '' OR state = {state:String}) AND ({sku:String} = '' OR sku = {sku:String})
ORDER BY tenant, sku, state, user_principal_name
