-- title: What became of recommendations
-- feeds: organization, skus, users
-- definition: One row per recommendation that was recorded: reclaimed where the person no longer holds
--   the SKU or is gone, with the day the stream saw it; kept, in use where the licence is
--   held and active again; open where it is held still; unknown where the last listing of
--   the people is not complete. saved is a month's price at the time of the recommendation,
--   of those that were reclaimed.
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
SELECT
    r.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    r.recommendation_id AS recommendation_id,
    r.kind AS kind,
    r.user_id AS user_id,
    ifNull(h.user_principal_name, '') AS user_principal_name,
    r.sku_id AS sku_id,
    if(k.sku = '', toString(r.sku_id), k.sku) AS sku,
    r.made_at AS made_at,
    r.made_by AS made_by,
    r.reason AS reason,
    multiIf(l.status != 'complete', 'unknown', h.held = 0, 'reclaimed', h.state = 'active', 'kept, in use', 'open') AS outcome,
    if(outcome = 'reclaimed', g.gone_at, NULL) AS reclaimed_at,
    if(outcome = 'reclaimed', r.price, NULL) AS saved,
    r.currency AS currency
FROM (
    SELECT * FROM m365.recommendations FINAL
    WHERE made_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String})) AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
) AS r
LEFT JOIN (
    SELECT tenant_id, user_id, sku_id, user_principal_name, state, 1 AS held FROM m365.licence_use(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16})
) AS h ON h.tenant_id = r.tenant_id AND h.user_id = r.user_id AND h.sku_id = r.sku_id
LEFT JOIN (
    SELECT tenant_id, user_id, sku_id, max(toNullable(observed_at)) AS gone_at FROM m365.licence_changes
    WHERE change = 'removed' AND observed_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
        AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
    GROUP BY tenant_id, user_id, sku_id
) AS g ON g.tenant_id = r.tenant_id AND g.user_id = r.user_id AND g.sku_id = r.sku_id
LEFT JOIN (
    SELECT tenant_id, status FROM m365.latest_runs(tenant = {tenant:String}, as_of = {as_of:String}) WHERE feed = 'users'
) AS l ON l.tenant_id = r.tenant_id
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = r.tenant_id AND k.sku_id = r.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = r.tenant_id
ORDER BY tenant, made_at DESC, sku
