-- title: Licences not used for N days
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: The rows of unused-licences whose state is inactive: the report's refresh date less the
--   last use is at least N days, or there was no activity in the window of the reports; the
--   account is enabled, the person a Member and the licence held for the grace period.
--   Whoever has no row, is concealed or stands in a report that is late is unknown and not
--   here.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
SELECT *
FROM m365.unused_licences(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16}, state = 'inactive', sku = '')
ORDER BY tenant, sku, held_since, user_principal_name
