-- internal: building block
-- title: One row per holder of a licence: use, price, exclusion
-- param: tenant String = '', directory id; empty for all
-- param: as_of String = '', a moment in UTC, or a day for its end; empty for now
-- param: days UInt16 = 90, days without activity that make a licence inactive
-- param: grace UInt16 = 30, days a licence must be held before anything is said against it
-- definition: The rows of unused-licences with what a seat costs and whether it is left alone
--   on purpose. reclaim: inactive or never used, of a SKU that is neither free, viral nor
--   company-level, and not excluded.
SELECT
    u.tenant_id AS tenant_id, u.user_id AS user_id, u.sku_id AS sku_id, u.user_principal_name AS user_principal_name,
    u.display_name AS display_name, u.department AS department, u.company AS company, u.country AS country, u.office AS office,
    u.cost_centre AS cost_centre, u.job_title AS job_title, u.account_enabled AS account_enabled, u.user_type AS user_type,
    u.path_groups AS path_groups, u.last_use AS last_use, u.anchor AS anchor, u.held_since AS held_since, u.state AS state,
    u.reason AS reason,
    u.needed AS workloads,
    if(k.sku = '', toString(u.sku_id), k.sku) AS sku,
    if(k.name = '', sku, k.name) AS name,
    k.paid AS paid,
    k.price AS price,
    k.currency AS currency,
    u.excluded AS excluded,
    k.paid AND u.spare AS reclaim
FROM m365.judged(tenant = {tenant:String}, as_of = {as_of:String}, days = {days:UInt16}, grace = {grace:UInt16}) AS u
LEFT JOIN m365.sku_facts(tenant = {tenant:String}, as_of = {as_of:String}) AS k ON k.tenant_id = u.tenant_id AND k.sku_id = u.sku_id
