package schemas

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Ids of the samples. They name nothing real but the SKUs and plans, which are
// Microsoft's own.
const (
	sampleTenant = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	sampleUser   = "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9"
	sampleGroup  = "2b3c4d5e-6f70-4182-93a4-b5c6d7e8f90a"
	sampleSub    = "3c4d5e6f-7081-4293-a4b5-c6d7e8f90a1b"
	sampleKey    = "9f86d081884c7d659a2feaa0c55ad015"
	sampleRun    = "20260314T060000Z-9f3a51c2"
	skuE3        = "05e9a617-0261-4cee-bb44-138d3ef5d965"
	skuE5        = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
	planExchange = "efb87545-963c-4e0d-99df-69c6916d9eb0"
	planTeams    = "57ff2da0-773e-42df-b2af-ffb7a2317929"
)

var sampleTime = time.Date(2026, 3, 14, 6, 0, 1, 250e6, time.UTC)

// body is what every record type is.
type body interface{ Entity() string }

// empty returns an empty record of a kind.
func empty(kind Kind) body {
	return map[Kind]body{
		KindUser: &User{}, KindGroup: &Group{}, KindMember: &Member{}, KindSKU: &SKU{},
		KindSubscription: &Subscription{}, KindOrganization: &Organization{}, KindReport: &Report{},
		KindLicence: &Licence{}, KindRun: &Run{}, KindDeletedUser: &DeletedUser{}, KindSignIn: &SignIn{},
	}[kind]
}

// samples are the records behind the golden upserts, by the name of their file: together
// a kind's samples set every field. A field that is added comes with a sample of its own
// (user.v1.2), so that the older file keeps its test.
func samples() map[string]body {
	return map[string]body{
		"user.v1": sampleUserRecord(), "group.v1": sampleGroupRecord(), "sku.v1": sampleSKURecord(),
		"report.v1": sampleReportRecord(), "run.v1": sampleRunRecord(),
		"report.v1.2": sampleDailyRecord(), "run.v1.3": sampleSettingsRecord(), "deleted_user.v1": sampleDeletedRecord(),
		"sign_in.v1": &SignIn{
			ID: sampleUser, LastSignInDateTime: "2026-03-13T07:08:09Z", LastNonInteractiveSignInDateTime: "2026-03-14T01:02:03Z",
			LastSuccessfulSignInDateTime: "2026-03-12T17:18:19Z",
		},
		"member.v1": &Member{GroupID: sampleGroup, MemberID: sampleUser, Type: "user"},
		"subscription.v1": &Subscription{
			ID: sampleSub, SKUID: skuE5, SKUPartNumber: "SPE_E5", Status: "Enabled", IsTrial: No, TotalLicenses: 250,
			CreatedDateTime: "2024-02-01T00:00:00Z", NextLifecycleDateTime: "2027-02-01T00:00:00Z",
		},
		"organization.v1": &Organization{
			ID: sampleTenant, DisplayName: "Contoso", CountryLetterCode: "DE", TenantType: "AAD", CreatedDateTime: "2019-05-06T07:08:09Z",
			VerifiedDomains: []VerifiedDomain{
				{Name: "contoso.com", IsDefault: true, Type: "Managed"},
				{Name: "contoso.onmicrosoft.com", IsInitial: true, Type: "Managed"},
			},
		},
		"licence.v1": &Licence{
			UserID: sampleUser, SKUID: skuE5, Change: LicenceStateChanged,
			Before: Holding{Held: true, States: []string{"Active"}, DisabledPlans: []string{planTeams}},
			After:  Holding{Held: true, States: []string{"Active", "ActiveWithError:DependencyViolation"}, DisabledPlans: []string{planExchange, planTeams}},
		},
	}
}

func sampleUserRecord() *User {
	return &User{
		ID: sampleUser, UserPrincipalName: "adele.vance@contoso.com", DisplayName: "Adele Vance", Mail: "adele.vance@contoso.com",
		AccountEnabled: Yes, UserType: "Member", UsageLocation: "DE", Department: "Vertrieb Süd", CompanyName: "Contoso GmbH",
		Country: "Germany", City: "München", OfficeLocation: "18/2111", EmployeeID: "004711", JobTitle: "Retail Manager",
		OnPremisesSyncEnabled: No, CreatedDateTime: "2021-09-01T08:30:00Z",
		AssignedLicenses: []AssignedLicense{{SKUID: skuE3}, {SKUID: skuE5, DisabledPlans: []string{planTeams}}},
		LicenseAssignmentStates: []AssignmentState{
			{SKUID: skuE3, State: "Active", Error: "None", LastUpdatedDateTime: "2026-01-02T03:04:05Z"},
			{
				SKUID: skuE5, AssignedByGroup: sampleGroup, DisabledPlans: []string{planTeams}, State: "ActiveWithError",
				Error: "DependencyViolation", LastUpdatedDateTime: "2026-02-03T04:05:06.1234567Z",
			},
		},
		AssignedPlans: []AssignedPlan{
			{ServicePlanID: planExchange, CapabilityStatus: "Enabled", Service: "exchange", AssignedDateTime: "2026-01-02T03:04:05Z"},
		},
	}
}

func sampleGroupRecord() *Group {
	return &Group{
		ID: sampleGroup, DisplayName: "Licences E5", Mail: "licences-e5@contoso.com", SecurityEnabled: Yes, MailEnabled: No,
		GroupTypes: []string{"DynamicMembership", "Unified"}, MembershipRule: `(user.department -eq "Vertrieb Süd")`,
		OnPremisesSyncEnabled: No, CreatedDateTime: "2022-01-01T00:00:00Z",
		AssignedLicenses:       []AssignedLicense{{SKUID: skuE5, DisabledPlans: []string{planTeams}}},
		LicenseProcessingState: ProcessingState{State: "ProcessingComplete"},
	}
}

func sampleSKURecord() *SKU {
	return &SKU{
		SKUID: skuE5, SKUPartNumber: "SPE_E5", AppliesTo: "User", CapabilityStatus: "Warning", ConsumedUnits: 262,
		PrepaidUnits: PrepaidUnits{Enabled: 250, Warning: 10, Suspended: 3, LockedOut: 1},
		ServicePlans: []ServicePlan{
			{ServicePlanID: planTeams, ServicePlanName: "TEAMS1", ProvisioningStatus: "Success", AppliesTo: "User"},
			{ServicePlanID: planExchange, ServicePlanName: "EXCHANGE_S_ENTERPRISE", ProvisioningStatus: "Success", AppliesTo: "User"},
		},
		SubscriptionIDs: []string{sampleSub},
	}
}

func sampleReportRecord() *Report {
	return &Report{
		Function: "getOffice365ActiveUserDetail", RefreshDate: "2026-03-12", Period: "180", Key: sampleKey,
		UserPrincipalName: "Adele.Vance@contoso.com", UserID: sampleUser, Concealed: false,
		Dates: Columns{
			{"Exchange Last Activity Date", jsontext.Value(`"2026-03-11"`)},
			{"Teams Last Activity Date", jsontext.Value("null")},
		},
		Counts:         Columns{{"Send Count", jsontext.Value("42")}, {"Storage Used (Byte)", jsontext.Value("9007199254740993")}},
		Flags:          Columns{{"Is Deleted", jsontext.Value("false")}, {"Has Exchange License", jsontext.Value("true")}},
		Texts:          Columns{{"Assigned Products", jsontext.Value(`"MICROSOFT 365 E5+POWER BI (FREE)"`)}, {"Display Name", jsontext.Value("null")}},
		UnknownColumns: Columns{{"Loop Last Activity Date", jsontext.Value(`"2026-03-01"`)}},
	}
}

func sampleRunRecord() *Run {
	return &Run{
		RunID: sampleRun, Connector: "contoso", Feed: "getOffice365ActiveUserDetail", Status: RunIncomplete, Baseline: true,
		Pages: 7, Entities: 6021, Published: 311, Unchanged: 5710, Deleted: 0, Events: 4, Rejected: 2, RefreshDate: "2026-03-12",
		ConcealedRows: 17, MissingColumns: []string{"Yammer Last Activity Date"}, NewColumns: []string{"Loop Last Activity Date"},
		MovedSKUs: []string{skuE5}, Permissions: []string{"Reports.Read.All", "User.Read.All"},
		StartedAt: "2026-03-14T06:00:00.000Z", FinishedAt: "2026-03-14T06:00:01.250Z", Notes: []string{"2 rows could not be read"},
		Error: &RunError{Code: "serviceUnavailable", Message: "the report broke off after 6021 rows", Remedy: "run again later"},
	}
}

// sampleDailyRecord is a row of a single day.
func sampleDailyRecord() *Report {
	return &Report{
		Function: "getOffice365ActiveUserDetail-daily", RefreshDate: "2026-03-12", Date: "2026-03-11", Period: "1", Key: sampleKey,
		UserPrincipalName: "Adele.Vance@contoso.com", Concealed: false,
		Dates: Columns{{"Exchange Last Activity Date", jsontext.Value(`"2026-03-11"`)}},
	}
}

func sampleSettingsRecord() *Run {
	return &Run{
		RunID: sampleRun, Connector: "contoso", Feed: FeedReportSettings, Status: RunComplete, DisplayConcealedNames: Yes,
		StartedAt: "2026-03-14T06:00:00.000Z", FinishedAt: "2026-03-14T06:00:01.250Z",
	}
}

func sampleDeletedRecord() *DeletedUser {
	return &DeletedUser{
		ID: sampleUser, UserPrincipalName: "1a2b3c4d5e6f40718293a4b5c6d7e8f9adele.vance@contoso.com", DisplayName: "Adele Vance",
		Mail: "adele.vance@contoso.com", AccountEnabled: No, UserType: "Member", Department: "Vertrieb Süd", CompanyName: "Contoso GmbH",
		CreatedDateTime: "2021-09-01T08:30:00Z", DeletedDateTime: "2026-03-10T09:10:11Z",
		AssignedLicenses: []AssignedLicense{{SKUID: skuE5, DisabledPlans: []string{planTeams}}},
	}
}

// sample is the first sample of a kind.
func sample(kind Kind) body { return samples()[string(kind)+".v1"] }

// kindOf is the kind of a golden file.
func kindOf(file string) Kind {
	kind, _, _ := strings.Cut(file, ".")
	return Kind(kind)
}

// sampleRecord is the record that carries a body.
func sampleRecord(kind Kind, b body, op Op) Record {
	r := Record{Subject: Subject{Tenant: sampleTenant, Kind: kind, Entity: b.Entity()}, Op: op, Run: sampleRun, Time: sampleTime}
	if kind == KindReport {
		r.Subject.Report = b.(*Report).Function
	}
	return r
}
