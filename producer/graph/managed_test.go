package graph

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// machine stands in for the network of an Azure machine.
type machine struct {
	mu   sync.Mutex
	seen []*http.Request
	do   func(*http.Request) (*http.Response, error)
}

func (m *machine) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, r)
	return m.do(r)
}

func managed(t *testing.T, id string, do func(*http.Request) (*http.Response, error)) (*machine, *Client) {
	t.Helper()
	m := &machine{do: do}
	c, err := newClient(Config{Tenant: "t", Credential: ManagedIdentity{ClientID: id}}, m)
	if err != nil {
		t.Fatal(err)
	}
	c.retry.base = time.Millisecond
	return m, c
}

func TestManagedIdentity(t *testing.T) {
	t.Parallel()
	// azidentity keeps these tokens for the whole process: each case has its own identity.
	token := "x." + base64.RawURLEncoding.EncodeToString([]byte(`{"roles":["User.Read.All"]}`)) + ".y"
	m, c := managed(t, "identity-1", func(*http.Request) (*http.Response, error) {
		return respond(200, http.Header{"Content-Type": {"application/json"}}, fmt.Sprintf(
			`{"access_token":"%s","expires_in":"3599","expires_on":"%d","resource":"https://graph.microsoft.com","token_type":"Bearer"}`, token, time.Now().Add(time.Hour).Unix())), nil
	})
	roles, err := c.Permissions(t.Context())
	if err != nil || !slices.Equal(roles, []string{"User.Read.All"}) {
		t.Fatalf("%v %v", roles, err)
	}
	r := m.seen[0]
	q := r.URL.Query()
	if r.URL.Host != "169.254.169.254" || r.Header.Get("Metadata") != "true" || q.Get("client_id") != "identity-1" || q.Get("resource") != "https://graph.microsoft.com" {
		t.Errorf("%s %v", r.URL, r.Header)
	}
	_, c = managed(t, "identity-2", func(*http.Request) (*http.Response, error) {
		return respond(400, http.Header{}, `{"error":"invalid_request","error_description":"`+canaryDescription+`"}`), nil
	})
	_, err = c.Permissions(t.Context())
	if e := wantKind(t, err, SignIn); !strings.Contains(e.Remedy, "assign") {
		t.Error(e)
	}
	m, c = managed(t, "identity-3", func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to " + canaryLink) })
	_, err = c.Permissions(t.Context())
	if e := wantKind(t, err, Network); !strings.Contains(e.Remedy, "Azure machines") || len(m.seen) != maxNetworkTries {
		t.Errorf("%v after %d requests", e, len(m.seen))
	}
}

// A managed identity's request goes to the machine and nowhere else; other credentials
// never go there.
func TestWhereCredentialsGo(t *testing.T) {
	t.Parallel()
	authority := origin{"login.microsoftonline.com", "443"}
	for link, want := range map[string][2]bool{ // authority, machine
		"https://login.microsoftonline.com/t/oauth2/v2.0/token":         {true, false},
		"http://login.microsoftonline.com/t/oauth2/v2.0/token":          {false, false},
		"http://169.254.169.254/metadata/identity/oauth2/token":         {false, true},
		"http://127.0.0.1:40342/metadata/identity/oauth2/token":         {false, true},
		"https://169.254.169.254/metadata":                              {false, false},
		"http://169.254.169.254:8080/metadata":                          {false, false},
		"http://user@169.254.169.254/metadata":                          {false, false},
		"http://169.254.169.254.evil.example/metadata":                  {false, false},
		"http://evil.example/metadata/identity/oauth2/token?x=169.254.": {false, false},
	} {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		x := &exchange{signer: &signer{hosts: []origin{authority}}}
		got := [2]bool{x.allows(u), (&exchange{signer: x.signer, local: true}).allows(u)}
		if got != want {
			t.Errorf("%s: %v", link, got)
		}
	}
}
