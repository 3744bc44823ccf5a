package graph

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/graphsim"
)

// vaultStand is a vault over HTTPS that takes tokens of a simulated tenant.
type vaultStand struct {
	*httptest.Server
	challenge string
	tokens    []string
	answer    http.HandlerFunc
}

func (v *vaultStand) serve(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("Authorization")
	if token == "" {
		w.Header().Set("WWW-Authenticate", v.challenge)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	v.tokens = append(v.tokens, token)
	w.Header().Set("Content-Type", "application/json")
	v.answer(w, r)
}

// TestVault reads secrets from a stand-in of the vault, signed in at the simulator by the
// default chain, which takes the environment first.
func TestVault(t *testing.T) {
	sim, err := graphsim.New(graphsim.Config{Dir: t.TempDir(), Tenants: []graphsim.TenantConfig{{Domain: "contoso.onmicrosoft.com", Users: 20}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Run(ctx) }()
	defer func() { cancel(); <-done }()
	info := sim.Tenants()[0]
	stand := &vaultStand{challenge: fmt.Sprintf(`Bearer authorization="%s/%s", resource="%s"`, sim.URL(), info.ID, sim.URL())}
	stand.Server = httptest.NewTLSServer(http.HandlerFunc(stand.serve))
	defer stand.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(sim.CAPEM())
	roots.AddCert(stand.Certificate())
	pool := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer pool.CloseIdleConnections()
	for name, value := range map[string]string{
		"AZURE_TENANT_ID": info.ID, "AZURE_CLIENT_ID": info.ClientID, "AZURE_CLIENT_SECRET": info.ClientSecret,
		"AZURE_AUTHORITY_HOST": sim.URL(), "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
	} {
		t.Setenv(name, value)
	}
	v := NewVault()
	v.address = regexp.MustCompile(`^(https://127\.0\.0\.1:\d+)/secrets/([a-z-]+)(?:/([0-9a-f]{32}))?$`)
	v.network.Transport, v.foreign = pool, true

	values := []string{canarySecret, "rotated"}
	for _, want := range values { // read again each time
		stand.answer = func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/secrets/graph") {
				t.Errorf("asked for %s", r.URL)
			}
			fmt.Fprintf(w, `{"value":%q,"id":"x"}`, want)
		}
		if got, err := v.Secret(t.Context(), stand.URL+"/secrets/graph"); got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	for _, token := range stand.tokens {
		if !strings.HasPrefix(token, "Bearer ey") {
			t.Errorf("token %.10s", token)
		}
	}
	for status, kind := range map[int]Kind{403: Permission, 404: NotFound, 400: Unavailable} {
		stand.answer = answer(status, `{"error":{"code":"Forbidden","message":"`+canaryDescription+`"}}`)
		_, err := v.Secret(t.Context(), stand.URL+"/secrets/graph")
		if e := wantKind(t, err, kind); !strings.Contains(e.Message, "/secrets/graph") || status != 400 && e.Remedy == "" {
			t.Errorf("%d: %v", status, e)
		}
	}
	stand.answer = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, sim.URL()+"/elsewhere", http.StatusFound)
	}
	if _, err := v.Secret(t.Context(), stand.URL+"/secrets/graph"); err == nil {
		t.Error("a redirect is followed")
	}
	seen := len(stand.tokens)
	if _, err := NewVault().Secret(t.Context(), stand.URL+"/secrets/graph"); err == nil || len(stand.tokens) != seen {
		t.Errorf("a token goes to a foreign host: %v", err)
	}
	t.Setenv("AZURE_CLIENT_SECRET", "wrong-"+canarySecret)
	_, err = v.Secret(t.Context(), stand.URL+"/secrets/graph")
	if e := wantKind(t, err, SignIn); e.Remedy == "" {
		t.Error(e)
	}
}
