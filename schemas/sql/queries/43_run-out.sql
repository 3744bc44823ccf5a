-- title: When a SKU runs out of seats
-- feeds: skus, users
-- definition: One row per SKU that people are assigned. weeks counts the complete weeks (Monday to
--   Sunday, UTC) since the first complete listing of the people, the last 26 at most.
--   net_adds is the median over them of licences assigned less removed in a week; a week
--   without changes counts as 0. With fewer than 8 complete weeks there is no forecast, and
--   reason says so; nor where the last listing is not complete, or where the median is not
--   above 0. weeks_left = assignable / net_adds, run_out the day by then.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
WITH
    watched AS (
        SELECT tenant_id,
            toMonday(toDate(minIf(finished_at, status = 'complete')) + 6) AS first_week,
            argMax(status, stream_seq) AS last_status
        FROM m365.run_changes
        WHERE feed = 'users' AND observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
            AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
        GROUP BY tenant_id
        HAVING countIf(status = 'complete') > 0
    ),
    moved AS (
        SELECT tenant_id, sku_id, groupArray((week, net)) AS nets
        FROM (
            SELECT tenant_id, sku_id, toMonday(observed_at) AS week, countIf(change = 'assigned') - countIf(change = 'removed') AS net
            FROM m365.licence_changes FINAL
            WHERE observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
                AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
            GROUP BY tenant_id, sku_id, week
        )
        GROUP BY tenant_id, sku_id
    )
SELECT
    k.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    k.sku_id AS sku_id,
    k.sku AS sku,
    k.name AS name,
    k.enabled + k.warning - k.consumed AS assignable,
    toUInt16(least(26, greatest(0, dateDiff('week', w.first_week, toMonday((SELECT today FROM m365.moment(as_of = {as_of:String}))))))) AS weeks,
    if(weeks >= 8, arrayReduce('medianExact', arrayMap(
        i -> toInt64(arraySum(arrayMap(x -> if(x.1 = toMonday((SELECT today FROM m365.moment(as_of = {as_of:String}))) - 7 * i, x.2, 0), m.nets))),
        range(1, toUInt32(weeks) + 1))), NULL) AS net_adds,
    multiIf(
        w.last_status = '', 'no complete listing of users',
        weeks < 8, toString(weeks) || ' complete weeks, 8 are needed',
        w.last_status != 'complete', 'listing of users incomplete',
        net_adds <= 0, 'not growing',
        assignable <= 0, 'nothing left',
        '') AS reason,
    if(reason = '', round(assignable / net_adds, 1), NULL) AS weeks_left,
    if(reason = '', (SELECT today FROM m365.moment(as_of = {as_of:String})) + toInt32(least(floor(7 * weeks_left), 36500)), NULL) AS run_out
FROM m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k
LEFT JOIN watched AS w ON w.tenant_id = k.tenant_id
LEFT JOIN moved AS m ON m.tenant_id = k.tenant_id AND m.sku_id = k.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = k.tenant_id
WHERE NOT k.company_level
ORDER BY tenant, run_out NULLS LAST, sku
