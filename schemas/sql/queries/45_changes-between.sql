-- title: Changes of licences between two moments
-- feeds: organization, users
-- definition: One row per licence event: assigned, removed, errored, state_changed, after the first
--   moment and up to the second, so that those of two stretches that meet add up, and the
--   holders at the second are those at the first plus assigned less removed. Events come
--   from comparing two complete states of a person; the first listing of a tenant is the
--   baseline and has none. states and plans are those after the change.
-- param: tenant String = '', directory id; empty for all
-- param: since String = '', after this moment in UTC, or the end of this day; empty for all
-- param: until String = '', up to this moment in UTC, or the end of this day; empty for now
-- param: change String = '', assigned, removed, errored or state_changed; empty for all
SELECT
    c.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    c.observed_at AS observed_at,
    c.change AS change,
    c.user_id AS user_id,
    n.upn AS user_principal_name,
    c.sku_id AS sku_id,
    if(k.sku = '', toString(c.sku_id), k.sku) AS sku,
    if(k.name = '', sku, k.name) AS name,
    c.states_before AS states_before,
    c.states_after AS states_after,
    length(c.disabled_plans_before) AS plans_off_before,
    length(c.disabled_plans_after) AS plans_off_after,
    c.run_id AS run_id
FROM m365.licence_changes AS c FINAL
LEFT JOIN (
    SELECT tenant_id, user_id, argMax(user_principal_name, stream_seq) AS upn
    FROM m365.user_changes
    WHERE op = 'upsert' AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
    GROUP BY tenant_id, user_id
) AS n ON n.tenant_id = c.tenant_id AND n.user_id = c.user_id
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = '') AS k ON k.tenant_id = c.tenant_id AND k.sku_id = c.sku_id
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = c.tenant_id
WHERE ({since:String} = '' OR c.observed_at > (SELECT upto FROM m365.moment(as_of = {since:String})))
    AND c.observed_at <= (SELECT upto FROM m365.moment(as_of = {until:String}))
    AND ({change:String} = '' OR c.change = {change:String})
    AND ({tenant:String} = '' OR c.tenant_id = toUUIDOrZero({tenant:String}))
ORDER BY observed_at DESC, tenant, user_principal_name, sku
