-- title: People active on each day, per report, from the reports read by date
-- feeds: getOffice365ActiveUserDetail-daily, getM365AppUserDetail-daily
-- definition: One row per tenant, report and day of which the report lists somebody:
--   people counts who was active on that day, concealed those of them whose names are concealed.
--   A day that was not read by date, or on which nobody was active, has no row: the
--   evidence of the feed (query runs) says which days were read.
-- param: tenant String = '', directory id; empty for all
SELECT
    r.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    r.report AS report,
    r.report_date AS day,
    count() AS people,
    countIf(r.concealed) AS concealed
FROM m365.reports AS r FINAL
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = r.tenant_id
WHERE isNotNull(r.report_date) AND ({tenant:String} = '' OR r.tenant_id = toUUIDOrZero({tenant:String}))
GROUP BY tenant_id, tenant, report, day
ORDER BY tenant, report, day
