-- What Fill inserts. $day runs from 0, the day of the first listing, to $days, which is
-- yesterday. Person n belongs to tenant n div $users; what people hold and do follows from n.
INSERT INTO m365.organization_changes (tenant_id, stream_seq, observed_at, run_id, op, deleted, display_name, default_domain, domains)
SELECT reinterpretAsUUID(sipHash128('tenant', number)), number + 1, toStartOfDay(now('UTC')) - INTERVAL $days + 1 DAY, 'run0', 'upsert', 0,
    'Tenant ' || toString(number), 'tenant' || toString(number) || '.onmicrosoft.com', ['tenant' || toString(number) || '.onmicrosoft.com']
FROM numbers($tenants);

INSERT INTO m365.group_changes (tenant_id, group_id, stream_seq, observed_at, run_id, op, deleted, display_name, sku_ids)
SELECT reinterpretAsUUID(sipHash128('tenant', intDiv(number, 5))), reinterpretAsUUID(sipHash128('group', number)), number + 1,
    toStartOfDay(now('UTC')) - INTERVAL $days + 1 DAY, 'run0', 'upsert', 0, 'Licensed ' || toString(number % 5), ['05e9a617-0261-4cee-bb44-138d3ef5d965']
FROM numbers($tenants * 5);

-- SKUs with their plans; the consumed units of two of them change daily.
INSERT INTO m365.sku_changes (tenant_id, sku_id, stream_seq, observed_at, run_id, op, deleted, sku_part_number, applies_to, capability_status,
    consumed_units, enabled_units, plan_ids, plan_names, plan_states, plan_applies_to)
SELECT reinterpretAsUUID(sipHash128('tenant', number)), sku.1, $day * 100000000 + number * 10 + sku.4,
    toStartOfDay(now('UTC')) - INTERVAL $days + 1 - $day DAY + INTERVAL 6 HOUR, 'run$day', 'upsert', 0, sku.2, 'User', 'Enabled',
    toInt64($users * sku.3), toInt64($users * sku.3 * 1.1) + $day, sku.5, sku.5, arrayMap(p -> 'Success', sku.5), arrayMap(p -> 'User', sku.5)
FROM numbers($tenants)
ARRAY JOIN [
    ('05e9a617-0261-4cee-bb44-138d3ef5d965', 'SPE_E3', 0.5, 0, ['efb87545-963c-4e0d-99df-69c6916d9eb0', '5dbe027f-2339-4123-9542-606e4d348a72', 'e95bec33-7c88-4a70-8e19-b10bd9d0c014', '43de0ff5-c92c-492b-9116-175376d08c38', '57ff2da0-773e-42df-b2af-ffb7a2317929', '0feaeb32-d00e-4d66-bd5a-43b5b83db82c', '7547a3fe-08ee-4ccb-b430-5077c5041653', '41781fb2-bc02-4b7c-bd55-b576c07bb09d', 'c1ec4a95-1f05-45b3-a911-aa3fa01094f5', 'bea4c11e-220a-4e6d-8eb8-8ea15d019f90', '21b439ba-a0ca-424f-a6cc-52f954a5b111', 'a23b959c-7ce8-4e57-9140-b90eb88a9e97']),
    ('06ebc4ee-1bb5-47dd-8120-11324bc54e06', 'SPE_E5', 0.3, 1, ['efb87545-963c-4e0d-99df-69c6916d9eb0', '5dbe027f-2339-4123-9542-606e4d348a72', 'e95bec33-7c88-4a70-8e19-b10bd9d0c014', '43de0ff5-c92c-492b-9116-175376d08c38', '57ff2da0-773e-42df-b2af-ffb7a2317929', '0feaeb32-d00e-4d66-bd5a-43b5b83db82c', '7547a3fe-08ee-4ccb-b430-5077c5041653', '4828c8ec-dc2e-4779-b502-87ac9ce28ab7', '41781fb2-bc02-4b7c-bd55-b576c07bb09d', 'eec0eb4f-6444-4f95-aba0-50c24d67f998', 'c1ec4a95-1f05-45b3-a911-aa3fa01094f5', 'bea4c11e-220a-4e6d-8eb8-8ea15d019f90', '871d91ec-ec1a-452b-a83f-bd76c7d770ef', '70d33638-9c74-4d01-bfd3-562de28bd4ba', '21b439ba-a0ca-424f-a6cc-52f954a5b111', 'a23b959c-7ce8-4e57-9140-b90eb88a9e97']),
    ('18181a46-0d4e-45cd-891e-60aabd171b4e', 'STANDARDPACK', 0.1, 2, ['9aaf7827-d63c-4b61-89c3-182f06f82e5c', 'c7699d2e-19aa-44de-8edf-1736da088ca1', 'e95bec33-7c88-4a70-8e19-b10bd9d0c014', 'c63d4d19-e8cb-460e-b37c-4d6c34603745', '57ff2da0-773e-42df-b2af-ffb7a2317929', '0feaeb32-d00e-4d66-bd5a-43b5b83db82c', '7547a3fe-08ee-4ccb-b430-5077c5041653', 'b737dad2-2f6c-4c65-90e3-ca563267e8b9', 'a23b959c-7ce8-4e57-9140-b90eb88a9e97']),
    ('66b55226-6b4f-492c-910c-a3b7a3c9d993', 'SPE_F1', 0.1, 3, ['4a82b400-a79f-41a4-b4e2-e94f5787b113', '902b47e5-dcb2-4fdc-858b-c63a90a2bdb9', 'e95bec33-7c88-4a70-8e19-b10bd9d0c014', 'c63d4d19-e8cb-460e-b37c-4d6c34603745', '57ff2da0-773e-42df-b2af-ffb7a2317929', 'afc06cb0-b4f4-4473-8286-d644f70d8faf', '7547a3fe-08ee-4ccb-b430-5077c5041653', '41781fb2-bc02-4b7c-bd55-b576c07bb09d', 'c1ec4a95-1f05-45b3-a911-aa3fa01094f5', 'a23b959c-7ce8-4e57-9140-b90eb88a9e97']),
    ('f30db892-07e9-47e9-837c-80727f46fd3d', 'FLOW_FREE', 0.6, 4, ['50e68c76-46c6-4674-81f9-75456511b170']),
    ('639dec6b-bb19-468b-871c-c5c441c4b0cb', 'Microsoft_365_Copilot', 0.2, 5, ['a62f8878-de10-42f3-b68f-6149a25ceb97', 'b95945de-b3bd-46db-8437-f2beb6ea2347', '3f30311c-6b1e-48a4-ab79-725b469da960']),
    ('4b9405b0-7788-4568-add1-99614e613b69', 'EXCHANGESTANDARD', 0.2, 6, ['9aaf7827-d63c-4b61-89c3-182f06f82e5c']),
    ('efccb6f7-5641-4e0e-bd10-b4976e1bf68e', 'EMS', 0.3, 7, ['41781fb2-bc02-4b7c-bd55-b576c07bb09d', 'c1ec4a95-1f05-45b3-a911-aa3fa01094f5', '8a256a2b-b617-496d-b51b-e76466e88db0', 'bea4c11e-220a-4e6d-8eb8-8ea15d019f90']),
    ('a403ebcc-fae0-4ca2-8c8c-7a907fd6c235', 'POWER_BI_STANDARD', 0.2, 8, ['2049e525-b859-401b-b2a0-e0a31c4b1fe4']),
    ('c5928f49-12ba-48f7-ada3-0d743a3601d5', 'VISIOCLIENT', 0.2, 9, ['da792a53-cbc0-4184-a10d-e544dd34b3c1', '663a804f-1c30-4ff0-9915-9db84f0d1cea', '2bdbaf8f-738f-4ac7-9234-3c3ee2ce7d0f'])
] AS sku
WHERE $day = 0 OR sku.4 IN (0, 9);

INSERT INTO m365.subscription_changes (tenant_id, subscription_id, stream_seq, observed_at, run_id, op, deleted, sku_id, sku_part_number, status, is_trial, total_licenses, next_lifecycle_at)
SELECT tenant_id, toString(sku_id), stream_seq, observed_at, run_id, 'upsert', 0, sku_id, sku_part_number, 'Enabled', stream_seq % 10 = 6, enabled_units, now() + INTERVAL stream_seq % 200 DAY
FROM m365.sku_changes WHERE run_id = 'run0';

INSERT INTO m365.prices (tenant_id, sku_id, price, currency, term, valid_from, imported_at, imported_by)
SELECT toUUIDOrZero(''), sku_id, 3 + 4 * (any(stream_seq) % 10), 'EUR', 'annual', '2025-01-01', now(), 'bench' FROM m365.sku_changes WHERE run_id = 'run0' GROUP BY sku_id;

-- On an odd day a changed person gets VISIOCLIENT, on an even day it is taken back.
INSERT INTO m365.user_changes (tenant_id, user_id, stream_seq, observed_at, run_id, op, deleted, user_principal_name, display_name, mail, account_enabled,
    user_type, usage_location, department, company_name, country, city, office_location, employee_id, job_title, on_premises_sync_enabled, created_at,
    sku_ids, sku_disabled_plans, path_sku_ids, path_groups, path_states, path_errors, path_disabled_plans, path_updated_at)
SELECT reinterpretAsUUID(sipHash128('tenant', intDiv(number, $users))), reinterpretAsUUID(sipHash128('user', number)), $day * 100000000 + number,
    toStartOfDay(now('UTC')) - INTERVAL $days + 1 - $day DAY + INTERVAL 6 HOUR, 'run$day', 'upsert', 0,
    'Person' || toString(number) || '@tenant' || toString(intDiv(number, $users)) || '.onmicrosoft.com', 'Person ' || toString(number),
    'person' || toString(number) || '@tenant' || toString(intDiv(number, $users)) || '.com', number % 25 != 0,
    if(number % 50 = 1, 'Guest', 'Member'), 'DE', 'Department ' || toString(number % 20), 'Company ' || toString(number % 3), 'DE', 'City ' || toString(number % 10),
    'Office ' || toString(number % 10), toString(number), 'Title ' || toString(number % 30), true, now() - INTERVAL 900 DAY,
    arrayFilter(s -> s != toUUIDOrZero(''), [
        toUUID(multiIf(number % 10 < 5, '05e9a617-0261-4cee-bb44-138d3ef5d965', number % 10 < 8, '06ebc4ee-1bb5-47dd-8120-11324bc54e06', number % 10 = 8, '18181a46-0d4e-45cd-891e-60aabd171b4e', '66b55226-6b4f-492c-910c-a3b7a3c9d993')),
        toUUIDOrZero(if(number % 5 < 3, 'f30db892-07e9-47e9-837c-80727f46fd3d', '')), toUUIDOrZero(if(number % 5 = 0, '639dec6b-bb19-468b-871c-c5c441c4b0cb', '')),
        toUUIDOrZero(if(number % 5 = 1, '4b9405b0-7788-4568-add1-99614e613b69', '')), toUUIDOrZero(if(number % 10 < 3, 'efccb6f7-5641-4e0e-bd10-b4976e1bf68e', '')),
        toUUIDOrZero(if(number % 5 = 3, 'a403ebcc-fae0-4ca2-8c8c-7a907fd6c235', '')), toUUIDOrZero(if($day % 2 = 1, 'c5928f49-12ba-48f7-ada3-0d743a3601d5', ''))]) AS held,
    arrayMap((s, i) -> if(i = 1 AND number % 4 = 0, [toUUID('a23b959c-7ce8-4e57-9140-b90eb88a9e97')], []), held, arrayEnumerate(held)),
    held, arrayMap(i -> if(i = 1 AND number % 2 = 0, toNullable(reinterpretAsUUID(sipHash128('group', intDiv(number, $users) * 5))), NULL), arrayEnumerate(held)),
    arrayMap(s -> 'Active', held), arrayMap(s -> 'None', held), arrayMap(s -> []::Array(UUID), held), arrayMap(s -> toNullable(now64(3) - INTERVAL 400 DAY), held)
FROM numbers($people)
WHERE $day = 0 OR cityHash64(number, $day) % 1000 < $changed
SETTINGS max_insert_threads = 2;

INSERT INTO m365.licence_changes (tenant_id, user_id, sku_id, stream_seq, observed_at, run_id, op, deleted, change, held_before, held_after, states_after)
SELECT tenant_id, user_id, 'c5928f49-12ba-48f7-ada3-0d743a3601d5', stream_seq, observed_at, run_id, 'upsert', 0, if($day % 2 = 1, 'assigned', 'removed'), $day % 2 = 0, $day % 2 = 1, ['Active']
FROM m365.user_changes
WHERE run_id = 'run$day' AND $day > 0;

-- Report rows: of ten people eight are active in the days before the report, one was four
-- months ago, one has no date. A fifth holds Copilot. Names are in another case than in the directory.
INSERT INTO m365.report_changes (tenant_id, report, row_key, stream_seq, observed_at, run_id, op, deleted, refresh_date, period, user_principal_name,
    last_activity_date, dates, flags, texts)
SELECT reinterpretAsUUID(sipHash128('tenant', intDiv(number, $users))), report, lower(hex(sipHash128(report, number))), $day * 100000000 + number,
    toStartOfDay(now('UTC')) - INTERVAL $days + 1 - $day DAY + INTERVAL 6 HOUR, 'run$day', 'upsert', 0,
    today() - ($days + 1 - $day) - 2 AS refreshed, '180', 'person' || toString(number) || '@tenant' || toString(intDiv(number, $users)) || '.onmicrosoft.com',
    multiIf(number % 10 = 9, NULL, number % 10 = 8, toNullable(toDate32('2026-03-01')), toNullable(toDate32(refreshed - cityHash64(number, $day) % 4))) AS active,
    if(report != 'getOffice365ActiveUserDetail', map('Last Activity Date', active), mapFromArrays(
        ['Exchange Last Activity Date', 'OneDrive Last Activity Date', 'SharePoint Last Activity Date', 'Skype For Business Last Activity Date', 'Yammer Last Activity Date', 'Teams Last Activity Date',
         'Exchange License Assign Date', 'OneDrive License Assign Date', 'SharePoint License Assign Date', 'Skype For Business License Assign Date', 'Yammer License Assign Date', 'Teams License Assign Date'],
        arrayMap(i -> multiIf(i > 6, toNullable(toDate32('2024-05-06')), i IN (4, 5), NULL, active), range(1, 13)))),
    if(report != 'getM365AppUserDetail', map(), mapFromArrays(
        ['Windows', 'Mac', 'Mobile', 'Web', 'Outlook', 'Word', 'Excel', 'PowerPoint', 'OneNote', 'Teams', 'Outlook (Windows)', 'Word (Windows)', 'Excel (Windows)', 'PowerPoint (Windows)', 'Teams (Windows)', 'Outlook (Web)', 'Word (Web)'],
        arrayMap(i -> toNullable(active IS NOT NULL AND bitTest(cityHash64(number), i)), range(1, 18)))),
    if(report != 'getOffice365ActiveUserDetail', map(), map('Assigned Products', toNullable('MICROSOFT 365 E3+MICROSOFT POWER AUTOMATE FREE')))
FROM numbers($people)
ARRAY JOIN ['getOffice365ActiveUserDetail', 'getM365AppUserDetail', 'getMicrosoft365CopilotUsageUserDetail'] AS report
WHERE (report != 'getMicrosoft365CopilotUsageUserDetail' OR number % 5 = 0) AND ($day = 0 OR number % 10 < 8 AND cityHash64(number, $day, 'report') % 1000 < $active)
SETTINGS max_insert_threads = 2;

INSERT INTO m365.run_changes (tenant_id, feed, run_id, stream_seq, observed_at, op, deleted, connector, status, baseline, pages, entities, published, unchanged,
    refresh_date, started_at, finished_at)
SELECT reinterpretAsUUID(sipHash128('tenant', number)), feed, 'run$day', $day * 100000000 + $people + number * 10 + at, ended, 'upsert', 0, 'tenant' || toString(number),
    'complete', $day = 0, 1, $users, 0, $users, if(startsWith(feed, 'get'), toNullable(today() - ($days + 1 - $day) - 2), NULL), ended - INTERVAL 5 MINUTE,
    toStartOfDay(now('UTC')) - INTERVAL $days + 1 - $day DAY + INTERVAL 7 HOUR AS ended
FROM numbers($tenants)
ARRAY JOIN ['organization', 'skus', 'subscriptions', 'groups', 'users', 'skus_after', 'getOffice365ActiveUserDetail', 'getM365AppUserDetail', 'getMicrosoft365CopilotUsageUserDetail', 'all'] AS feed, range(10) AS at;
