package graph

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/graphsim"
)

// pair is a key with its certificate, as PEM.
type pair struct{ cert, key []byte }

func newPair(t *testing.T, from, until time.Time) pair {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}
}

func goodPair(t *testing.T) pair {
	return newPair(t, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
}

func file(t *testing.T, parts ...[]byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "app.pem")
	if err := os.WriteFile(name, slices.Concat(parts...), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// signedIn signs in to a simulator, and returns the error.
func signedIn(t *testing.T, p *inProcess, cred Credential) error {
	t.Helper()
	info := p.Tenants()[0]
	c, err := newClient(Config{
		Tenant: info.ID, ClientID: info.ClientID, Credential: cred, GraphURL: p.URL(), AuthorityURL: p.AuthorityURL(),
	}, p)
	if err != nil {
		t.Fatal(err)
	}
	roles, err := c.Permissions(t.Context())
	if err == nil && len(roles) == 0 {
		t.Error("no permissions")
	}
	return err
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	good, other := goodPair(t), goodPair(t)
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 20, Certificate: good.cert})
	for name, cred := range map[string]Certificate{
		"certificate first": {File: file(t, good.cert, good.key)},
		"key first":         {File: file(t, good.key, good.cert)},
		"in a chain":        {File: file(t, other.cert, good.key, good.cert), SendChain: true},
		"with text around":  {File: file(t, []byte("Bag Attributes\n"), good.key, []byte("\nsubject=app\n"), good.cert)},
	} {
		if err := signedIn(t, p, cred); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := wantKind(t, signedIn(t, p, Certificate{File: file(t, other.cert, other.key)}), SignIn)
	if e.Code != "AADSTS700027" || !strings.Contains(e.Remedy, "Certificates") {
		t.Errorf("a certificate that is not registered: %+v", e)
	}
}

func TestRotatedCertificate(t *testing.T) {
	t.Parallel()
	good, other := goodPair(t), goodPair(t)
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 20, Certificate: good.cert})
	name := file(t, other.cert, other.key)
	info := p.Tenants()[0]
	c, err := newClient(Config{
		Tenant: info.ID, ClientID: info.ClientID, Credential: Certificate{File: name}, GraphURL: p.URL(), AuthorityURL: p.AuthorityURL(),
	}, p)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Permissions(t.Context())
	wantKind(t, err, SignIn)
	if err := os.WriteFile(name, append(good.cert, good.key...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Permissions(t.Context()); err != nil {
		t.Errorf("the new certificate is not read: %v", err)
	}
}

func TestPFX(t *testing.T) {
	t.Parallel()
	word := func(s string) func() (string, error) { return func() (string, error) { return s, nil } }
	certs, key, err := Certificate{File: "testdata/app.pfx", Password: word("testpassword")}.load(time.Now())
	if err != nil || len(certs) != 1 {
		t.Fatal(err)
	}
	p := inside(t, graphsim.TenantConfig{
		Domain: "contoso.onmicrosoft.com", Users: 20,
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certs[0].Raw}),
	})
	if err := signedIn(t, p, Certificate{File: "testdata/app.pfx", Password: word("testpassword")}); err != nil {
		t.Error(err)
	}
	if key.Size() != 256 {
		t.Errorf("key of %d bytes", key.Size())
	}
	for name, cred := range map[string]Certificate{
		"wrong password": {File: "testdata/app.pfx", Password: word("canary8Q~secret")},
		"no password":    {File: "testdata/app.pfx"},
		"aes":            {File: "testdata/app-aes.pfx", Password: word("testpassword")},
		"no file of it":  {File: "credential_test.go", Password: word(canarySecret)},
	} {
		e := wantKind(t, signedIn(t, p, cred), SignIn)
		if !strings.Contains(e.Message, "password") || !strings.Contains(e.Remedy, "openssl") {
			t.Errorf("%s: %v", name, e)
		}
	}
	err = signedIn(t, p, Certificate{File: "testdata/app.pfx", Password: func() (string, error) { return "", errors.New("vault is shut") }})
	if e := wantKind(t, err, SignIn); !strings.Contains(e.Error(), "vault is shut") {
		t.Error(e)
	}
}

func TestCertificateErrors(t *testing.T) {
	t.Parallel()
	good, other := goodPair(t), goodPair(t)
	now := time.Now()
	old := newPair(t, now.Add(-time.Hour), time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC))
	late := newPair(t, time.Date(2199, 5, 6, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, body []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: body}) }
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 20})
	for want, name := range map[string]string{
		"no such file":                        filepath.Join(t.TempDir(), "nowhere.pem"),
		"holds no private key":                file(t, good.cert),
		"holds no certificate":                file(t, good.key),
		"belongs to none of its certificates": file(t, good.cert, other.key),
		"several private keys":                file(t, good.cert, good.key, other.key),
		"expired on 2024-05-06":               file(t, old.cert, old.key),
		"not valid before 2199-05-06":         file(t, late.cert, late.key),
		"holds an encrypted key":              file(t, good.cert, block("ENCRYPTED PRIVATE KEY", []byte("x"))),
		"holds a malformed private key":       file(t, good.cert, block("PRIVATE KEY", []byte("x"))),
		"holds a malformed certificate":       file(t, block("CERTIFICATE", []byte("x")), good.key),
		"not RSA":                             file(t, good.cert, block("EC PRIVATE KEY", der)),
		"neither PEM nor a PFX":               file(t, []byte("hello")),
	} {
		e := wantKind(t, signedIn(t, p, Certificate{File: name}), SignIn)
		if !strings.Contains(e.Error(), want) || !strings.Contains(e.Error(), name) {
			t.Errorf("want %q: %v", want, e)
		}
		if bytes.Contains([]byte(e.Error()), []byte("PRIVATE KEY")) {
			t.Errorf("quotes the file: %v", e)
		}
	}
	if len(p.Requests()) > 0 {
		t.Errorf("requests were made: %v", p.Requests())
	}
}

// assertionOf is a token as another identity provider would sign it.
func assertionOf(subject string) string {
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(`{"alg":"RS256","kid":"1"}`)) + "." +
		enc.EncodeToString(fmt.Appendf(nil, `{"iss":"https://oidc.example","sub":"%s","aud":"api://AzureADTokenExchange","exp":%d}`, subject, time.Now().Add(time.Hour).Unix())) +
		"." + enc.EncodeToString([]byte("signature"))
}

func TestWorkloadIdentity(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 20})
	if err := signedIn(t, p, WorkloadIdentity{TokenFile: file(t, []byte(assertionOf("a")))}); err != nil {
		t.Error(err)
	}
	for want, name := range map[string]string{"no such file": "/nowhere/token", "is empty": file(t, []byte(" \n")), "AZURE_FEDERATED_TOKEN_FILE": ""} {
		if e := wantKind(t, signedIn(t, p, WorkloadIdentity{TokenFile: name}), SignIn); !strings.Contains(e.Error(), want) {
			t.Errorf("want %q: %v", want, e)
		}
	}
	if e := wantKind(t, signedIn(t, p, WorkloadIdentity{TokenFile: file(t, []byte("garbage"))}), SignIn); e.Remedy == "" {
		t.Error(e)
	}
}

// The token in the file is replaced every hour: each sign-in reads it again.
func TestRotatedFederatedToken(t *testing.T) {
	t.Parallel()
	f := newFake(t, answer(200, `{"value":[]}`))
	var seen []string
	f.signIn = func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.PostForm.Get("client_assertion"))
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":"%s"}`, f.jwt(len(seen)))
	}
	cfg := f.config()
	name := file(t, []byte("one"))
	cfg.Secret, cfg.Credential = nil, WorkloadIdentity{TokenFile: name}
	c := f.clientOf(cfg)
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(name, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Permissions(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(seen, []string{"one", "two"}) {
		t.Errorf("assertions %v", seen)
	}
}

func TestFederatedErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{70021: "fits", 700211: "issuer", 700212: "audience", 700213: "subject", 70025: "no federated", 700024: "time", 700027: "certificate"} {
		f := newFake(t, nil)
		f.signIn = answer(400, fmt.Sprintf(`{"error":"invalid_client","error_description":"%s","error_codes":[%d]}`, canaryDescription, code))
		cfg := f.config()
		cfg.Secret, cfg.Credential = nil, WorkloadIdentity{TokenFile: file(t, []byte("x"))}
		_, err := f.clientOf(cfg).Permissions(t.Context())
		if e := wantKind(t, err, SignIn); !strings.Contains(e.Message, want) || e.Remedy == "" || e.Code != fmt.Sprint("AADSTS", code) {
			t.Errorf("%d: %+v", code, e)
		}
	}
}

func TestCredentialsOfAConfig(t *testing.T) {
	t.Parallel()
	secret := func() (string, error) { return canarySecret, nil }
	for name, test := range map[string]struct {
		cfg Config
		ok  bool
	}{
		"secret":            {Config{Tenant: "t", ClientID: "c", Secret: secret}, true},
		"certificate":       {Config{Tenant: "t", ClientID: "c", Credential: Certificate{}}, true},
		"managed":           {Config{Tenant: "t", Credential: ManagedIdentity{}}, true},
		"nothing":           {Config{Tenant: "t", ClientID: "c"}, false},
		"both":              {Config{Tenant: "t", ClientID: "c", Secret: secret, Credential: Certificate{}}, false},
		"no client":         {Config{Tenant: "t", Credential: WorkloadIdentity{}}, false},
		"no tenant":         {Config{Credential: ManagedIdentity{}}, false},
		"secret, no client": {Config{Tenant: "t", Secret: secret}, false},
	} {
		c, err := New(test.cfg)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
		if c != nil && err == nil {
			c.Close()
		}
	}
}
