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
WITH
    rows AS (
        SELECT tenant_id, report, lower(user_principal_name) AS upn,
            arrayJoin(arrayFilter(u -> u.4, multiIf(
                report = 'getOffice365ActiveUserDetail', [
                    ('Exchange', dates['Exchange Last Activity Date'], dates['Exchange License Assign Date'], mapContains(dates, 'Exchange Last Activity Date')),
                    ('OneDrive', dates['OneDrive Last Activity Date'], dates['OneDrive License Assign Date'], mapContains(dates, 'OneDrive Last Activity Date')),
                    ('SharePoint', dates['SharePoint Last Activity Date'], dates['SharePoint License Assign Date'], mapContains(dates, 'SharePoint Last Activity Date')),
                    ('SkypeForBusiness', dates['Skype For Business Last Activity Date'], dates['Skype For Business License Assign Date'], mapContains(dates, 'Skype For Business Last Activity Date')),
                    ('Yammer', dates['Yammer Last Activity Date'], dates['Yammer License Assign Date'], mapContains(dates, 'Yammer Last Activity Date')),
                    ('Teams', dates['Teams Last Activity Date'], dates['Teams License Assign Date'], mapContains(dates, 'Teams Last Activity Date'))],
                report = 'getM365AppUserDetail', [('Apps', last_activity_date, CAST(NULL, 'Nullable(Date32)'), mapContains(dates, 'Last Activity Date'))],
                [('Copilot', last_activity_date, CAST(NULL, 'Nullable(Date32)'), mapContains(dates, 'Last Activity Date'))]
            ))) AS use
        FROM m365.reports FINAL
        WHERE report IN ('getOffice365ActiveUserDetail', 'getM365AppUserDetail', 'getMicrosoft365CopilotUsageUserDetail')
            AND NOT concealed AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
    )
SELECT
    r.tenant_id AS tenant_id,
    n.user_id AS user_id,
    r.upn AS user_principal_name,
    r.use.1 AS workload,
    r.use.2 AS last_activity,
    r.use.3 AS assigned,
    e.refresh_date AS refresh_date
FROM rows AS r
INNER JOIN m365.last_complete_runs(tenant = {tenant:String}) AS e ON e.tenant_id = r.tenant_id AND e.feed = r.report
INNER JOIN m365.user_names(tenant = {tenant:String}) AS n ON n.tenant_id = r.tenant_id AND n.upn = r.upn
WHERE n.valid_from <= toDateTime64(addDays(e.refresh_date, 1), 3, 'UTC') AND n.valid_to > toDateTime64(addDays(e.refresh_date, 1), 3, 'UTC')
ORDER BY tenant_id, user_principal_name, workload
