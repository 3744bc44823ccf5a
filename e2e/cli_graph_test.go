package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// graph asks the simulator what the product should have found, in a few lines of its own
// that share nothing with the product's client.
type graph struct {
	t      testing.TB
	url    string
	client *http.Client
	// Of one tenant: its directory id or domain, and its app.
	tenant, clientID, secret string
}

// newGraph trusts the simulator's certificate authority in a file.
func newGraph(t testing.TB, address, caFile string) *graph {
	t.Helper()
	pem, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &graph{t: t, url: address, client: &http.Client{Transport: transport}}
}

// of returns the same simulator for one tenant.
func (g *graph) of(tenant, clientID, secret string) *graph {
	one := *g
	one.tenant, one.clientID, one.secret = tenant, clientID, secret
	return &one
}

func (g *graph) do(method, address, token, contentType, body string, into any) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		g.t.Fatalf("%s %s: %s: %s", method, address, resp.Status, text)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			g.t.Fatalf("%s %s: %v in %.200s", method, address, err, text)
		}
	}
}

// control speaks to /_sim/.
func (g *graph) control(method, path string, body, into any) {
	g.t.Helper()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			g.t.Fatal(err)
		}
	}
	g.do(method, g.url+"/_sim/"+path, "", "application/json", b.String(), into)
}

// switches changes properties of a tenant and puts them back at the end of the test.
func (g *graph) switches(change map[string]any) {
	g.t.Helper()
	g.control(http.MethodPost, "tenants/"+g.tenant+"/switches", change, nil)
}

// list returns all entities of a collection, such as "users", with the members named.
func (g *graph) list(collection, members string) []map[string]any {
	g.t.Helper()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {g.clientID}, "client_secret": {g.secret}, "scope": {"https://graph.microsoft.com/.default"}}
	g.do(http.MethodPost, g.url+"/"+g.tenant+"/oauth2/v2.0/token", "", "application/x-www-form-urlencoded", form.Encode(), &token)
	var all []map[string]any
	next := g.url + "/v1.0/" + collection
	if members != "" {
		next += "?$select=" + members + "&$top=999"
	}
	for next != "" {
		var page struct {
			Value []map[string]any `json:"value"`
			Next  string           `json:"@odata.nextLink"`
		}
		g.do(http.MethodGet, next, token.AccessToken, "", "", &page)
		all, next = append(all, page.Value...), page.Next
	}
	return all
}

// simTenant is a tenant as "seatstream sim" names it.
type simTenant struct {
	domain, id, clientID, secret string
}

// simulator is "seatstream sim" in a process of its own.
type simulator struct {
	*proc
	graph   *graph
	ca      string
	tenants []simTenant
}

// startSim starts a simulator with tenants such as "contoso.onmicrosoft.com=60".
func startSim(t testing.TB, tenants ...string) *simulator {
	t.Helper()
	c := newCLI(t)
	args := []string{"sim", "--log-level", "error"}
	for _, s := range tenants {
		args = append(args, "--tenant", s)
	}
	s := &simulator{proc: c.start(args...)}
	address := s.line(`graph_url and authority_url: (\S+)\n`)[1]
	s.ca = s.line(`ca_file: (.+)\n`)[1]
	if !filepath.IsAbs(s.ca) {
		s.ca = filepath.Join(c.dir, s.ca)
	}
	for _, name := range tenants {
		domain, _, _ := strings.Cut(name, "=")
		m := s.line(`tenant ` + domain + `\s+(\S+)\s+\d+ users\s+client_id (\S+)\s+client_secret (\S+)\n`)
		s.tenants = append(s.tenants, simTenant{domain: domain, id: m[1], clientID: m[2], secret: m[3]})
	}
	s.graph = newGraph(t, address, s.ca)
	return s
}

// of speaks to the simulator about one of its tenants.
func (s *simulator) of(i int) *graph {
	n := s.tenants[i]
	return s.graph.of(n.id, n.clientID, n.secret)
}

// connector is the flags of "connector add" for a tenant, its secret in a variable.
func (s *simulator) connector(i int, name, secret string) []string {
	n := s.tenants[i]
	return []string{"connector", "add", name, "--tenant", n.domain, "--client-id", n.clientID, "--client-secret", secret,
		"--graph-url", s.graph.url, "--authority-url", s.graph.url, "--ca-file", s.ca}
}

// yaml is a tenant as a connector of a configuration file.
func (s *simulator) yaml(i int, name, secret string) string {
	n := s.tenants[i]
	return fmt.Sprintf("  - name: %s\n    tenant: %s\n    client_id: %s\n    client_secret: %s\n    graph_url: %s\n    authority_url: %s\n    ca_file: %s\n",
		name, n.domain, n.clientID, secret, s.graph.url, s.graph.url, s.ca)
}
