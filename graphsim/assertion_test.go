package graphsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// appCertificate makes a key and its certificate.
func appCertificate(t *testing.T) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func TestAssertions(t *testing.T) {
	t.Parallel()
	key, cert := appCertificate(t)
	stranger, _ := appCertificate(t)
	r := newRig(t, 20, func(c *Config) {
		c.Tenants[0].Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	})
	ti := r.Tenants()[0]
	thumb := sha256.Sum256(cert.Raw)
	endpoint := r.AuthorityURL() + "/" + ti.ID + "/oauth2/v2.0/token"
	for name, c := range map[string]struct {
		change func(*jwt.Token, *jwt.RegisteredClaims)
		key    *rsa.PrivateKey
		status int
	}{
		"good":           {func(*jwt.Token, *jwt.RegisteredClaims) {}, key, 200},
		"other key":      {func(*jwt.Token, *jwt.RegisteredClaims) {}, stranger, 401},
		"no thumbprint":  {func(t *jwt.Token, _ *jwt.RegisteredClaims) { delete(t.Header, "x5t#S256") }, key, 401},
		"other cert":     {func(t *jwt.Token, _ *jwt.RegisteredClaims) { t.Header["x5t#S256"] = "AAAA" }, key, 401},
		"other audience": {func(_ *jwt.Token, c *jwt.RegisteredClaims) { c.Audience = jwt.ClaimStrings{"x"} }, key, 401},
		"other subject":  {func(_ *jwt.Token, c *jwt.RegisteredClaims) { c.Subject = "x" }, key, 401},
		"expired": {func(_ *jwt.Token, c *jwt.RegisteredClaims) {
			c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Hour))
		}, key, 401},
		"federated": {func(_ *jwt.Token, c *jwt.RegisteredClaims) { c.Issuer = "https://oidc.example" }, stranger, 200},
	} {
		said := jwt.RegisteredClaims{Issuer: ti.ClientID, Subject: ti.ClientID, Audience: jwt.ClaimStrings{endpoint}, ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Minute))}
		tok := jwt.NewWithClaims(jwt.SigningMethodPS256, &said)
		tok.Header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(thumb[:])
		c.change(tok, &said)
		signed, err := tok.SignedString(c.key)
		if err != nil {
			t.Fatal(err)
		}
		status, body := r.token(ti.ID, url.Values{
			"grant_type": {"client_credentials"}, "client_id": {ti.ClientID}, "scope": {r.URL() + "/.default"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {signed},
		})
		if status != c.status {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	if _, err := New(Config{Tenants: []TenantConfig{{Domain: "a.example", Users: 10, Certificate: []byte("x")}}}); err == nil {
		t.Error("a malformed certificate is taken")
	}
}
