-- title: Seats per tenant and SKU: bought, held, unassigned, over-allocated
-- feeds: organization, skus, users
-- definition: enabled, warning, suspended and locked_out are the prepaid units of
--   subscribedSkus; consumed is its consumedUnits; holders counts distinct users whose
--   assignedLicenses have the SKU. unassigned = max(0, enabled - consumed).
--   over_allocated = max(0, consumed - enabled - warning): warning units are the grace
--   period and still work, suspended and locked-out units are never capacity.
--   Source: Microsoft Graph, subscribedSku and licenseUnitsDetail.
-- param: tenant String = '', directory id; empty for all
SELECT
    s.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    s.sku_id AS sku_id,
    s.sku_part_number AS sku,
    s.applies_to AS applies_to,
    s.capability_status AS status,
    s.enabled_units AS enabled,
    s.warning_units AS warning,
    s.suspended_units AS suspended,
    s.locked_out_units AS locked_out,
    s.consumed_units AS consumed,
    h.holders AS holders,
    greatest(0, s.enabled_units - s.consumed_units) AS unassigned,
    greatest(0, s.consumed_units - s.enabled_units - s.warning_units) AS over_allocated
FROM m365.skus AS s FINAL
LEFT JOIN m365.organizations AS o FINAL ON o.tenant_id = s.tenant_id
LEFT JOIN (
    SELECT tenant_id, sku_id, count() AS holders
    FROM m365.users FINAL
    ARRAY JOIN arrayDistinct(sku_ids) AS sku_id
    WHERE {tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String})
    GROUP BY tenant_id, sku_id
) AS h ON h.tenant_id = s.tenant_id AND h.sku_id = s.sku_id
WHERE {tenant:String} = '' OR s.tenant_id = toUUIDOrZero({tenant:String})
ORDER BY tenant, enabled DESC, sku
