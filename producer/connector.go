// Package producer reads Microsoft 365 tenants through Microsoft Graph and publishes
// what changed to JetStream, with the evidence of every run.
package producer

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/seatstream/seatstream/schemas"
)

// Connector says how one tenant is reached and when it is read. It holds no secret,
// only where one is found.
type Connector struct {
	Name         string    `koanf:"name" json:"name"`
	Tenant       string    `koanf:"tenant" json:"tenant"` // DNS name or directory id
	ClientID     string    `koanf:"client_id" json:"client_id"`
	ClientSecret SecretRef `koanf:"client_secret" json:"client_secret"`
	// In place of the secret, one of these:
	Certificate         SecretRef `koanf:"certificate" json:"certificate,omitzero"` // PEM with its key, or PFX
	CertificatePassword SecretRef `koanf:"certificate_password" json:"certificate_password,omitzero"`
	WorkloadIdentity    bool      `koanf:"workload_identity" json:"workload_identity,omitzero"`
	ManagedIdentity     string    `koanf:"managed_identity" json:"managed_identity,omitzero"` // true, or a client id

	Cloud        string    `koanf:"cloud" json:"cloud,omitempty"`       // global usgov dod china
	Endpoint     string    `koanf:"endpoint" json:"endpoint,omitempty"` // which producers may run it
	Schedule     Schedule  `koanf:"schedule" json:"schedule"`
	Reports      []string  `koanf:"reports" json:"reports,omitempty"` // report functions; none: those the shipped queries use
	GraphURL     string    `koanf:"graph_url" json:"graph_url,omitempty"`
	AuthorityURL string    `koanf:"authority_url" json:"authority_url,omitempty"`
	CAFile       string    `koanf:"ca_file" json:"ca_file,omitempty"`
	Paused       bool      `koanf:"-" json:"paused,omitzero"` // set by connector pause
	CreatedAt    time.Time `koanf:"-" json:"created_at"`
}

// DefaultEndpoint is the endpoint of connectors and producers that name none.
const DefaultEndpoint = "default"

// Clouds are the Microsoft clouds a connector can name.
var Clouds = []string{"global", "usgov", "dod", "china"}

var (
	connectorName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	domainName    = regexp.MustCompile(`^(?i:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
)

// Default fills in what a connector may leave out.
func (c *Connector) Default() {
	c.Tenant, c.ClientID = strings.TrimSpace(c.Tenant), schemas.GUID(c.ClientID)
	c.ManagedIdentity = schemas.GUID(c.ManagedIdentity)
	if c.ManagedIdentity == "false" {
		c.ManagedIdentity = ""
	}
	if c.Cloud == "" {
		c.Cloud = Clouds[0]
	}
	if c.Endpoint == "" {
		c.Endpoint = DefaultEndpoint
	}
	c.Schedule.Default()
}

// Validate reports every field that cannot work, each with its remedy.
func (c *Connector) Validate() error {
	var errs []error
	bad := func(field, value, remedy string) {
		errs = append(errs, fmt.Errorf("connector %q: %s %q: %s", c.Name, field, value, remedy))
	}
	if !connectorName.MatchString(c.Name) {
		bad("name", c.Name, "use lower-case letters, digits, - and _, beginning with a letter or digit")
	}
	if !domainName.MatchString(c.Tenant) && !schemas.IsGUID(schemas.GUID(c.Tenant)) {
		bad("tenant", plain(c.Tenant), "give the tenant's domain (contoso.onmicrosoft.com) or its directory id, shown in the Entra admin centre under Overview")
	}
	errs = append(errs, c.validateSignIn()...)
	if !slices.Contains(Clouds, c.Cloud) {
		bad("cloud", c.Cloud, "one of "+strings.Join(Clouds, ", "))
	}
	if !schemas.IsToken(c.Endpoint) {
		bad("endpoint", c.Endpoint, "use letters, digits, - and _")
	}
	if err := c.Schedule.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("connector %q: schedule: %w", c.Name, err))
	}
	for _, f := range c.Reports {
		if _, err := schemas.ReportNamed(f); err != nil {
			errs = append(errs, fmt.Errorf("connector %q: reports: %w", c.Name, err))
		}
	}
	for _, f := range []struct{ field, value string }{{"graph_url", c.GraphURL}, {"authority_url", c.AuthorityURL}} {
		if u, err := url.Parse(f.value); f.value != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil) {
			bad(f.field, f.value, "an https address such as https://graph.example.net")
		}
	}
	return errors.Join(errs...)
}

// plain is text as it may be repeated: secrets have characters that names have not, and
// people paste them into the wrong place.
func plain(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".- ", r)
	}) {
		return "(not repeated)"
	}
	return text
}

// ReportSpecs returns the catalogue entries of the reports the connector reads.
func (c *Connector) ReportSpecs() ([]*schemas.ReportSpec, error) {
	var specs []*schemas.ReportSpec
	all := schemas.Reports()
	for i := range all {
		if all[i].Default && len(c.Reports) == 0 {
			specs = append(specs, &all[i])
		}
	}
	for _, f := range c.Reports {
		spec, err := schemas.ReportNamed(f)
		if err != nil {
			return nil, err
		}
		specs = append(specs, spec)
	}
	return specs, nil
}
