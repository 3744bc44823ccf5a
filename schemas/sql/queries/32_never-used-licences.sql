-- title: Licences never used since they were assigned
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: The rows of unused-licences whose state is never used: held for longer than the grace
--   period, since a day that the reports reach back to, and every report has a row of the
--   person without activity since. With evidence for part of that time only, a licence is
--   inactive or unknown, not here.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
SELECT *
FROM m365.unused_licences(tenant = {tenant:String}, as_of = {as_of:String}, days = 90, grace = {grace:UInt16}, state = 'never used', sku = '')
ORDER BY tenant, sku, held_since, user_principal_name
