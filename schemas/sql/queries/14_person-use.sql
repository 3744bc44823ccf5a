-- internal: building block
-- title: One row per person: the workloads that reports speak of, and their dates
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: workloads, dates and assigned are parallel: a workload for which a report has
--   a row of the person, its last activity (null: blank, no activity in the report's
--   window) and the licence assign date where the report has one. last and since say the
--   same of all eight workloads, in the order of their names: 1 January 1970 is no row, 2
--   January a blank field, the end of 2299 no licence assign date.
WITH
    toDate32('1970-01-01') AS no_row, toDate32('1970-01-02') AS blank, toDate32('2299-12-31') AS never,
    ['Apps', 'Copilot', 'Exchange', 'OneDrive', 'SharePoint', 'SkypeForBusiness', 'Teams', 'Yammer'] AS every_workload,
    rows AS (
        SELECT tenant_id, report, lower(user_principal_name) AS upn,
            if(mapContains(dates, 'Last Activity Date'), ifNull(last_activity_date, blank), no_row) AS activity,
            if(report = 'getOffice365ActiveUserDetail', arrayMap(c -> if(mapContains(dates, c), ifNull(dates[c], blank), no_row),
                ['Exchange Last Activity Date', 'OneDrive Last Activity Date', 'SharePoint Last Activity Date',
                    'Skype For Business Last Activity Date', 'Teams Last Activity Date', 'Yammer Last Activity Date']), []) AS activities,
            if(report = 'getOffice365ActiveUserDetail', arrayMap(c -> ifNull(dates[c], never),
                ['Exchange License Assign Date', 'OneDrive License Assign Date', 'SharePoint License Assign Date',
                    'Skype For Business License Assign Date', 'Teams License Assign Date', 'Yammer License Assign Date']), []) AS assignments
        FROM m365.reports_at(tenant = {tenant:String}, as_of = {as_of:String})
        WHERE report IN ('getOffice365ActiveUserDetail', 'getM365AppUserDetail', 'getMicrosoft365CopilotUsageUserDetail') AND NOT concealed
    )
SELECT
    r.tenant_id AS tenant_id,
    n.user_id AS user_id,
    any(r.upn) AS user_principal_name,
    arrayConcat([maxIf(r.activity, r.report = 'getM365AppUserDetail'), maxIf(r.activity, r.report = 'getMicrosoft365CopilotUsageUserDetail')],
        arrayResize(max(r.activities), 6, no_row)) AS last,
    arrayConcat([never, never], arrayResize(max(r.assignments), 6, never)) AS since,
    arrayFilter((w, d) -> d > no_row, every_workload, last) AS workloads,
    arrayMap(d -> nullIf(d, blank), arrayFilter(d -> d > no_row, last)) AS dates,
    arrayMap(d -> nullIf(d, never), arrayFilter((a, d) -> d > no_row, since, last)) AS assigned
FROM rows AS r
INNER JOIN m365.last_complete_runs(tenant = {tenant:String}, as_of = {as_of:String}) AS e ON e.tenant_id = r.tenant_id AND e.feed = r.report
INNER JOIN m365.report_names(tenant = {tenant:String}, as_of = {as_of:String}) AS n ON n.tenant_id = r.tenant_id AND n.refresh_date = e.refresh_date AND n.upn = r.upn
GROUP BY tenant_id, user_id
