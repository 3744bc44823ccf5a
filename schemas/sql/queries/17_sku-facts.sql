-- internal: building block
-- title: One row per SKU of a tenant: names, traits and the price in force
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: A tenant's own name, traits and price come before those for all tenants; an
--   override of a name before the catalogue, the catalogue before what is shipped. The price
--   is a seat a month, in force on the day: the one that began last. paid: neither free nor
--   viral nor company-level; company-level too is what does not apply to users.
--   plan_ids are those that apply to users.
WITH said AS (
    SELECT tenant_id, sku_id, 'name' AS what, name, multiIf(source = 'override', 0, source = 'catalogue', 1, 2) AS rank, false AS free, false AS viral,
        false AS company, '' AS family, 0 AS tier, (toNullable(toDecimal64(0, 4)), '', '') AS priced, toDate32('1970-01-01') AS valid_from, imported_at AS at
    FROM m365.sku_names FINAL
    WHERE {tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero(''))
    UNION ALL
    SELECT tenant_id, sku_id, 'traits', '', 0, free, viral, company_level, family, tier, (NULL, '', ''), toDate32('1970-01-01'), imported_at
    FROM m365.sku_traits FINAL
    WHERE {tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero(''))
    UNION ALL
    SELECT tenant_id, sku_id, 'price', '', 0, false, false, false, '', 0, (price, currency, term), valid_from, imported_at
    FROM m365.prices FINAL
    WHERE valid_from <= (SELECT today FROM m365.moment(as_of = {as_of:String}))
        AND ifNull(valid_to, toDate32('2299-12-31')) >= (SELECT today FROM m365.moment(as_of = {as_of:String}))
        AND ({tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero('')))
)
SELECT
    s.tenant_id AS tenant_id,
    s.sku_id AS sku_id,
    if(any(s.sku_part_number) = '', toString(sku_id), any(s.sku_part_number)) AS sku,
    multiIf(argMinIf(k.name, k.rank, k.what = 'name' AND s.own) AS own_name != '', own_name, argMinIf(k.name, k.rank, k.what = 'name' AND NOT s.own) AS every_name != '', every_name, sku) AS name,
    any(s.applies_to) AS applies_to,
    any(s.capability_status) AS capability,
    any(s.enabled_units) AS enabled,
    any(s.warning_units) AS warning,
    any(s.suspended_units) AS suspended,
    any(s.locked_out_units) AS locked_out,
    any(s.consumed_units) AS consumed,
    any(arrayFilter((p, a) -> a != 'Company', s.plan_ids, s.plans_for)) AS plan_ids,
    any(arrayFilter((p, a) -> a != 'Company', arrayResize(s.plan_states, length(s.plan_ids)), s.plans_for)) AS plan_states,
    argMaxIf((k.free, k.viral, k.company, k.family, k.tier), s.own, k.what = 'traits') AS traits,
    traits.1 AS free,
    traits.2 AS viral,
    applies_to != 'User' OR traits.3 AS company_level,
    NOT (free OR viral OR company_level) AS paid,
    traits.4 AS family,
    traits.5 AS tier,
    argMaxIf(k.priced, (s.own, k.valid_from, k.at), k.what = 'price') AS in_force,
    if(countIf(k.what = 'price') > 0, in_force.1, NULL) AS price,
    in_force.2 AS currency,
    in_force.3 AS term,
    own_name = '' AND every_name = '' AS unnamed
FROM (
    SELECT *, arrayResize(plan_applies_to, length(plan_ids)) AS plans_for, arrayJoin([true, false]) AS own, if(own, tenant_id, toUUIDOrZero('')) AS scope
    FROM m365.skus_at(tenant = {tenant:String}, as_of = {as_of:String})
) AS s
LEFT JOIN said AS k ON k.tenant_id = s.scope AND k.sku_id = s.sku_id
GROUP BY s.tenant_id, s.sku_id
