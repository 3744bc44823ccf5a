package graphsim

import (
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 thumbprint by definition (RFC 7515)
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// parseCertificate reads the certificate registered with a tenant's app; nil for none.
func parseCertificate(text []byte) (*x509.Certificate, error) {
	if len(text) == 0 {
		return nil, nil
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("read app certificate: not a PEM certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read app certificate: %w", err)
	}
	return cert, nil
}

// checkAssertion checks a client assertion. One that the app signed itself must have the
// form that Microsoft documents (certificate credentials) and be signed with the
// registered certificate, where one is registered. One of another issuer is a federated
// token: of that the form and the lifetime count.
func (s *Server) checkAssertion(t *tenant, tenantKey, assertion string) error {
	var said jwt.RegisteredClaims
	parsed, _, err := jwt.NewParser().ParseUnverified(assertion, &said)
	if err != nil {
		return err
	}
	if err := jwt.NewValidator().Validate(said); err != nil {
		return err
	}
	if !strings.EqualFold(said.Issuer, t.info.ClientID) {
		return nil
	}
	if said.Subject != said.Issuer || said.ExpiresAt == nil {
		return errors.New("subject or lifetime is missing")
	}
	endpoint := func(key string) string { return s.url + "/" + key + "/oauth2/v2.0/token" }
	if !slices.Contains(said.Audience, endpoint(tenantKey)) && !slices.Contains(said.Audience, endpoint(t.info.ID)) {
		return errors.New("the audience is not the token endpoint")
	}
	if parsed.Header["x5t"] == nil && parsed.Header["x5t#S256"] == nil {
		return errors.New("no thumbprint names the certificate")
	}
	if t.certificate == nil {
		return nil
	}
	return checkSignature(t.certificate, parsed.Header, assertion)
}

// thumbprintForm brings a thumbprint into the alphabet of RFC 7515: Microsoft's own
// libraries send the older one, and Entra ID takes both.
var thumbprintForm = strings.NewReplacer("+", "-", "/", "_", "=", "")

// checkSignature compares the thumbprint and verifies with the certificate's key.
func checkSignature(cert *x509.Certificate, header map[string]any, assertion string) error {
	one, two := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw) //nolint:gosec // as above
	enc := base64.RawURLEncoding
	for name, want := range map[string]string{"x5t": enc.EncodeToString(one[:]), "x5t#S256": enc.EncodeToString(two[:])} {
		if got, ok := header[name].(string); ok && thumbprintForm.Replace(got) != want {
			return errors.New("the thumbprint is another certificate's")
		}
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return errors.New("the registered certificate is not RSA")
	}
	_, err := jwt.Parse(assertion, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"RS256", "PS256"}))
	return err
}
