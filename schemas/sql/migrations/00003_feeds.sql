-- +goose Up
-- Deleted users and sign-ins; the day of daily report rows; the tenant's concealment flag.
-- A view's columns are those its table had when it was made, hence MODIFY QUERY.

CREATE TABLE IF NOT EXISTS deleted_user_changes (
    tenant_id UUID,
    user_id UUID,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    user_principal_name String COMMENT 'as the recycle bin has it: the id stands in front',
    display_name String,
    mail String,
    account_enabled Nullable(Bool),
    user_type LowCardinality(String),
    department LowCardinality(String),
    company_name LowCardinality(String),
    created_at Nullable(DateTime64(3, 'UTC')),
    deleted_at Nullable(DateTime64(3, 'UTC')),
    sku_ids Array(UUID) COMMENT 'assignedLicenses',
    sku_disabled_plans Array(Array(UUID)) COMMENT 'service plans switched off, parallel to sku_ids',
    unknown String COMMENT 'members the product does not know, JSON'
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, user_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS deleted_users AS deleted_user_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY (tenant_id, user_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS deleted_users_feed TO deleted_users AS SELECT * FROM deleted_user_changes;

CREATE TABLE IF NOT EXISTS sign_in_changes (
    tenant_id UUID,
    user_id UUID,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    last_sign_in_at Nullable(DateTime64(3, 'UTC')) COMMENT 'attempts too; null: Graph does not know, which is not never',
    last_non_interactive_sign_in_at Nullable(DateTime64(3, 'UTC')),
    last_successful_sign_in_at Nullable(DateTime64(3, 'UTC')) COMMENT 'nothing from before December 2023',
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, user_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS sign_ins AS sign_in_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY (tenant_id, user_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS sign_ins_feed TO sign_ins AS SELECT * FROM sign_in_changes;

ALTER TABLE reports ADD COLUMN IF NOT EXISTS report_date Nullable(Date32) COMMENT 'the one day of a row of a -daily report' AFTER refresh_date;

ALTER TABLE report_changes ADD COLUMN IF NOT EXISTS report_date Nullable(Date32) COMMENT 'the one day of a row of a -daily report' AFTER refresh_date;

ALTER TABLE reports_feed MODIFY QUERY SELECT * FROM report_changes;

ALTER TABLE run_changes ADD COLUMN IF NOT EXISTS display_concealed_names Nullable(Bool) COMMENT 'the tenant conceals names in reports; null: may not be read' AFTER concealed_rows;

-- +goose Down
