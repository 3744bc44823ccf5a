package dashboard

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seatstream/seatstream/internal/answer"
)

// Role is what somebody may do; each may also do what those before may.
type Role int

// The roles.
const (
	Viewer  Role = iota + 1 // look
	Manager                 // run connectors, leave seats alone, requeue dead letters
	Admin                   // add, change and remove connectors, compare stream with tables
)

var roleNames = map[Role]string{Viewer: "viewer", Manager: "manager", Admin: "admin"}

// String is the role's name in the configuration.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads a role's name; 0 for none that is known.
func ParseRole(name string) Role {
	for r, n := range roleNames {
		if n == name {
			return r
		}
	}
	return 0
}

// Token lets somebody in.
type Token struct {
	Name, Secret string
	Role         Role
	Tenants      []string // domains, directory ids or connector names; none for all
}

const (
	minToken    = 16
	cookieName  = "seatstream"
	sessionTime = 12 * time.Hour
)

// scope is who asks, and what they may see.
type scope struct {
	Name string
	Role Role
	// tenants are the names of the tenants that may be seen; none for all.
	tenants []string
}

// all reports whether every tenant may be seen.
func (s scope) all() bool { return len(s.tenants) == 0 }

// May reports whether the role allows what needs another.
func (s scope) May(need Role) bool { return s.Role >= need }

// identify finds out who sends a request; nil where nobody is known.
func (s *Server) identify(r *http.Request) *scope {
	if len(s.cfg.Tokens) == 0 {
		return &scope{Name: "local", Role: Admin}
	}
	if secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if t := s.tokenOf(strings.TrimSpace(secret)); t != nil {
			return &scope{t.Name, t.Role, t.Tenants}
		}
		return nil
	}
	c, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	parts := strings.Split(c.Value, "|")
	if len(parts) != 3 {
		return nil
	}
	ends, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || s.now().Unix() > ends {
		return nil
	}
	for _, t := range s.cfg.Tokens {
		if t.Name == parts[0] && hmac.Equal([]byte(parts[2]), []byte(t.seal(parts[0]+"|"+parts[1]))) {
			return &scope{t.Name, t.Role, t.Tenants}
		}
	}
	return nil
}

// tokenOf finds the token of a secret. All are compared, each in constant time.
func (s *Server) tokenOf(secret string) (found *Token) {
	given := sha256.Sum256([]byte(secret))
	for i := range s.cfg.Tokens {
		want := sha256.Sum256([]byte(s.cfg.Tokens[i].Secret))
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			found = &s.cfg.Tokens[i]
		}
	}
	return found
}

// seal signs a session with the token it came from: a token that is changed ends its
// sessions, and any process with the same configuration knows them.
func (t Token) seal(text string) string {
	mac := hmac.New(sha256.New, []byte(t.Secret))
	mac.Write([]byte("seatstream session " + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Server) session(t *Token, secure bool) *http.Cookie {
	ends := s.now().Add(sessionTime)
	text := t.Name + "|" + strconv.FormatInt(ends.Unix(), 10)
	return &http.Cookie{ //nolint:gosec // Secure is set behind TLS; without it the browser would not send it back
		Name: cookieName, Value: text + "|" + t.seal(text), Path: "/", Expires: ends,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure,
	}
}

// hostAllowed refuses names that resolve here by somebody's doing: without tokens the page
// is guarded by being reachable from this machine alone, and a browser that was sent to
// another name for this address would carry strangers in.
func (s *Server) hostAllowed(r *http.Request) bool {
	if len(s.cfg.Tokens) > 0 {
		return true
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	return loopback(host)
}

// visible resolves the tenants a scope may see into directory ids; nil for all. A name that
// fits none yet adds nothing.
func (s *Server) visible(ctx context.Context, sc scope) ([]string, error) {
	if sc.all() {
		return nil, nil
	}
	ids := []string{}
	for _, name := range sc.tenants {
		id, err := answer.Tenant(ctx, s.deps.DB, name)
		switch {
		case noTenant(err):
			s.log.Debug().Str("token", sc.Name).Str("tenant", name).Msg("tenant of a token is not known yet")
		case err != nil:
			return nil, fmt.Errorf("find the tenants of %s: %w", sc.Name, err)
		default:
			ids = append(ids, id)
		}
	}
	return ids, nil
}
