package schemas

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The directory records keep Microsoft Graph's own property names, so that what a
// subscriber reads is what the Graph reference describes. A property that Graph gave as
// null or did not give is left out. Members the project does not know stay in Unknown.

// User is seatstream.user.v1: https://learn.microsoft.com/graph/api/resources/user.
type User struct {
	ID                      string            `json:"id"`
	UserPrincipalName       string            `json:"userPrincipalName,omitzero"`
	DisplayName             string            `json:"displayName,omitzero"`
	Mail                    string            `json:"mail,omitzero"`
	AccountEnabled          Tristate          `json:"accountEnabled,omitzero"`
	UserType                string            `json:"userType,omitzero"`
	UsageLocation           string            `json:"usageLocation,omitzero"`
	Department              string            `json:"department,omitzero"`
	CompanyName             string            `json:"companyName,omitzero"`
	Country                 string            `json:"country,omitzero"`
	City                    string            `json:"city,omitzero"`
	OfficeLocation          string            `json:"officeLocation,omitzero"`
	EmployeeID              string            `json:"employeeId,omitzero"`
	JobTitle                string            `json:"jobTitle,omitzero"`
	OnPremisesSyncEnabled   Tristate          `json:"onPremisesSyncEnabled,omitzero"`
	CreatedDateTime         string            `json:"createdDateTime,omitzero"`
	AssignedLicenses        []AssignedLicense `json:"assignedLicenses,omitzero"`
	LicenseAssignmentStates []AssignmentState `json:"licenseAssignmentStates,omitzero"`
	AssignedPlans           []AssignedPlan    `json:"assignedPlans,omitzero"`
	Unknown                 jsontext.Value    `json:",embed"`
}

// AssignedLicense is one SKU a user or group holds, with the service plans switched off.
type AssignedLicense struct {
	SKUID         string         `json:"skuId"`
	DisabledPlans []string       `json:"disabledPlans,omitempty"`
	Unknown       jsontext.Value `json:",embed"`
}

// AssignmentState is one path by which a user holds a SKU. AssignedByGroup is empty for
// a direct assignment. State and Error are kept verbatim: Graph adds values.
// LastUpdatedDateTime is the last change of state, not the date of assignment.
type AssignmentState struct {
	SKUID               string         `json:"skuId"`
	AssignedByGroup     string         `json:"assignedByGroup,omitzero"`
	DisabledPlans       []string       `json:"disabledPlans,omitempty"`
	State               string         `json:"state,omitzero"`
	Error               string         `json:"error,omitzero"`
	LastUpdatedDateTime string         `json:"lastUpdatedDateTime,omitzero"`
	Unknown             jsontext.Value `json:",embed"`
}

// AssignedPlan is one service plan of a user. It is collected only where asked for: a
// holder of Microsoft 365 E5 has some sixty of them, ten times the rest of the record.
type AssignedPlan struct {
	ServicePlanID    string         `json:"servicePlanId"`
	CapabilityStatus string         `json:"capabilityStatus,omitzero"`
	Service          string         `json:"service,omitzero"`
	AssignedDateTime string         `json:"assignedDateTime,omitzero"`
	Unknown          jsontext.Value `json:",embed"`
}

// Normalize brings the record into its one form: GUIDs in lower case, sets sorted,
// annotations of the transport dropped. Graph gives sets in any order.
func (u *User) Normalize() {
	u.ID = GUID(u.ID)
	normalizeLicenses(u.AssignedLicenses)
	for i := range u.LicenseAssignmentStates {
		s := &u.LicenseAssignmentStates[i]
		s.SKUID, s.AssignedByGroup = GUID(s.SKUID), GUID(s.AssignedByGroup)
		normalizeGUIDs(s.DisabledPlans)
		s.Unknown = dropAnnotations(s.Unknown)
	}
	slices.SortFunc(u.LicenseAssignmentStates, compareStates)
	for i := range u.AssignedPlans {
		p := &u.AssignedPlans[i]
		p.ServicePlanID, p.Unknown = GUID(p.ServicePlanID), dropAnnotations(p.Unknown)
	}
	slices.SortFunc(u.AssignedPlans, comparePlans)
	u.Unknown = dropAnnotations(u.Unknown)
}

// Entity is the last token of the record's subject.
func (u *User) Entity() string { return u.ID }

// Group is seatstream.group.v1: https://learn.microsoft.com/graph/api/resources/group.
type Group struct {
	ID                     string            `json:"id"`
	DisplayName            string            `json:"displayName,omitzero"`
	Mail                   string            `json:"mail,omitzero"`
	SecurityEnabled        Tristate          `json:"securityEnabled,omitzero"`
	MailEnabled            Tristate          `json:"mailEnabled,omitzero"`
	GroupTypes             []string          `json:"groupTypes,omitempty"`
	MembershipRule         string            `json:"membershipRule,omitzero"`
	OnPremisesSyncEnabled  Tristate          `json:"onPremisesSyncEnabled,omitzero"`
	CreatedDateTime        string            `json:"createdDateTime,omitzero"`
	AssignedLicenses       []AssignedLicense `json:"assignedLicenses,omitempty"`
	LicenseProcessingState ProcessingState   `json:"licenseProcessingState,omitzero"`
	Unknown                jsontext.Value    `json:",embed"`
}

// ProcessingState says how far Microsoft 365 is with applying a group's licences.
type ProcessingState struct {
	State   string         `json:"state,omitzero"`
	Unknown jsontext.Value `json:",embed"`
}

// Normalize brings the record into its one form.
func (g *Group) Normalize() {
	g.ID = GUID(g.ID)
	normalizeLicenses(g.AssignedLicenses)
	slices.Sort(g.GroupTypes)
	g.LicenseProcessingState.Unknown = dropAnnotations(g.LicenseProcessingState.Unknown)
	g.Unknown = dropAnnotations(g.Unknown)
}

// Entity is the last token of the record's subject.
func (g *Group) Entity() string { return g.ID }

// Member is seatstream.member.v1: one direct member of a group that carries licences.
// Only direct members of a licensed group inherit its licences (Microsoft's
// documentation of group-based licensing).
type Member struct {
	GroupID  string         `json:"groupId"`
	MemberID string         `json:"memberId"`
	Type     string         `json:"memberType,omitzero"` // user, group, device, ...
	Unknown  jsontext.Value `json:",embed"`
}

// Entity is the last token of the record's subject.
func (m *Member) Entity() string { return m.GroupID + "_" + m.MemberID }

// Normalize brings the record into its one form.
func (m *Member) Normalize() {
	m.GroupID, m.MemberID = GUID(m.GroupID), GUID(m.MemberID)
	m.Type = strings.TrimPrefix(m.Type, "#microsoft.graph.")
	m.Unknown = dropAnnotations(m.Unknown)
}

// Organization is seatstream.organization.v1: the tenant itself.
type Organization struct {
	ID                string           `json:"id"`
	DisplayName       string           `json:"displayName,omitzero"`
	CountryLetterCode string           `json:"countryLetterCode,omitzero"`
	TenantType        string           `json:"tenantType,omitzero"`
	CreatedDateTime   string           `json:"createdDateTime,omitzero"`
	VerifiedDomains   []VerifiedDomain `json:"verifiedDomains,omitempty"`
	Unknown           jsontext.Value   `json:",embed"`
}

// VerifiedDomain is one DNS name of a tenant.
type VerifiedDomain struct {
	Name      string         `json:"name"`
	IsDefault bool           `json:"isDefault,omitzero"`
	IsInitial bool           `json:"isInitial,omitzero"`
	Type      string         `json:"type,omitzero"`
	Unknown   jsontext.Value `json:",embed"`
}

// Entity is the last token of the record's subject.
func (o *Organization) Entity() string { return o.ID }

// Normalize brings the record into its one form.
func (o *Organization) Normalize() {
	o.ID = GUID(o.ID)
	for i := range o.VerifiedDomains {
		o.VerifiedDomains[i].Unknown = dropAnnotations(o.VerifiedDomains[i].Unknown)
	}
	slices.SortFunc(o.VerifiedDomains, func(a, b VerifiedDomain) int { return strings.Compare(a.Name, b.Name) })
	o.Unknown = dropAnnotations(o.Unknown)
}

// DefaultDomain is the tenant's default DNS name, or its display name, or its id.
func (o *Organization) DefaultDomain() string {
	for _, d := range o.VerifiedDomains {
		if d.IsDefault {
			return d.Name
		}
	}
	return cmp.Or(o.DisplayName, o.ID)
}

func normalizeLicenses(ls []AssignedLicense) {
	for i := range ls {
		ls[i].SKUID = GUID(ls[i].SKUID)
		normalizeGUIDs(ls[i].DisabledPlans)
		ls[i].Unknown = dropAnnotations(ls[i].Unknown)
	}
	slices.SortFunc(ls, func(a, b AssignedLicense) int {
		if c := strings.Compare(a.SKUID, b.SKUID); c != 0 {
			return c
		}
		return cmp.Or(slices.Compare(a.DisabledPlans, b.DisabledPlans), bytes.Compare(a.Unknown, b.Unknown))
	})
}

// compareStates orders by everything that is encoded: were two entries that differ to
// tie, their order would be Graph's, which is any, and the bytes would change with it.
func compareStates(a, b AssignmentState) int {
	if c := cmp.Or(strings.Compare(a.SKUID, b.SKUID), strings.Compare(a.AssignedByGroup, b.AssignedByGroup)); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.State, b.State), strings.Compare(a.Error, b.Error),
		strings.Compare(a.LastUpdatedDateTime, b.LastUpdatedDateTime),
		slices.Compare(a.DisabledPlans, b.DisabledPlans), bytes.Compare(a.Unknown, b.Unknown))
}

// comparePlans orders by everything that is encoded, as compareStates does: a user has
// several entries of one plan.
func comparePlans(a, b AssignedPlan) int {
	if c := strings.Compare(a.ServicePlanID, b.ServicePlanID); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.AssignedDateTime, b.AssignedDateTime), strings.Compare(a.CapabilityStatus, b.CapabilityStatus),
		strings.Compare(a.Service, b.Service), bytes.Compare(a.Unknown, b.Unknown))
}

func normalizeGUIDs(ids []string) {
	for i := range ids {
		ids[i] = GUID(ids[i])
	}
	slices.Sort(ids)
}
