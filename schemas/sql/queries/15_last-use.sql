-- title: Last activity of every user per workload, as the usage reports have it
-- feeds: users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: One row per user and workload for which a report has a row of that user. Rows
--   are joined by principal name, in any case, to the user who had that name on the
--   report's refresh date. last_activity is null where the report's field is blank: no
--   activity in the report's window, which is not the same as never. A report that lacks
--   the workload's column says nothing about it and gives no row. assigned is the
--   licence assign date of the report, where it has one. refresh_date is that of the last
--   complete reading of the report. Rows with concealed names match nobody.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
SELECT
    p.tenant_id AS tenant_id,
    p.user_id AS user_id,
    p.user_principal_name AS user_principal_name,
    p.workload AS workload,
    p.last_activity AS last_activity,
    p.assigned AS assigned,
    e.refresh_date AS refresh_date
FROM (
    SELECT tenant_id, user_id, user_principal_name, workload, last_activity, assigned,
        multiIf(workload = 'Apps', 'getM365AppUserDetail', workload = 'Copilot', 'getMicrosoft365CopilotUsageUserDetail', 'getOffice365ActiveUserDetail') AS report
    FROM m365.person_use(tenant = {tenant:String}, as_of = {as_of:String})
    ARRAY JOIN workloads AS workload, dates AS last_activity, assigned AS assigned
) AS p
INNER JOIN m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS e ON e.tenant_id = p.tenant_id AND e.feed = p.report
ORDER BY tenant_id, user_principal_name, workload
