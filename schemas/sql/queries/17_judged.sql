-- internal: building block
-- title: One row per holder of a licence: use and exclusion
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
-- definition: The rows of licence_use with why a licence is left alone on purpose. An exclusion
--   is for one person, one SKU or both; zeros stand for all. It takes nothing from an answer:
--   the seat is shown as excluded and is no saving. spare: inactive or never used, and not
--   excluded. An exclusion counts from when it was made until its last day.
WITH left_alone AS (
    SELECT tenant_id, user_id, sku_id, tag || if(reason = '', '', ': ' || reason) AS why
    FROM m365.exclusions FINAL
    WHERE created_at <= (SELECT upto FROM m365.moment(as_of = {as_of:String}))
        AND ifNull(until, toDate32('2299-12-31')) >= (SELECT today FROM m365.moment(as_of = {as_of:String}))
        AND ({tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero('')))
)
SELECT
    u.tenant_id AS tenant_id, u.user_id AS user_id, u.sku_id AS sku_id, u.user_principal_name AS user_principal_name,
    u.display_name AS display_name, u.department AS department, u.company AS company, u.country AS country, u.office AS office,
    u.cost_centre AS cost_centre, u.job_title AS job_title, u.account_enabled AS account_enabled, u.user_type AS user_type,
    u.path_groups AS path_groups, u.last_use AS last_use, u.anchor AS anchor, u.held_since AS held_since, u.needed AS needed,
    u.state AS state, u.reason AS reason,
    arrayFirst(x -> x.1 IN (u.tenant_id, toUUIDOrZero('')) AND x.2 IN (u.sku_id, toUUIDOrZero('')), p.list).3 AS by_person,
    arrayFirst(x -> x.1 IN (u.tenant_id, toUUIDOrZero('')), s.list).2 AS by_sku,
    if(by_person != '', by_person, by_sku) AS excluded,
    excluded = '' AND u.state IN ('inactive', 'never used') AS spare
FROM m365.licence_use(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16}) AS u
LEFT JOIN (
    SELECT user_id, groupArray((tenant_id, sku_id, why)) AS list FROM left_alone WHERE user_id != toUUIDOrZero('') GROUP BY user_id
) AS p ON p.user_id = u.user_id
LEFT JOIN (
    SELECT sku_id, groupArray((tenant_id, why)) AS list FROM left_alone WHERE user_id = toUUIDOrZero('') GROUP BY sku_id
) AS s ON s.sku_id = u.sku_id
