package graphsim

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenCache remembers tokens whose signature has been checked: a listing of a
// large tenant sends the same one a thousand times.
type tokenCache struct {
	mu sync.Mutex
	m  map[string]*claims
}

const tokenCacheMost = 10_000

func (tc *tokenCache) get(raw string) *claims {
	tc.mu.Lock()
	defer tc.mu.Unlock()
	return tc.m[raw]
}

func (tc *tokenCache) put(raw string, cl *claims) {
	tc.mu.Lock()
	defer tc.mu.Unlock()
	if tc.m == nil || len(tc.m) >= tokenCacheMost {
		tc.m = map[string]*claims{}
	}
	tc.m[raw] = cl
}

// authenticate finds the tenant and the roles of the bearer token, or answers
// with the error.
func (s *Server) authenticate(c *call, reports bool) bool {
	raw, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok || raw == "" {
		if reports {
			c.fail(401, "MissingCredentials", "Valid Authorization header is needed.")
		} else {
			c.fail(401, "InvalidAuthenticationToken", "Access token is empty.")
		}
		return false
	}
	cl := s.tokens.get(raw)
	if cl == nil {
		cl = s.verify(raw)
		if cl == nil {
			c.fail(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid signature or audience.")
			return false
		}
		s.tokens.put(raw, cl)
	}
	if time.Now().After(cl.ExpiresAt.Time) {
		c.fail(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
		return false
	}
	if c.t = s.tenant(cl.TenantID); c.t == nil {
		c.fail(401, "InvalidAuthenticationToken", "The identity of the calling application could not be established.")
		return false
	}
	c.roles = cl.Roles
	return true
}

// verify checks everything about a token but its lifetime.
func (s *Server) verify(raw string) *claims {
	var cl claims
	_, err := jwt.ParseWithClaims(raw, &cl, func(*jwt.Token) (any, error) {
		key, err := signingKey()
		if err != nil {
			return nil, err
		}
		return &key.PublicKey, nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	if err != nil || cl.ExpiresAt == nil {
		return nil
	}
	for _, aud := range cl.Audience {
		if aud == s.url {
			return &cl
		}
	}
	return nil
}

// allow answers 403 unless the token has one of the roles.
func (c *call) allow(roles ...string) bool {
	if c.hasRole(roles...) {
		return true
	}
	c.fail(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	return false
}

// allowReports is allow with the error of the reporting service, which wraps
// its own JSON into the message.
func (c *call) allowReports(roles ...string) bool {
	if c.hasRole(roles...) {
		return true
	}
	c.fail(http.StatusForbidden, "UnknownError", `{"error":{"code":"S2SUnauthorized","message":"Invalid permission."}}`)
	return false
}

func (c *call) hasRole(roles ...string) bool {
	for _, have := range c.roles {
		for _, want := range roles {
			if strings.EqualFold(have, want) {
				return true
			}
		}
	}
	return false
}
