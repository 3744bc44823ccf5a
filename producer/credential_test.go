package producer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

func keep(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// encrypted is content as age makes it, armored or not.
func encrypted(t *testing.T, to age.Recipient, content []byte, text bool) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !text {
		return out.Bytes()
	}
	var armored bytes.Buffer
	a := armor.NewWriter(&armored)
	_, _ = a.Write(out.Bytes())
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return armored.Bytes()
}

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// certificate makes a certificate of an app with its key.
func certificate(t *testing.T) (public, private []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// TestSignInByEveryReference runs one tenant with its secret and its certificate behind
// every form of reference.
func TestSignInByEveryReference(t *testing.T) {
	n := teststack.StartNATS(t)
	public, private := certificate(t)
	sim, list := teststack.StartSim(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 1, Users: 12, Certificate: public})
	both := slices.Concat(private, public)
	secret := sim.Tenants()[0].ClientSecret
	id := identity(t)
	r := newRunner(t, n)
	r.Secrets = &producer.Secrets{AgeIdentity: keep(t, "age.key", []byte("# a comment\n"+id.String()+"\n"))}
	asked := ""
	r.Secrets.Vault = func(_ context.Context, address string) (string, error) {
		asked = address
		return secret, nil
	}
	t.Setenv("SEATSTREAM_TEST_PEM", string(both))
	t.Setenv("AZURE_FEDERATED_TOKEN_FILE", keep(t, "token", []byte("x.e30.y")))
	const vault = "https://contoso.vault.azure.net/secrets/graph"
	for name, set := range map[string]func(*producer.Connector){
		"age file": func(c *producer.Connector) {
			c.ClientSecret = producer.SecretRef("age:" + keep(t, "s.age", encrypted(t, id.Recipient(), []byte(secret+"\n"), false)))
		},
		"age armored file": func(c *producer.Connector) {
			c.ClientSecret = producer.SecretRef("age:" + keep(t, "s.age", encrypted(t, id.Recipient(), []byte(secret), true)))
		},
		"age text": func(c *producer.Connector) {
			c.ClientSecret = producer.SecretRef("age:\n" + string(encrypted(t, id.Recipient(), []byte(secret), true)))
		},
		"keyvault":        func(c *producer.Connector) { c.ClientSecret = "keyvault:" + vault },
		"certificate":     func(c *producer.Connector) { c.Certificate = producer.SecretRef("file:" + keep(t, "app.pem", both)) },
		"certificate env": func(c *producer.Connector) { c.Certificate = "env:SEATSTREAM_TEST_PEM" },
		"certificate age": func(c *producer.Connector) {
			c.Certificate = producer.SecretRef("age:" + keep(t, "app.age", encrypted(t, id.Recipient(), both, false)))
		},
	} {
		c := list[0]
		c.ClientSecret, c.Reports = "", []string{"getOffice365ActiveUserDetail"}
		set(&c)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if all, err := r.Run(t.Context(), c); err != nil || all.Status != schemas.RunComplete {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
	if asked != vault {
		t.Errorf("asked the vault for %q", asked)
	}
	c := list[0]
	c.ClientSecret, c.WorkloadIdentity = "", true
	// The simulator takes an assertion that is signed with the app's certificate: this one is not.
	if _, err := r.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "AADSTS700027") {
		t.Errorf("workload identity: %v", err)
	}
}

// TestSecretsThatCannotBeRead: the error names the place and the remedy, not the content.
func TestSecretsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	_, list := teststack.StartSim(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 1, Users: 12})
	const canary = "canary8Q~secret"
	id, other := identity(t), identity(t)
	keys := keep(t, "age.key", []byte(id.String()))
	whole := encrypted(t, id.Recipient(), []byte(canary), false)
	for name, tc := range map[string]struct {
		identity string
		ref      string
		want     []string
	}{
		"no identity":      {"", "age:" + keep(t, "s.age", whole), []string{"s.age", "SEATSTREAM_AGE_IDENTITY"}},
		"identity missing": {filepath.Join(t.TempDir(), "none.key"), "age:" + keep(t, "s.age", whole), []string{"age_identity", "none.key"}},
		"no identities":    {keep(t, "bad.key", []byte(canary)), "age:" + keep(t, "s.age", whole), []string{"bad.key", "age-keygen"}},
		"half an identity": {keep(t, "half.key", []byte(id.String()[:40])), "age:" + keep(t, "s.age", whole), []string{"half.key"}},
		"for others":       {keys, "age:" + keep(t, "s.age", encrypted(t, other.Recipient(), []byte(canary), true)), []string{"s.age", "age -r"}},
		"cut":              {keys, "age:" + keep(t, "s.age", whole[:len(whole)-3]), []string{"s.age", "damaged"}},
		"plain":            {keys, "age:" + keep(t, "s.age", []byte(canary)), []string{"s.age", "not age-encrypted"}},
		"missing":          {keys, "age:" + filepath.Join(t.TempDir(), "gone.age"), []string{"gone.age"}},
		"empty":            {keys, "age:" + keep(t, "s.age", encrypted(t, id.Recipient(), nil, false)), []string{"is empty"}},
		"vault":            {keys, "keyvault:https://contoso.vault.azure.net/secrets/graph", []string{"the vault is closed"}},
	} {
		c := list[0]
		c.ClientSecret = producer.SecretRef(tc.ref)
		r := newRunner(t, n)
		r.Secrets = &producer.Secrets{AgeIdentity: tc.identity, Vault: func(context.Context, string) (string, error) { return "", errors.New("the vault is closed") }}
		_, err := r.Run(t.Context(), c)
		if err == nil {
			t.Errorf("%s: runs", name)
			continue
		}
		for _, word := range append(tc.want, "client secret") {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: nothing of %q in %v", name, word, err)
			}
		}
		if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), id.String()[15:40]) {
			t.Errorf("%s: the error repeats a secret: %v", name, err)
		}
	}
}

// TestVaultAddresses: a token goes to vaults of Microsoft's only.
func TestVaultAddresses(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"https://contoso.vault.azure.net/secrets/graph": true, "https://Contoso-1.vault.usgovcloudapi.net/secrets/a/0123456789abcdef0123456789abcdef": true,
		"https://contoso.vault.azure.cn/secrets/a":     true,
		"http://contoso.vault.azure.net/secrets/graph": false, "https://contoso.vault.azure.net.evil.example/secrets/graph": false,
		"https://evil.example/.vault.azure.net/secrets/graph": false, "https://evil.example#.vault.azure.net/secrets/graph": false,
		"https://u@contoso.vault.azure.net/secrets/graph": false, "https://contoso.vault.azure.net:8443/secrets/graph": false,
		"https://contoso.vault.azure.net/secrets/graph?x=1": false, "https://contoso.vault.azure.net/keys/graph": false,
		"https://contoso.vault.azure.net/secrets/../keys": false, "https://a.b.vault.azure.net/secrets/graph": false,
		"https://contoso.vault.azure.net/secrets/graph\n": false, "https://vault.azure.net/secrets/graph": false, "": false,
		"https://contoso.vault.аzure.net/secrets/graph": false, // a letter of another script
	} {
		if err := producer.SecretRef("keyvault:" + address).Validate(); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestOneWayToSignIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set  func(*producer.Connector)
		want string // empty: valid
	}{
		"certificate": {func(c *producer.Connector) { c.ClientSecret, c.Certificate = "", "file:app.pem" }, ""},
		"pfx": {func(c *producer.Connector) {
			c.ClientSecret, c.Certificate, c.CertificatePassword = "", "file:app.pfx", "env:P"
		}, ""},
		"workload":         {func(c *producer.Connector) { c.ClientSecret, c.WorkloadIdentity = "", true }, ""},
		"managed":          {func(c *producer.Connector) { c.ClientSecret, c.ClientID, c.ManagedIdentity = "", "", "TRUE" }, ""},
		"managed by id":    {func(c *producer.Connector) { c.ManagedIdentity, c.ClientSecret, c.ClientID = c.ClientID, "", "" }, ""},
		"managed off":      {func(c *producer.Connector) { c.ManagedIdentity = "false" }, ""},
		"none":             {func(c *producer.Connector) { c.ClientSecret = "" }, "client_secret: missing"},
		"two":              {func(c *producer.Connector) { c.WorkloadIdentity = true }, "client_secret: given together with workload_identity: keep one"},
		"three":            {func(c *producer.Connector) { c.Certificate, c.ManagedIdentity = "file:a", "true" }, "certificate and managed_identity"},
		"literal":          {func(c *producer.Connector) { c.ClientSecret, c.Certificate = "", "hush" }, "certificate: not a reference"},
		"password alone":   {func(c *producer.Connector) { c.CertificatePassword = "env:P" }, "certificate_password: goes with certificate"},
		"managed word":     {func(c *producer.Connector) { c.ClientSecret, c.ClientID, c.ManagedIdentity = "", "", "hush" }, "managed_identity: neither true nor a client id"},
		"managed and app":  {func(c *producer.Connector) { c.ClientSecret, c.ManagedIdentity = "", "true" }, "client_id: a managed identity is no app registration"},
		"workload, no app": {func(c *producer.Connector) { c.ClientSecret, c.ClientID, c.WorkloadIdentity = "", "", true }, "client_id: not a GUID"},
	} {
		c := connector("contoso")
		tc.set(&c)
		c.Default()
		err := c.Validate()
		if (err == nil) != (tc.want == "") || err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
