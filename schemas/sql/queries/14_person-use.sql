-- internal: building block
-- title: One row per person: the workloads that reports speak of, and their dates
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: workloads, dates and assigned are parallel: a workload for which a report has
--   a row of the person, its last activity (null: blank, no activity in the report's
--   window) and the licence assign date where the report has one.
WITH
    rows AS (
        SELECT tenant_id, report, lower(user_principal_name) AS upn,
            arrayFilter(u -> u.4, multiIf(
                report = 'getOffice365ActiveUserDetail', [
                    ('Exchange', dates['Exchange Last Activity Date'], dates['Exchange License Assign Date'], mapContains(dates, 'Exchange Last Activity Date')),
                    ('OneDrive', dates['OneDrive Last Activity Date'], dates['OneDrive License Assign Date'], mapContains(dates, 'OneDrive Last Activity Date')),
                    ('SharePoint', dates['SharePoint Last Activity Date'], dates['SharePoint License Assign Date'], mapContains(dates, 'SharePoint Last Activity Date')),
                    ('SkypeForBusiness', dates['Skype For Business Last Activity Date'], dates['Skype For Business License Assign Date'], mapContains(dates, 'Skype For Business Last Activity Date')),
                    ('Yammer', dates['Yammer Last Activity Date'], dates['Yammer License Assign Date'], mapContains(dates, 'Yammer Last Activity Date')),
                    ('Teams', dates['Teams Last Activity Date'], dates['Teams License Assign Date'], mapContains(dates, 'Teams Last Activity Date'))],
                report = 'getM365AppUserDetail', [('Apps', last_activity_date, CAST(NULL, 'Nullable(Date32)'), mapContains(dates, 'Last Activity Date'))],
                [('Copilot', last_activity_date, CAST(NULL, 'Nullable(Date32)'), mapContains(dates, 'Last Activity Date'))]
            )) AS use
        FROM m365.reports_at(tenant = {tenant:String}, as_of = {as_of:String})
        WHERE report IN ('getOffice365ActiveUserDetail', 'getM365AppUserDetail', 'getMicrosoft365CopilotUsageUserDetail') AND NOT concealed
    )
SELECT
    r.tenant_id AS tenant_id,
    n.user_id AS user_id,
    any(r.upn) AS user_principal_name,
    groupArrayArray(r.use) AS uses,
    uses.1 AS workloads,
    uses.2 AS dates,
    uses.3 AS assigned
FROM rows AS r
INNER JOIN m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS e ON e.tenant_id = r.tenant_id AND e.feed = r.report
INNER JOIN m365.report_names(tenant = {tenant:String}, as_of = {as_of:String}) AS n ON n.tenant_id = r.tenant_id AND n.refresh_date = e.refresh_date AND n.upn = r.upn
GROUP BY tenant_id, user_id
