package consumer

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/seatstream/seatstream/schemas"
)

// userRows are the rows of user_changes.
type userRows struct {
	envelopes
	id                                                     []uuid.UUID
	upn, name, mail, employee                              []string
	userType, location, department, company, country, city []string
	office, title, unknown                                 []string
	enabled, synced                                        []*bool
	created                                                []*time.Time
	skus, pathSKUs, plans                                  [][]uuid.UUID
	skuDisabled, pathDisabled                              [][][]uuid.UUID
	pathGroups                                             [][]*uuid.UUID
	pathStates, pathErrors, planStates                     [][]string
	pathUpdated                                            [][]*time.Time
}

func (r *userRows) table() string { return "user_changes" }

func (r *userRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	k, err := parseKey(env)
	if err != nil {
		return err
	}
	var u schemas.User
	if err := schemas.Decode(body, &u); err != nil {
		return err
	}
	created, err := when("createdDateTime", u.CreatedDateTime)
	if err != nil {
		return err
	}
	skus, disabled, err := licenses(u.AssignedLicenses)
	if err != nil {
		return err
	}
	p, err := paths(u.LicenseAssignmentStates)
	if err != nil {
		return err
	}
	plans, states, err := assignedPlans(u.AssignedPlans)
	if err != nil {
		return err
	}
	r.envelopes.add(k.tenant, env, seq)
	r.id = append(r.id, k.entity)
	r.upn, r.name, r.mail = append(r.upn, u.UserPrincipalName), append(r.name, u.DisplayName), append(r.mail, u.Mail)
	r.enabled, r.synced = append(r.enabled, boolean(u.AccountEnabled)), append(r.synced, boolean(u.OnPremisesSyncEnabled))
	r.userType, r.location = append(r.userType, u.UserType), append(r.location, u.UsageLocation)
	r.department, r.company = append(r.department, u.Department), append(r.company, u.CompanyName)
	r.country, r.city, r.office = append(r.country, u.Country), append(r.city, u.City), append(r.office, u.OfficeLocation)
	r.employee, r.title = append(r.employee, u.EmployeeID), append(r.title, u.JobTitle)
	r.created = append(r.created, created)
	r.skus, r.skuDisabled = append(r.skus, skus), append(r.skuDisabled, disabled)
	r.pathSKUs, r.pathGroups = append(r.pathSKUs, p.skus), append(r.pathGroups, p.groups)
	r.pathStates, r.pathErrors = append(r.pathStates, p.states), append(r.pathErrors, p.errors)
	r.pathDisabled, r.pathUpdated = append(r.pathDisabled, p.disabled), append(r.pathUpdated, p.updated)
	r.plans, r.planStates = append(r.plans, plans), append(r.planStates, states)
	r.unknown = append(r.unknown, string(u.Unknown))
	return nil
}

func (r *userRows) columns() ([]string, []any) {
	return r.with([]string{
		"user_id", "user_principal_name", "display_name", "mail", "account_enabled", "user_type", "usage_location",
		"department", "company_name", "country", "city", "office_location", "employee_id", "job_title",
		"on_premises_sync_enabled", "created_at", "sku_ids", "sku_disabled_plans", "path_sku_ids", "path_groups",
		"path_states", "path_errors", "path_disabled_plans", "path_updated_at", "plan_ids", "plan_states", "unknown",
	}, []any{
		r.id, r.upn, r.name, r.mail, r.enabled, r.userType, r.location,
		r.department, r.company, r.country, r.city, r.office, r.employee, r.title,
		r.synced, r.created, r.skus, r.skuDisabled, r.pathSKUs, r.pathGroups,
		r.pathStates, r.pathErrors, r.pathDisabled, r.pathUpdated, r.plans, r.planStates, r.unknown,
	})
}

func licenses(ls []schemas.AssignedLicense) (skus []uuid.UUID, disabled [][]uuid.UUID, err error) {
	skus, disabled = make([]uuid.UUID, len(ls)), make([][]uuid.UUID, len(ls))
	for i, l := range ls {
		if skus[i], err = uuid.Parse(l.SKUID); err != nil {
			return nil, nil, fmt.Errorf("assignedLicenses[%d].skuId %q: %w", i, l.SKUID, err)
		}
		if disabled[i], err = guids("disabledPlans", l.DisabledPlans); err != nil {
			return nil, nil, err
		}
	}
	return skus, disabled, nil
}

type assignmentPaths struct {
	skus           []uuid.UUID
	groups         []*uuid.UUID
	states, errors []string
	disabled       [][]uuid.UUID
	updated        []*time.Time
}

func paths(states []schemas.AssignmentState) (assignmentPaths, error) {
	n := len(states)
	p := assignmentPaths{
		skus: make([]uuid.UUID, n), groups: make([]*uuid.UUID, n), states: make([]string, n),
		errors: make([]string, n), disabled: make([][]uuid.UUID, n), updated: make([]*time.Time, n),
	}
	for i, s := range states {
		var err error
		if p.skus[i], err = uuid.Parse(s.SKUID); err != nil {
			return p, fmt.Errorf("licenseAssignmentStates[%d].skuId %q: %w", i, s.SKUID, err)
		}
		if s.AssignedByGroup != "" {
			g, err := uuid.Parse(s.AssignedByGroup)
			if err != nil {
				return p, fmt.Errorf("licenseAssignmentStates[%d].assignedByGroup %q: %w", i, s.AssignedByGroup, err)
			}
			p.groups[i] = &g
		}
		p.states[i], p.errors[i] = s.State, s.Error
		if p.disabled[i], err = guids("licenseAssignmentStates.disabledPlans", s.DisabledPlans); err != nil {
			return p, err
		}
		if p.updated[i], err = when("licenseAssignmentStates.lastUpdatedDateTime", s.LastUpdatedDateTime); err != nil {
			return p, err
		}
	}
	return p, nil
}

func assignedPlans(ps []schemas.AssignedPlan) (ids []uuid.UUID, states []string, err error) {
	ids, states = make([]uuid.UUID, len(ps)), make([]string, len(ps))
	for i, p := range ps {
		if ids[i], err = uuid.Parse(p.ServicePlanID); err != nil {
			return nil, nil, fmt.Errorf("assignedPlans[%d].servicePlanId %q: %w", i, p.ServicePlanID, err)
		}
		states[i] = p.CapabilityStatus
	}
	return ids, states, nil
}

// groupRows are the rows of group_changes.
type groupRows struct {
	envelopes
	id                                    []uuid.UUID
	name, mail, rule, processing, unknown []string
	security, mailEnabled, synced         []*bool
	types                                 [][]string
	created                               []*time.Time
	skus                                  [][]uuid.UUID
	skuDisabled                           [][][]uuid.UUID
}

func (r *groupRows) table() string { return "group_changes" }

func (r *groupRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	k, err := parseKey(env)
	if err != nil {
		return err
	}
	var g schemas.Group
	if err := schemas.Decode(body, &g); err != nil {
		return err
	}
	created, err := when("createdDateTime", g.CreatedDateTime)
	if err != nil {
		return err
	}
	skus, disabled, err := licenses(g.AssignedLicenses)
	if err != nil {
		return err
	}
	r.envelopes.add(k.tenant, env, seq)
	r.id = append(r.id, k.entity)
	r.name, r.mail, r.rule = append(r.name, g.DisplayName), append(r.mail, g.Mail), append(r.rule, g.MembershipRule)
	r.security, r.mailEnabled = append(r.security, boolean(g.SecurityEnabled)), append(r.mailEnabled, boolean(g.MailEnabled))
	r.synced = append(r.synced, boolean(g.OnPremisesSyncEnabled))
	r.types = append(r.types, g.GroupTypes)
	r.created = append(r.created, created)
	r.skus, r.skuDisabled = append(r.skus, skus), append(r.skuDisabled, disabled)
	r.processing = append(r.processing, g.LicenseProcessingState.State)
	r.unknown = append(r.unknown, string(g.Unknown))
	return nil
}

func (r *groupRows) columns() ([]string, []any) {
	return r.with([]string{
		"group_id", "display_name", "mail", "security_enabled", "mail_enabled", "group_types", "membership_rule",
		"on_premises_sync_enabled", "created_at", "sku_ids", "sku_disabled_plans", "license_processing_state", "unknown",
	}, []any{
		r.id, r.name, r.mail, r.security, r.mailEnabled, r.types, r.rule,
		r.synced, r.created, r.skus, r.skuDisabled, r.processing, r.unknown,
	})
}

// memberRows are the rows of member_changes.
type memberRows struct {
	envelopes
	group, member []uuid.UUID
	kind, unknown []string
}

func (r *memberRows) table() string { return "member_changes" }

func (r *memberRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	tenant, group, member, err := parsePair(env)
	if err != nil {
		return err
	}
	var m schemas.Member
	if err := schemas.Decode(body, &m); err != nil {
		return err
	}
	r.envelopes.add(tenant, env, seq)
	r.group, r.member = append(r.group, group), append(r.member, member)
	r.kind, r.unknown = append(r.kind, m.Type), append(r.unknown, string(m.Unknown))
	return nil
}

func (r *memberRows) columns() ([]string, []any) {
	return r.with([]string{"group_id", "member_id", "member_type", "unknown"}, []any{r.group, r.member, r.kind, r.unknown})
}

// organizationRows are the rows of organization_changes.
type organizationRows struct {
	envelopes
	name, domain, country, tenantType, unknown []string
	domains                                    [][]string
	created                                    []*time.Time
}

func (r *organizationRows) table() string { return "organization_changes" }

func (r *organizationRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	k, err := parseKey(env)
	if err != nil {
		return err
	}
	var o schemas.Organization
	if err := schemas.Decode(body, &o); err != nil {
		return err
	}
	created, err := when("createdDateTime", o.CreatedDateTime)
	if err != nil {
		return err
	}
	domains := make([]string, len(o.VerifiedDomains))
	for i, d := range o.VerifiedDomains {
		domains[i] = d.Name
	}
	r.envelopes.add(k.tenant, env, seq)
	r.name, r.domain, r.domains = append(r.name, o.DisplayName), append(r.domain, o.DefaultDomain()), append(r.domains, domains)
	r.country, r.tenantType = append(r.country, o.CountryLetterCode), append(r.tenantType, o.TenantType)
	r.created, r.unknown = append(r.created, created), append(r.unknown, string(o.Unknown))
	return nil
}

func (r *organizationRows) columns() ([]string, []any) {
	return r.with(
		[]string{"display_name", "default_domain", "domains", "country_letter_code", "tenant_type", "created_at", "unknown"},
		[]any{r.name, r.domain, r.domains, r.country, r.tenantType, r.created, r.unknown})
}
