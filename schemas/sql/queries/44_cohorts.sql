-- title: What became of licences between two closed periods
-- feeds: skus, users, names, getOffice365ActiveUserDetail, getM365AppUserDetail, getMicrosoft365CopilotUsageUserDetail
-- definition: One row per SKU and cohort. Use is judged as of the end of both periods, with the same
--   days and grace. retained: active at both; reactivated: inactive or never used, then
--   active; lapsed: active, then not; reclaimed: inactive or never used, then no longer
--   held; still at risk: neither active at both; newly assigned: held at the second only;
--   removed in use: active, then no longer held; unknown: use is unknown at one of them,
--   unknown is never counted as unused. The comparison is refused, with the reason, where a
--   period is not closed, that is where no run has ended after it, or where coverage
--   differs: a feed or report was complete at one end and not at the other.
-- param: tenant String = '', directory id; empty for all
-- param: from String = '', the end of the first period: a moment in UTC, or a day for its end
-- param: to String = '', the end of the second period: a moment in UTC, or a day for its end
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
WITH
    cover AS (
        SELECT tenant_id, groupUniqArrayIf(feed, period = 1) AS before, groupUniqArrayIf(feed, period = 2) AS after
        FROM (
            SELECT tenant_id, feed, 1 AS period FROM m365.last_complete_runs(tenant = {tenant:String}, as_of = {from:String}) WHERE finished_at >= newest_run - INTERVAL 3 DAY
            UNION ALL
            SELECT tenant_id, feed, 2 FROM m365.last_complete_runs(tenant = {tenant:String}, as_of = {to:String}) WHERE finished_at >= newest_run - INTERVAL 3 DAY
        )
        GROUP BY tenant_id
    ),
    closed AS (
        SELECT c.tenant_id AS tenant_id,
            multiIf(
                {from:String} = '' OR {to:String} = '', 'give the ends of both periods',
                (SELECT upto FROM m365.moment(as_of = {from:String})) >= (SELECT upto FROM m365.moment(as_of = {to:String})), 'the second period must end after the first',
                r.newest <= (SELECT upto FROM m365.moment(as_of = {to:String})), 'the second period is not closed: no run has ended after it',
                empty(c.before), 'nothing was collected by the end of the first period',
                arraySort(c.before) != arraySort(c.after), 'coverage differs: ' || arrayStringConcat(arraySort(arrayFilter(f -> has(c.before, f) != has(c.after, f), arrayDistinct(arrayConcat(c.before, c.after)))), ', '),
                '') AS refused
        FROM cover AS c
        INNER JOIN (
            SELECT tenant_id, max(finished_at) AS newest FROM m365.latest_runs(tenant = {tenant:String}, as_of = '') GROUP BY tenant_id
        ) AS r ON r.tenant_id = c.tenant_id
    ),
    both AS (
        SELECT tenant_id, user_id, sku_id, anyIf(state, period = 1) AS was, anyIf(state, period = 2) AS is
        FROM (
            SELECT tenant_id, user_id, sku_id, state, 1 AS period FROM m365.licence_use(tenant = {tenant:String}, as_of = {from:String}, days = {days:UInt16}, grace = {grace:UInt16})
            UNION ALL
            SELECT tenant_id, user_id, sku_id, state, 2 FROM m365.licence_use(tenant = {tenant:String}, as_of = {to:String}, days = {days:UInt16}, grace = {grace:UInt16})
        )
        GROUP BY tenant_id, user_id, sku_id
    ),
    counted AS (
        SELECT tenant_id, sku_id,
            multiIf(
                was = '', 'newly assigned',
                was = 'unknown' OR is = 'unknown', 'unknown',
                was = 'active' AND is = 'active', 'retained',
                was = 'active' AND is = '', 'removed in use',
                was = 'active', 'lapsed',
                is = 'active', 'reactivated',
                is = '', 'reclaimed',
                'still at risk') AS cohort,
            count() AS licences
        FROM both
        GROUP BY tenant_id, sku_id, cohort
    )
SELECT
    c.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    n.sku_id AS sku_id,
    if(k.sku = '' AND c.refused = '', toString(n.sku_id), k.sku) AS sku,
    if(c.refused = '', n.cohort, 'refused') AS cohort,
    if(c.refused = '', n.licences, NULL) AS licences,
    c.refused AS reason
FROM closed AS c
LEFT JOIN counted AS n ON n.tenant_id = c.tenant_id
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {to:String}) AS k ON k.tenant_id = n.tenant_id AND k.sku_id = n.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = c.tenant_id
WHERE c.refused != '' OR n.licences > 0
ORDER BY tenant, sku, cohort
LIMIT 1 BY tenant_id, sku_id, cohort
