-- title: Tenants: name, domain, last run and whether it was complete
-- feeds: organization
-- definition: One row per tenant from the organization feed. complete is the status of the
--   last whole run; a run that is not complete names the feeds in notes.
-- param: tenant String = '', directory id; empty for all
SELECT
    o.tenant_id AS tenant_id,
    o.default_domain AS tenant,
    o.display_name AS display_name,
    r.status AS status,
    r.finished AS last_run,
    r.notes AS notes
FROM m365.organizations AS o FINAL
LEFT JOIN (
    SELECT tenant_id, argMax(status, stream_seq) AS status, argMax(finished_at, stream_seq) AS finished, argMax(notes, stream_seq) AS notes
    FROM m365.run_changes FINAL
    WHERE feed = 'all' AND ({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))
    GROUP BY tenant_id
) AS r ON r.tenant_id = o.tenant_id
WHERE {tenant:String} = '' OR o.tenant_id = toUUIDOrZero({tenant:String})
ORDER BY tenant
