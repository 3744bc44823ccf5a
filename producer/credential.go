package producer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// systemAssigned is the managed_identity of the machine itself; a user-assigned one is
// named by its client id.
const systemAssigned = "true"

// signIns names the ways to sign in that are given.
func (c *Connector) signIns() (given []string) {
	for _, way := range []struct {
		key string
		on  bool
	}{
		{"client_secret", c.ClientSecret != ""}, {"certificate", c.Certificate != ""},
		{"workload_identity", c.WorkloadIdentity}, {"managed_identity", c.ManagedIdentity != ""},
	} {
		if way.on {
			given = append(given, way.key)
		}
	}
	return given
}

// validateSignIn reports what is wrong with how the app proves who it is.
func (c *Connector) validateSignIn() (errs []error) {
	bad := func(field string, err error) {
		errs = append(errs, fmt.Errorf("connector %q: %s: %w", c.Name, field, err))
	}
	given := c.signIns()
	switch len(given) {
	case 0:
		bad("client_secret", fmt.Errorf("%w; or sign in by certificate, workload_identity: true or managed_identity: true", SecretRef("").Validate()))
	case 1:
	default:
		bad(given[0], fmt.Errorf("given together with %s: keep one way to sign in", strings.Join(given[1:], " and ")))
	}
	for _, ref := range []struct {
		field string
		ref   SecretRef
	}{{"client_secret", c.ClientSecret}, {"certificate", c.Certificate}, {"certificate_password", c.CertificatePassword}} {
		if ref.ref == "" {
			continue
		}
		if err := ref.ref.Validate(); err != nil {
			bad(ref.field, err)
		}
	}
	if c.CertificatePassword != "" && c.Certificate == "" {
		bad("certificate_password", errors.New("goes with certificate: name the PFX it opens"))
	}
	if id := c.ManagedIdentity; id != "" && id != systemAssigned && !schemas.IsGUID(id) {
		bad("managed_identity", errors.New("neither true nor a client id: write true for the machine's own identity, or the client id of a user-assigned one"))
	}
	if c.ManagedIdentity == "" && !schemas.IsGUID(c.ClientID) {
		// Not repeated: it may be a secret pasted in the wrong place.
		bad("client_id", errors.New("not a GUID: give the Application (client) ID of the app registration"))
	} else if c.ManagedIdentity != "" && c.ClientID != "" {
		bad("client_id", errors.New("a managed identity is no app registration: leave client_id out, and write a user-assigned identity's client id into managed_identity"))
	}
	return errs
}

// credential fills in how a client signs in. Secrets are read later, at every sign-in.
func (c *Connector) credential(s *Secrets, cfg *graph.Config) {
	switch {
	case c.Certificate != "":
		cert := graph.Certificate{Read: func() ([]byte, error) { return s.read("certificate", c.Certificate) }}
		cert.File = "the certificate"
		if path, _, ok := c.Certificate.Path(); ok {
			cert.File = path
		}
		if c.CertificatePassword != "" {
			cert.Password = func() (string, error) { return s.text("certificate password", c.CertificatePassword) }
		}
		cfg.Credential = cert
	case c.WorkloadIdentity:
		cfg.Credential = graph.WorkloadIdentity{}
	case c.ManagedIdentity == systemAssigned:
		cfg.Credential = graph.ManagedIdentity{}
	case c.ManagedIdentity != "":
		cfg.ClientID = c.ManagedIdentity // it is the app that Graph's limits are counted for
		cfg.Credential = graph.ManagedIdentity{ClientID: c.ManagedIdentity}
	default:
		cfg.Secret = func() (string, error) { return s.text("client secret", c.ClientSecret) }
	}
}
