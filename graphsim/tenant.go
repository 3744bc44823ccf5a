package graphsim

import (
	"crypto/x509"
	"fmt"
	"strings"
	"sync"
)

// TenantConfig describes one simulated tenant.
type TenantConfig struct {
	// Domain is the initial domain, for example contoso.onmicrosoft.com. It
	// ends every user principal name.
	Domain string
	// Name is the organisation's display name; derived from Domain when empty.
	Name string
	// Seed decides everything about the tenant; 0 derives one from Domain.
	Seed uint64
	// Users is how many users the directory holds at day 0, 10 to 1,000,000.
	Users int
	// Secret is the value of the app's client secret; derived from Seed when
	// empty.
	Secret string
	// Certificate is registered with the app: PEM, without key. Where it is
	// set, a client assertion must be signed with it.
	Certificate []byte
}

// TenantInfo is what a connector needs to read a tenant.
type TenantInfo struct {
	ID           string `json:"id"` // directory id, lower-case GUID
	Domain       string `json:"domain"`
	Name         string `json:"name"`
	ClientID     string `json:"client_id"` // application id, GUID
	ClientSecret string `json:"client_secret"`
	Users        int    `json:"users"` // at day 0
}

// Switches are the properties of a tenant that can be changed while the
// simulator runs. Permissions changed here show in tokens issued from then on,
// as with a real consent.
type Switches struct {
	// ConcealNames hides names and ids in usage reports, as Microsoft's
	// default does. It is off at the start.
	ConcealNames bool `json:"conceal_names"`
	// Roles are the application permissions granted to the app.
	Roles []string `json:"roles"`
	// Secret is "ok", "expired" or "wrong".
	Secret string `json:"secret"`
	// AppKnown is false when the app is not in the tenant.
	AppKnown bool `json:"app_known"`
	// ReportLagDays is how old the newest usage data is.
	ReportLagDays int `json:"report_lag_days"`
	// Premium tells whether the tenant has Entra ID P1, which sign-in times
	// need.
	Premium bool `json:"premium"`
	// EnforceLimits turns on Microsoft's documented request budgets. It is off
	// at the start.
	EnforceLimits bool `json:"enforce_limits"`
}

// DefaultRoles are the application permissions a tenant grants at the start.
func DefaultRoles() []string {
	return []string{roleDirectory, roleGroup, roleReports, roleUser}
}

const (
	roleDirectory      = "Directory.Read.All"
	roleGroup          = "Group.Read.All"
	roleGroupMember    = "GroupMember.Read.All"
	roleReports        = "Reports.Read.All"
	roleUser           = "User.Read.All"
	roleOrganization   = "Organization.Read.All"
	roleAuditLog       = "AuditLog.Read.All"
	roleReportSettings = "ReportSettings.Read.All"
	roleLicences       = "LicenseAssignment.Read.All"
)

type tenant struct {
	info        TenantInfo
	world       *world
	certificate *x509.Certificate // registered with the app, nil for none

	mu       sync.Mutex
	switches Switches
	budget   budget
}

func newTenant(cfg TenantConfig, cal *calendar) (*tenant, error) {
	cfg.Domain = strings.ToLower(cfg.Domain)
	label, _, dotted := strings.Cut(cfg.Domain, ".")
	if !dotted || label == "" {
		return nil, fmt.Errorf("add tenant %q: domain must look like contoso.onmicrosoft.com", cfg.Domain)
	}
	if cfg.Users < 10 || cfg.Users > 1_000_000 {
		return nil, fmt.Errorf("add tenant %s: users must be 10 to 1000000, not %d", cfg.Domain, cfg.Users)
	}
	if cfg.Seed == 0 {
		for _, c := range cfg.Domain {
			cfg.Seed = mix(cfg.Seed ^ uint64(c))
		}
	}
	if cfg.Name == "" {
		cfg.Name = strings.ToUpper(label[:1]) + label[1:]
	}
	if cfg.Secret == "" {
		cfg.Secret = secretOf(cfg.Seed)
	}
	// The id depends on the domain too, so that tenants of one seed differ.
	h := cfg.Seed
	for _, c := range cfg.Domain {
		h = mix(h ^ uint64(c))
	}
	info := TenantInfo{ID: guid(h ^ saltTenant), Domain: cfg.Domain, Name: cfg.Name, ClientID: guid(h ^ saltApp), ClientSecret: cfg.Secret, Users: cfg.Users}
	cert, err := parseCertificate(cfg.Certificate)
	if err != nil {
		return nil, fmt.Errorf("add tenant %s: %w", cfg.Domain, err)
	}
	return &tenant{
		info:        info,
		world:       newWorld(cfg, info.ID, cal),
		certificate: cert,
		switches:    Switches{Roles: DefaultRoles(), Secret: "ok", AppKnown: true, ReportLagDays: 2, Premium: true},
	}, nil
}

// secretOf makes a value of the form Entra ID gives to client secrets: forty
// characters with a Q~ after the first six.
func secretOf(seed uint64) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	out := make([]byte, 40)
	h := seed ^ saltSecret
	for i := range out {
		h = mix(h)
		out[i] = letters[h%uint64(len(letters))]
	}
	copy(out[3:], "8Q~")
	return string(out)
}

func (t *tenant) is(key string) bool {
	return strings.EqualFold(key, t.info.ID) || strings.EqualFold(key, t.info.Domain)
}

// current is a copy of the switches.
func (t *tenant) current() Switches {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.switches
	out.Roles = append([]string(nil), out.Roles...)
	return out
}

// set changes the switches, or returns why it cannot.
func (t *tenant) set(change func(*Switches) error) error {
	next := t.current()
	if err := change(&next); err != nil {
		return err
	}
	switch next.Secret {
	case "ok", "expired", "wrong":
	default:
		return fmt.Errorf("set secret state %q: must be ok, expired or wrong", next.Secret)
	}
	if next.ReportLagDays < 0 || next.ReportLagDays > 28 {
		return fmt.Errorf("set report lag %d: must be 0 to 28 days", next.ReportLagDays)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.switches = next
	return nil
}

// Switch changes the switches of a tenant, named by domain or id.
func (s *Server) Switch(tenant string, change func(*Switches)) error {
	t := s.tenant(tenant)
	if t == nil {
		return fmt.Errorf("find tenant %q: not simulated", tenant)
	}
	return t.set(func(sw *Switches) error { change(sw); return nil })
}
