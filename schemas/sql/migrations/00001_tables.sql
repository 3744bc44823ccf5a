-- +goose Up
-- Every kind has two tables. <kind>_changes is the history: one row per record of the
-- stream, never changed. <kind>s is the current state: the last row per entity, fed by a
-- materialized view, so that one insert serves both. Both replace by stream sequence: a
-- record that is inserted twice, by a replay or past the deduplication window, counts
-- once. Both have a deduplication window: a retried insert is refused by its token in the
-- history and in what the view feeds. Tenant is first in every key. There are no partitions: a batch is one partition
-- and therefore one atomic insert.

CREATE TABLE IF NOT EXISTS user_changes (
    tenant_id UUID,
    user_id UUID,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    user_principal_name String,
    display_name String,
    mail String,
    account_enabled Nullable(Bool),
    user_type LowCardinality(String),
    usage_location LowCardinality(String),
    department LowCardinality(String),
    company_name LowCardinality(String),
    country LowCardinality(String),
    city LowCardinality(String),
    office_location LowCardinality(String),
    employee_id String,
    job_title LowCardinality(String),
    on_premises_sync_enabled Nullable(Bool),
    created_at Nullable(DateTime64(3, 'UTC')),
    sku_ids Array(UUID) COMMENT 'assignedLicenses',
    sku_disabled_plans Array(Array(UUID)) COMMENT 'service plans switched off, parallel to sku_ids',
    path_sku_ids Array(UUID) COMMENT 'licenseAssignmentStates, one entry per path',
    path_groups Array(Nullable(UUID)) COMMENT 'assignedByGroup, null for a direct assignment',
    path_states Array(LowCardinality(String)),
    path_errors Array(LowCardinality(String)),
    path_disabled_plans Array(Array(UUID)),
    path_updated_at Array(Nullable(DateTime64(3, 'UTC'))) COMMENT 'last change of state, not the date of assignment',
    plan_ids Array(UUID) COMMENT 'assignedPlans, where collected',
    plan_states Array(LowCardinality(String)),
    unknown String COMMENT 'members the product does not know, JSON'
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, user_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS users AS user_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY (tenant_id, user_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS users_feed TO users AS SELECT * FROM user_changes;

CREATE TABLE IF NOT EXISTS group_changes (
    tenant_id UUID,
    group_id UUID,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    display_name String,
    mail String,
    security_enabled Nullable(Bool),
    mail_enabled Nullable(Bool),
    group_types Array(LowCardinality(String)),
    membership_rule String,
    on_premises_sync_enabled Nullable(Bool),
    created_at Nullable(DateTime64(3, 'UTC')),
    sku_ids Array(UUID),
    sku_disabled_plans Array(Array(UUID)),
    license_processing_state LowCardinality(String),
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, group_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS groups AS group_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY (tenant_id, group_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS groups_feed TO groups AS SELECT * FROM group_changes;

CREATE TABLE IF NOT EXISTS member_changes (
    tenant_id UUID,
    group_id UUID,
    member_id UUID,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    member_type LowCardinality(String),
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, group_id, member_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS members AS member_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY (tenant_id, group_id, member_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS members_feed TO members AS SELECT * FROM member_changes;

CREATE TABLE IF NOT EXISTS sku_changes (
    tenant_id UUID,
    sku_id UUID,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    sku_part_number LowCardinality(String),
    applies_to LowCardinality(String),
    capability_status LowCardinality(String),
    consumed_units Int64,
    enabled_units Int64,
    warning_units Int64,
    suspended_units Int64,
    locked_out_units Int64,
    plan_ids Array(UUID),
    plan_names Array(LowCardinality(String)),
    plan_states Array(LowCardinality(String)),
    plan_applies_to Array(LowCardinality(String)),
    subscription_ids Array(String),
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, sku_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS skus AS sku_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY (tenant_id, sku_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS skus_feed TO skus AS SELECT * FROM sku_changes;

CREATE TABLE IF NOT EXISTS subscription_changes (
    tenant_id UUID,
    subscription_id String,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    sku_id Nullable(UUID),
    sku_part_number LowCardinality(String),
    status LowCardinality(String),
    is_trial Nullable(Bool),
    total_licenses Int64,
    created_at Nullable(DateTime64(3, 'UTC')),
    next_lifecycle_at Nullable(DateTime64(3, 'UTC')),
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, subscription_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS subscriptions AS subscription_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY (tenant_id, subscription_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS subscriptions_feed TO subscriptions AS SELECT * FROM subscription_changes;

CREATE TABLE IF NOT EXISTS organization_changes (
    tenant_id UUID,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    display_name String,
    default_domain String,
    domains Array(String),
    country_letter_code LowCardinality(String),
    tenant_type LowCardinality(String),
    created_at Nullable(DateTime64(3, 'UTC')),
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS organizations AS organization_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY tenant_id
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS organizations_feed TO organizations AS SELECT * FROM organization_changes;

CREATE TABLE IF NOT EXISTS report_changes (
    tenant_id UUID,
    report LowCardinality(String) COMMENT 'Graph report function',
    row_key FixedString(32) COMMENT 'keyed digest of the row, as in the subject',
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    refresh_date Nullable(Date32) COMMENT 'of the report that brought this content; the run has the newest',
    period LowCardinality(String),
    user_principal_name String,
    user_id String,
    concealed Bool,
    last_activity_date Nullable(Date32),
    dates Map(LowCardinality(String), Nullable(Date32)) COMMENT 'null: blank; absent: the report had no such column',
    counts Map(LowCardinality(String), Nullable(Int64)),
    flags Map(LowCardinality(String), Nullable(Bool)),
    texts Map(LowCardinality(String), Nullable(String)),
    unknown_columns Map(LowCardinality(String), String),
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, report, row_key, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS reports AS report_changes
ENGINE = ReplacingMergeTree(stream_seq, deleted) ORDER BY (tenant_id, report, row_key)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS reports_feed TO reports AS SELECT * FROM report_changes;

CREATE TABLE IF NOT EXISTS licence_changes (
    tenant_id UUID,
    user_id UUID,
    sku_id UUID,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    run_id LowCardinality(String),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    change LowCardinality(String) COMMENT 'assigned, removed, errored, state_changed',
    held_before Bool,
    held_after Bool,
    states_before Array(LowCardinality(String)),
    states_after Array(LowCardinality(String)),
    disabled_plans_before Array(UUID),
    disabled_plans_after Array(UUID),
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, user_id, sku_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS run_changes (
    tenant_id UUID,
    feed LowCardinality(String),
    run_id String,
    stream_seq UInt64,
    observed_at DateTime64(3, 'UTC'),
    op Enum8('upsert' = 0, 'delete' = 1),
    deleted UInt8,
    connector LowCardinality(String),
    status LowCardinality(String),
    baseline Bool,
    pages Int64,
    entities Int64,
    published Int64,
    unchanged Int64,
    deletes Int64,
    events Int64,
    rejected Int64,
    refresh_date Nullable(Date32),
    concealed_rows Int64,
    missing_columns Array(String),
    new_columns Array(String),
    moved_skus Array(UUID),
    permissions Array(String),
    started_at DateTime64(3, 'UTC'),
    finished_at DateTime64(3, 'UTC'),
    notes Array(String),
    error_code LowCardinality(String),
    error_message String,
    error_remedy String,
    unknown String
) ENGINE = ReplacingMergeTree(stream_seq)
ORDER BY (tenant_id, feed, run_id, stream_seq)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS service_plan_workloads (
    service_plan_id UUID,
    service_plan_name LowCardinality(String),
    workload LowCardinality(String)
) ENGINE = ReplacingMergeTree ORDER BY (service_plan_id, workload);

-- +goose Down
