package consumer_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// landed is what the golden record of every kind is in its table. Columns that are not
// named here must not exist.
var landed = map[schemas.Kind]map[string]string{
	schemas.KindUser: {
		"user_id": "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9", "user_principal_name": "adele.vance@contoso.com",
		"display_name": "Adele Vance", "mail": "adele.vance@contoso.com", "account_enabled": "true", "user_type": "Member",
		"usage_location": "DE", "department": "Vertrieb Süd", "company_name": "Contoso GmbH", "country": "Germany", "city": "München",
		"office_location": "18/2111", "employee_id": "004711", "job_title": "Retail Manager", "on_premises_sync_enabled": "false",
		"created_at":         "2021-09-01 08:30:00.000",
		"sku_ids":            "['05e9a617-0261-4cee-bb44-138d3ef5d965','06ebc4ee-1bb5-47dd-8120-11324bc54e06']",
		"sku_disabled_plans": "[[],['57ff2da0-773e-42df-b2af-ffb7a2317929']]",
		"path_sku_ids":       "['05e9a617-0261-4cee-bb44-138d3ef5d965','06ebc4ee-1bb5-47dd-8120-11324bc54e06']",
		"path_groups":        "[NULL,'2b3c4d5e-6f70-4182-93a4-b5c6d7e8f90a']", "path_states": "['Active','ActiveWithError']",
		"path_errors": "['None','DependencyViolation']", "path_disabled_plans": "[[],['57ff2da0-773e-42df-b2af-ffb7a2317929']]",
		"path_updated_at": "['2026-01-02 03:04:05.000','2026-02-03 04:05:06.123']",
		"plan_ids":        "['efb87545-963c-4e0d-99df-69c6916d9eb0']", "plan_states": "['Enabled']",
	},
	schemas.KindGroup: {
		"group_id": "2b3c4d5e-6f70-4182-93a4-b5c6d7e8f90a", "display_name": "Licences E5", "mail": "licences-e5@contoso.com",
		"security_enabled": "true", "mail_enabled": "false", "group_types": "['DynamicMembership','Unified']",
		"membership_rule": `(user.department -eq "Vertrieb Süd")`, "on_premises_sync_enabled": "false", "created_at": "2022-01-01 00:00:00.000",
		"sku_ids": "['06ebc4ee-1bb5-47dd-8120-11324bc54e06']", "sku_disabled_plans": "[['57ff2da0-773e-42df-b2af-ffb7a2317929']]",
		"license_processing_state": "ProcessingComplete",
	},
	schemas.KindMember: {
		"group_id": "2b3c4d5e-6f70-4182-93a4-b5c6d7e8f90a", "member_id": "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9", "member_type": "user",
	},
	schemas.KindSKU: {
		"sku_id": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "sku_part_number": "SPE_E5", "applies_to": "User", "capability_status": "Warning",
		"consumed_units": "262", "enabled_units": "250", "warning_units": "10", "suspended_units": "3", "locked_out_units": "1",
		"plan_ids":   "['57ff2da0-773e-42df-b2af-ffb7a2317929','efb87545-963c-4e0d-99df-69c6916d9eb0']",
		"plan_names": "['TEAMS1','EXCHANGE_S_ENTERPRISE']", "plan_states": "['Success','Success']", "plan_applies_to": "['User','User']",
		"subscription_ids": "['3c4d5e6f-7081-4293-a4b5-c6d7e8f90a1b']",
	},
	schemas.KindSubscription: {
		"subscription_id": "3c4d5e6f-7081-4293-a4b5-c6d7e8f90a1b", "sku_id": "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
		"sku_part_number": "SPE_E5", "status": "Enabled", "is_trial": "false", "total_licenses": "250",
		"created_at": "2024-02-01 00:00:00.000", "next_lifecycle_at": "2027-02-01 00:00:00.000",
	},
	schemas.KindOrganization: {
		"display_name": "Contoso", "default_domain": "contoso.com", "domains": "['contoso.com','contoso.onmicrosoft.com']",
		"country_letter_code": "DE", "tenant_type": "AAD", "created_at": "2019-05-06 07:08:09.000",
	},
	schemas.KindDeletedUser: {
		"user_id": "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9", "user_principal_name": "1a2b3c4d5e6f40718293a4b5c6d7e8f9adele.vance@contoso.com",
		"display_name": "Adele Vance", "mail": "adele.vance@contoso.com", "account_enabled": "false", "user_type": "Member",
		"department": "Vertrieb Süd", "company_name": "Contoso GmbH", "created_at": "2021-09-01 08:30:00.000", "deleted_at": "2026-03-10 09:10:11.000",
		"sku_ids": "['06ebc4ee-1bb5-47dd-8120-11324bc54e06']", "sku_disabled_plans": "[['57ff2da0-773e-42df-b2af-ffb7a2317929']]",
	},
	schemas.KindSignIn: {
		"user_id": "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9", "last_sign_in_at": "2026-03-13 07:08:09.000",
		"last_non_interactive_sign_in_at": "2026-03-14 01:02:03.000", "last_successful_sign_in_at": "2026-03-12 17:18:19.000",
	},
	schemas.KindReport: {
		"report": "getOffice365ActiveUserDetail", "row_key": "9f86d081884c7d659a2feaa0c55ad015", "refresh_date": "2026-03-12", "report_date": "ᴺᵁᴸᴸ", "period": "180",
		"user_principal_name": "Adele.Vance@contoso.com", "user_id": "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9", "concealed": "false",
		"last_activity_date": "ᴺᵁᴸᴸ", "dates": "{'Exchange Last Activity Date':'2026-03-11','Teams Last Activity Date':NULL}",
		"counts": "{'Send Count':42,'Storage Used (Byte)':9007199254740993}", "flags": "{'Is Deleted':false,'Has Exchange License':true}",
		"texts": "{'Assigned Products':'MICROSOFT 365 E5+POWER BI (FREE)','Display Name':NULL}", "unknown_columns": "{'Loop Last Activity Date':'2026-03-01'}",
	},
	schemas.KindLicence: {
		"user_id": "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9", "sku_id": "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "change": "state_changed",
		"held_before": "true", "held_after": "true", "states_before": "['Active']", "states_after": "['Active','ActiveWithError:DependencyViolation']",
		"disabled_plans_before": "['57ff2da0-773e-42df-b2af-ffb7a2317929']",
		"disabled_plans_after":  "['efb87545-963c-4e0d-99df-69c6916d9eb0','57ff2da0-773e-42df-b2af-ffb7a2317929']",
	},
	schemas.KindRun: {
		"feed": "getOffice365ActiveUserDetail", "connector": "contoso", "status": "incomplete", "baseline": "true", "pages": "7",
		"entities": "6021", "published": "311", "unchanged": "5710", "deletes": "0", "events": "4", "rejected": "2", "refresh_date": "2026-03-12",
		"concealed_rows": "17", "display_concealed_names": "ᴺᵁᴸᴸ", "missing_columns": "['Yammer Last Activity Date']", "new_columns": "['Loop Last Activity Date']",
		"moved_skus": "['06ebc4ee-1bb5-47dd-8120-11324bc54e06']", "permissions": "['Reports.Read.All','User.Read.All']",
		"started_at": "2026-03-14 06:00:00.000", "finished_at": "2026-03-14 06:00:01.250", "notes": "['2 rows could not be read']",
		"error_code": "serviceUnavailable", "error_message": "the report broke off after 6021 rows", "error_remedy": "run again later",
	},
}

// envelope are the columns that every record brings.
var envelope = map[string]string{
	"tenant_id": tenant, "observed_at": "2026-03-14 06:00:01.250", "run_id": "20260314T060000Z-9f3a51c2", "op": "upsert", "deleted": "0",
}

// stateOf are the tables of the current state, for the kinds that have one.
var stateOf = map[schemas.Kind]string{
	schemas.KindUser: "users", schemas.KindGroup: "groups", schemas.KindMember: "members", schemas.KindSKU: "skus",
	schemas.KindSubscription: "subscriptions", schemas.KindOrganization: "organizations", schemas.KindReport: "reports",
	schemas.KindDeletedUser: "deleted_users", schemas.KindSignIn: "sign_ins",
}

func TestGoldenRecordsLandInTheirColumns(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	c, _ := n.Consume(t, quick, ch.Conn)
	for _, kind := range schemas.Kinds {
		m := golden(t, kind, schemas.Upsert)
		// A member that no version of the record knows yet must be kept.
		m.Data = []byte(strings.TrimSuffix(string(m.Data), "}") + `,"newMember":{"a":[1,"ü"]}}`)
		publish(t, n.JS, m)
	}
	teststack.Drain(t, c)
	for i, kind := range schemas.Kinds {
		table := string(kind) + "_changes"
		want := map[string]string{"SELECT count() FROM m365." + table: "1"}
		names := []string{"stream_seq"}
		column := func(name, value string) {
			want["SELECT ifNull(toString("+name+"), 'ᴺᵁᴸᴸ') FROM m365."+table] = value
			names = append(names, name)
		}
		for name, value := range landed[kind] {
			column(name, value)
		}
		for name, value := range envelope {
			column(name, value)
		}
		column("unknown", `{"newMember":{"a":[1,"ü"]}}`)
		want["SELECT stream_seq FROM m365."+table] = strconv.Itoa(i + 1)
		want["SELECT groupArray(name) FROM system.columns WHERE database = 'm365' AND table = '"+table+"' AND name NOT IN ('"+strings.Join(names, "','")+"')"] = "[]"
		if state := stateOf[kind]; state != "" {
			want["SELECT count() FROM (SELECT * FROM m365."+state+" FINAL EXCEPT SELECT * FROM m365."+table+")"] = "0"
			want["SELECT count() FROM m365."+state+" FINAL"] = "1"
		}
		expect(t, ch.Conn, table, want)
	}
}

func TestTombstones(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	c, _ := n.Consume(t, quick, ch.Conn)
	for _, op := range []schemas.Op{schemas.Upsert, schemas.Delete} {
		for kind := range stateOf {
			publish(t, n.JS, golden(t, kind, op))
		}
	}
	teststack.Drain(t, c)
	for kind, state := range stateOf {
		table := string(kind) + "_changes"
		expect(t, ch.Conn, table, map[string]string{
			"SELECT groupArray(toString(op) || toString(deleted)) FROM (SELECT * FROM m365." + table + " FINAL ORDER BY stream_seq)": "['upsert0','delete1']",
			"SELECT count() FROM m365." + state + " FINAL": "0",
		})
	}
	// Created again: the entity is back.
	again := golden(t, schemas.KindUser, schemas.Upsert)
	again.Header.Set(schemas.HeaderMsgID, "again")
	publish(t, n.JS, again)
	teststack.Drain(t, c)
	expect(t, ch.Conn, "created again", map[string]string{"SELECT display_name FROM m365.users FINAL": "Adele Vance"})
}
