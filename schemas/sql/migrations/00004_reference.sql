-- +goose Up
-- What no tenant's Graph says: names and plans of products, traits that were reviewed by
-- hand, prices, exclusions, recommendations. A tenant_id of zeros means all tenants.
--
-- The tables replace by imported_at, created_at or made_at, and a row with deleted = 1
-- takes one back: read them with FINAL. Shipped rows carry the day they were reviewed as
-- imported_at, so that whatever is imported or edited later wins over them, also when a
-- start loads them again. The three tables without such a column are shipped data alone.

CREATE TABLE IF NOT EXISTS sku_names (
    sku_id UUID,
    sku_part_number String COMMENT 'the catalogue\'s String_Id; empty in an override',
    name String COMMENT 'for people; an override comes before the catalogue, the catalogue before what is shipped',
    source LowCardinality(String) COMMENT 'shipped, catalogue, override',
    tenant_id UUID COMMENT 'zeros: all tenants',
    imported_at DateTime64(3, 'UTC'),
    deleted UInt8
) ENGINE = ReplacingMergeTree(imported_at, deleted)
ORDER BY (tenant_id, sku_id, source)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS plan_names (
    service_plan_id UUID,
    plan_name String COMMENT 'servicePlanName, such as EXCHANGE_S_ENTERPRISE',
    friendly_name String,
    source LowCardinality(String) COMMENT 'shipped, catalogue',
    imported_at DateTime64(3, 'UTC'),
    deleted UInt8
) ENGINE = ReplacingMergeTree(imported_at, deleted)
ORDER BY (service_plan_id, source)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS sku_plans (
    sku_id UUID,
    service_plan_id UUID,
    source LowCardinality(String) COMMENT 'catalogue; what a tenant\'s SKU contains is in skus.plan_ids',
    imported_at DateTime64(3, 'UTC'),
    deleted UInt8
) ENGINE = ReplacingMergeTree(imported_at, deleted)
ORDER BY (sku_id, service_plan_id, source)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS plan_traits (
    service_plan_id UUID,
    foundation Bool COMMENT 'carries other plans and is in nearly every SKU: no part of a comparison',
    covered_by LowCardinality(String) COMMENT 'the report function that shows its use; empty: none does',
    family LowCardinality(String) COMMENT 'Exchange, Teams, Security, Compliance, PowerBI and so on'
) ENGINE = ReplacingMergeTree
ORDER BY service_plan_id
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS plan_supersedes (
    service_plan_id UUID COMMENT 'whoever has this plan',
    supersedes UUID COMMENT 'has what this one gives',
    note String
) ENGINE = ReplacingMergeTree
ORDER BY (service_plan_id, supersedes)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS sku_traits (
    sku_id UUID,
    tenant_id UUID COMMENT 'zeros: all tenants; a tenant\'s own row comes first',
    free Bool COMMENT 'costs nothing: its seats are no saving',
    viral Bool COMMENT 'people sign up for it themselves',
    company_level Bool COMMENT 'serves the tenant as a whole: consumed units have no holders',
    family LowCardinality(String) COMMENT 'within which downgrades go',
    tier Int16 COMMENT 'rank in its family, larger is more: E5 50, E3 30, E1 10, F3 5; 0: none',
    note String,
    imported_at DateTime64(3, 'UTC'),
    deleted UInt8
) ENGINE = ReplacingMergeTree(imported_at, deleted)
ORDER BY (tenant_id, sku_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS downgrades (
    from_sku UUID,
    to_sku UUID,
    kind LowCardinality(String) COMMENT 'E5-E3, E3-F3, E3-E1 and so on: which rules a query applies',
    note String
) ENGINE = ReplacingMergeTree
ORDER BY (from_sku, to_sku)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS prices (
    tenant_id UUID COMMENT 'zeros: all tenants; a tenant\'s own price comes first',
    sku_id UUID,
    price Decimal(18, 4) COMMENT 'a seat a month, whatever the term',
    currency LowCardinality(String) COMMENT 'ISO 4217',
    term LowCardinality(String) COMMENT 'monthly, annual, triennial',
    valid_from Date32,
    valid_to Nullable(Date32) COMMENT 'the last day; null: until a later price',
    imported_at DateTime64(3, 'UTC'),
    imported_by String,
    deleted UInt8
) ENGINE = ReplacingMergeTree(imported_at, deleted)
ORDER BY (tenant_id, sku_id, valid_from, currency, term)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS exclusions (
    exclusion_id UUID,
    tenant_id UUID COMMENT 'zeros: all tenants',
    user_id UUID COMMENT 'zeros: whoever holds the SKU',
    sku_id UUID COMMENT 'zeros: every SKU of the user',
    tag LowCardinality(String) COMMENT 'service account, leave, vip, free, viral, other',
    reason String,
    who String,
    created_at DateTime64(3, 'UTC') COMMENT 'when this row was written, also where it takes one back',
    until Nullable(Date32) COMMENT 'the last day; null: for good',
    deleted UInt8
) ENGINE = ReplacingMergeTree(created_at, deleted)
ORDER BY (tenant_id, exclusion_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS recommendations (
    recommendation_id UUID,
    tenant_id UUID,
    user_id UUID,
    sku_id UUID,
    kind LowCardinality(String) COMMENT 'reclaim, downgrade, overlap',
    made_at DateTime64(3, 'UTC'),
    made_by String,
    reason String,
    price Nullable(Decimal(18, 4)) COMMENT 'a seat a month when it was made; null: no price was known',
    currency LowCardinality(String),
    deleted UInt8
) ENGINE = ReplacingMergeTree(made_at, deleted)
ORDER BY (tenant_id, recommendation_id)
SETTINGS non_replicated_deduplication_window = 10000;

-- +goose Down
