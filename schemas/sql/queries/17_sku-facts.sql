-- internal: building block
-- title: One row per SKU of a tenant: names, traits and the price in force
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- definition: A tenant's own name, traits and price come before those for all tenants; an
--   override of a name before the catalogue, the catalogue before what is shipped. The price
--   is a seat a month, in force on the day: the one that began last. paid: neither free nor
--   viral nor company-level; company-level too is what does not apply to users.
--   plan_ids are those that apply to users.
WITH known AS (
    SELECT tenant_id, sku_id,
        argMinIf(name, rank, what = 'name') AS name,
        maxIf(free, what = 'traits') AS free, maxIf(viral, what = 'traits') AS viral, maxIf(company, what = 'traits') AS company,
        countIf(what = 'traits') > 0 AS traits, anyIf(family, what = 'traits') AS family, anyIf(tier, what = 'traits') AS tier,
        argMaxIf((price, currency, term), (valid_from, at), what = 'price') AS priced, countIf(what = 'price') > 0 AS has_price
    FROM (
        SELECT tenant_id, sku_id, 'name' AS what, name, multiIf(source = 'override', 0, source = 'catalogue', 1, 2) AS rank, false AS free, false AS viral,
            false AS company, '' AS family, 0 AS tier, toDecimal64(0, 4) AS price, '' AS currency, '' AS term, toDate32('1970-01-01') AS valid_from, imported_at AS at
        FROM m365.sku_names FINAL
        WHERE {tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero(''))
        UNION ALL
        SELECT tenant_id, sku_id, 'traits', '', 0, free, viral, company_level, family, tier, toDecimal64(0, 4), '', '', toDate32('1970-01-01'), imported_at
        FROM m365.sku_traits FINAL
        WHERE {tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero(''))
        UNION ALL
        SELECT tenant_id, sku_id, 'price', '', 0, false, false, false, '', 0, price, currency, term, valid_from, imported_at
        FROM m365.prices FINAL
        WHERE valid_from <= (SELECT today FROM m365.moment(as_of = {as_of:String}))
            AND ifNull(valid_to, toDate32('2299-12-31')) >= (SELECT today FROM m365.moment(as_of = {as_of:String}))
            AND ({tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero('')))
    )
    GROUP BY tenant_id, sku_id
)
SELECT
    s.tenant_id AS tenant_id,
    s.sku_id AS sku_id,
    if(s.sku_part_number = '', toString(s.sku_id), s.sku_part_number) AS sku,
    multiIf(own.name != '', own.name, every.name != '', every.name, sku) AS name,
    s.applies_to AS applies_to,
    s.capability_status AS capability,
    s.enabled_units AS enabled,
    s.warning_units AS warning,
    s.suspended_units AS suspended,
    s.locked_out_units AS locked_out,
    s.consumed_units AS consumed,
    arrayMap(i -> s.plan_ids[i], arrayFilter(i -> s.plan_applies_to[i] != 'Company', arrayEnumerate(s.plan_ids))) AS plan_ids,
    arrayMap(i -> s.plan_states[i], arrayFilter(i -> s.plan_applies_to[i] != 'Company', arrayEnumerate(s.plan_ids))) AS plan_states,
    if(own.traits, own.free, every.free) AS free,
    if(own.traits, own.viral, every.viral) AS viral,
    applies_to != 'User' OR if(own.traits, own.company, every.company) AS company_level,
    NOT (free OR viral OR company_level) AS paid,
    if(own.traits, own.family, every.family) AS family,
    if(own.traits, own.tier, every.tier) AS tier,
    multiIf(own.has_price, toNullable(own.priced.1), every.has_price, toNullable(every.priced.1), NULL) AS price,
    multiIf(own.has_price, own.priced.2, every.has_price, every.priced.2, '') AS currency,
    multiIf(own.has_price, own.priced.3, every.has_price, every.priced.3, '') AS term,
    own.name = '' AND every.name = '' AS unnamed
FROM m365.skus_at(tenant = {tenant:String}, as_of = {as_of:String}) AS s
LEFT JOIN (
    SELECT * FROM known WHERE tenant_id != toUUIDOrZero('')
) AS own ON own.tenant_id = s.tenant_id AND own.sku_id = s.sku_id
LEFT JOIN (
    SELECT * FROM known WHERE tenant_id = toUUIDOrZero('')
) AS every ON every.sku_id = s.sku_id
