package graphsim

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenLife is how long an access token is valid (Microsoft docs: expires_in
// of the client credentials flow).
const tokenLife = 3599 * time.Second

// signingKey is shared by all servers of the process: an RSA key takes long to
// make, and a token names the server it is for.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

const signingKeyID = "graphsim-1"

type claims struct {
	jwt.RegisteredClaims
	AppID    string   `json:"appid"`
	TenantID string   `json:"tid"`
	Roles    []string `json:"roles,omitempty"`
	Kind     string   `json:"idtyp"`
	Version  string   `json:"ver"`
}

// serveToken answers the client credentials flow.
func (s *Server) serveToken(c *call, key string) {
	if c.r.Method != http.MethodPost {
		c.signInError(http.StatusMethodNotAllowed, "invalid_request", 900561, "The endpoint only accepts POST requests.")
		return
	}
	t := s.tenant(key)
	c.t = t
	if c.faulted() {
		return
	}
	if t == nil {
		if looksLikeGUID(key) || strings.Contains(key, ".") {
			c.signInError(400, "invalid_request", 90002, fmt.Sprintf("Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", key))
		} else {
			c.signInError(400, "invalid_request", 900023, fmt.Sprintf("Specified tenant identifier '%s' is neither a valid DNS name, nor a valid external domain.", key))
		}
		return
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, 1<<20)
	if err := c.r.ParseForm(); err != nil {
		c.signInError(400, "invalid_request", 900144, "The request body could not be read as a form.")
		return
	}
	if !s.checkForm(c, t) {
		return
	}
	signed, err := s.sign(t, time.Now())
	if err != nil {
		c.fail(500, "InternalServerError", err.Error())
		return
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.Header().Set("Cache-Control", "no-store, no-cache")
	life := int(tokenLife / time.Second)
	_ = json.NewEncoder(c.w).Encode(map[string]any{"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": signed})
}

// checkForm answers with the error of the first field that is wrong.
func (s *Server) checkForm(c *call, t *tenant) bool {
	form, sw := c.r.PostForm, t.current()
	for _, field := range []string{"grant_type", "client_id", "scope"} {
		if form.Get(field) == "" {
			c.signInError(400, "invalid_request", 900144, fmt.Sprintf("The request body must contain the following parameter: '%s'.", field))
			return false
		}
	}
	if form.Get("grant_type") != "client_credentials" {
		c.signInError(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '"+form.Get("grant_type")+"'.")
		return false
	}
	if app := form.Get("client_id"); !sw.AppKnown || !strings.EqualFold(app, t.info.ClientID) {
		c.signInError(400, "unauthorized_client", 700016, fmt.Sprintf("Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.", app, t.info.Name))
		return false
	}
	if !s.scopeKnown(form.Get("scope")) {
		c.signInError(400, "invalid_scope", 70011, fmt.Sprintf("The provided value for the input parameter 'scope' is not valid. The scope %s is not valid.", form.Get("scope")))
		return false
	}
	return s.checkCredential(c, t, sw)
}

// scopeKnown accepts the default scope of this server and of Graph in any cloud
// (Microsoft docs: national cloud deployments), with the OpenID scopes that client libraries add by habit.
func (s *Server) scopeKnown(scope string) bool {
	found := false
	for _, one := range strings.Fields(scope) {
		switch strings.TrimSuffix(strings.ReplaceAll(one, "//.default", "/.default"), "/.default") {
		case s.url, "https://graph.microsoft.com", "https://graph.microsoft.us", "https://dod-graph.microsoft.us", "https://microsoftgraph.chinacloudapi.cn":
			found = found || strings.HasSuffix(one, "/.default")
		case "openid", "profile", "offline_access":
		default:
			return false
		}
	}
	return found
}

// tenantKey is the tenant as the token endpoint's address names it.
func (c *call) tenantKey() string {
	key, _, _ := strings.Cut(strings.TrimPrefix(c.r.URL.Path, "/"), "/")
	return key
}

func (s *Server) checkCredential(c *call, t *tenant, sw Switches) bool {
	form := c.r.PostForm
	if assertion := form.Get("client_assertion"); assertion != "" {
		if s.checkAssertion(t, c.tenantKey(), assertion) != nil {
			c.signInError(401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application.")
			return false
		}
		return true
	}
	secret := form.Get("client_secret")
	switch {
	case secret == "":
		c.signInError(401, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case secret != t.info.ClientSecret || sw.Secret == "wrong":
		c.signInError(401, "invalid_client", 7000215, fmt.Sprintf("Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", t.info.ClientID))
	case sw.Secret == "expired":
		c.signInError(401, "invalid_client", 7000222, fmt.Sprintf("The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.", t.info.ClientID))
	default:
		return true
	}
	return false
}

// sign makes the access token of a tenant's app with the roles granted now.
func (s *Server) sign(t *tenant, now time.Time) (string, error) {
	key, err := signingKey()
	if err != nil {
		return "", fmt.Errorf("make signing key: %w", err)
	}
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: "https://sts.windows.net/" + t.info.ID + "/", Audience: jwt.ClaimStrings{s.url},
			Subject: guid(t.world.seed ^ saltApp + 1), ID: s.newID(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-5 * time.Minute)), ExpiresAt: jwt.NewNumericDate(now.Add(tokenLife)),
		},
		AppID: t.info.ClientID, TenantID: t.info.ID, Roles: t.current().Roles, Kind: "app", Version: "1.0",
	})
	tok.Header["kid"], tok.Header["x5t"] = signingKeyID, signingKeyID
	return tok.SignedString(key)
}

// serveOpenID answers the metadata that client libraries read first.
func (s *Server) serveOpenID(c *call, key string) {
	t := s.tenant(key)
	if t == nil {
		c.signInError(400, "invalid_tenant", 90002, fmt.Sprintf("Tenant '%s' not found.", key))
		return
	}
	c.t = t
	base := s.url + "/" + t.info.ID
	writeJSON(c.w, 200, map[string]any{
		"issuer": base + "/v2.0", "token_endpoint": base + "/oauth2/v2.0/token",
		"authorization_endpoint": base + "/oauth2/v2.0/authorize", "jwks_uri": base + "/discovery/v2.0/keys",
		"response_types_supported": []string{"code", "id_token"}, "subject_types_supported": []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "tenant_region_scope": "EU", "cloud_instance_name": "microsoftonline.com",
	})
}

// serveDiscovery answers instance discovery: this host is its own cloud.
func (s *Server) serveDiscovery(c *call) {
	host := strings.TrimPrefix(s.url, "https://")
	tenant := "common"
	if len(s.tenants) > 0 {
		tenant = s.tenants[0].info.ID
	}
	writeJSON(c.w, 200, map[string]any{
		"tenant_discovery_endpoint": s.url + "/" + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata":                  []any{map[string]any{"preferred_network": host, "preferred_cache": host, "aliases": []string{host}}},
	})
}

// serveKeys publishes the key that access tokens are signed with.
func (s *Server) serveKeys(c *call) {
	key, err := signingKey()
	if err != nil {
		c.fail(500, "InternalServerError", err.Error())
		return
	}
	enc := base64.RawURLEncoding.EncodeToString
	writeJSON(c.w, 200, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "kid": signingKeyID, "x5t": signingKeyID,
		"n": enc(key.N.Bytes()), "e": enc(big.NewInt(int64(key.E)).Bytes()),
	}}})
}
