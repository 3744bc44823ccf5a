package graphsim

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// requestCounts counts requests per tenant and template. Requests that belong
// to no tenant are under "-".
type requestCounts struct {
	mu sync.Mutex
	m  map[string]map[string]int
}

func (rc *requestCounts) add(t *tenant, template string) {
	key := "-"
	if t != nil {
		key = t.info.ID
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if rc.m == nil {
		rc.m = map[string]map[string]int{}
	}
	if rc.m[key] == nil {
		rc.m[key] = map[string]int{}
	}
	rc.m[key][template]++
}

// Requests counts the requests so far by tenant id and path template, whatever
// their outcome.
func (s *Server) Requests() map[string]map[string]int {
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	out := map[string]map[string]int{}
	for id, counts := range s.seen.m {
		out[id] = map[string]int{}
		for k, n := range counts {
			out[id][k] = n
		}
	}
	return out
}

// ServeHTTP answers one request. It is exported for use with another listener;
// Run is the usual way.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.serveControl(w, r)
		return
	}
	if f := s.observer.Load(); f != nil {
		(*f)(r)
	}
	c := s.newCall(w, r)
	c.query, _ = url.ParseQuery(r.URL.RawQuery)
	defer func() { s.seen.add(c.t, c.template) }()
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "v1.0" || parts[0] == "beta":
		c.version = parts[0]
		s.serveGraph(c, parts[1:])
	case parts[0] == "download" && len(parts) == 2:
		s.serveDownload(c, parts[1])
	case strings.HasSuffix(r.URL.Path, "/discovery/instance"):
		c.template = "GET discovery"
		s.serveDiscovery(c)
	case len(parts) == 4 && parts[1] == "oauth2" && parts[3] == "token":
		c.template = "POST token"
		s.serveToken(c, parts[0])
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		c.template = "GET openid-configuration"
		s.serveOpenID(c, parts[0])
	case strings.HasSuffix(r.URL.Path, "/discovery/v2.0/keys"):
		c.template = "GET keys"
		s.serveKeys(c)
	default:
		c.template = r.Method + " unknown"
		c.fail(404, "UnknownError", "")
	}
	if b, ok := c.w.(*brokenWriter); ok {
		if b.reset {
			b.abort()
		}
	}
}

// serveGraph answers a path below /v1.0 or /beta.
func (s *Server) serveGraph(c *call, parts []string) {
	template, serve := s.endpoint(c, parts)
	c.template = c.r.Method + " " + template
	reports := strings.Contains(template, "/reports/") || strings.HasPrefix(template, "/admin/")
	if !s.authenticate(c, reports) {
		return
	}
	if c.faulted() {
		return
	}
	if serve == nil {
		c.fail(400, "BadRequest", "Resource not found for the segment '"+parts[len(parts)-1]+"'.")
		return
	}
	if c.r.Method != http.MethodGet {
		c.fail(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
		return
	}
	if !c.spend(template) {
		return
	}
	serve(c)
}

// endpoint names the template of a path and what answers it.
func (s *Server) endpoint(c *call, parts []string) (string, func(*call)) {
	path := "/" + strings.Join(parts, "/")
	switch path {
	case "/organization":
		return path, serveOrganization
	case "/users":
		return path, serveUsers
	case "/groups":
		return path, serveGroups
	case "/subscribedSkus":
		return path, serveSKUs
	case "/directory/subscriptions":
		return path, serveSubscriptions
	case "/directory/deletedItems/microsoft.graph.user":
		return path, serveDeletedUsers
	case "/admin/reportSettings":
		return path, serveReportSettings
	}
	switch {
	case len(parts) == 2 && parts[0] == "users":
		return "/users/{id}", func(c *call) { serveUser(c, parts[1]) }
	case len(parts) == 2 && parts[0] == "groups":
		return "/groups/{id}", func(c *call) { serveGroup(c, parts[1]) }
	case len(parts) >= 3 && parts[0] == "groups" && parts[2] == "members":
		if len(parts) == 3 {
			return "/groups/{id}/members", func(c *call) { serveMembers(c, parts[1], false) }
		}
		if len(parts) == 4 && parts[3] == "microsoft.graph.user" {
			return "/groups/{id}/members/microsoft.graph.user", func(c *call) { serveMembers(c, parts[1], true) }
		}
	case len(parts) == 2 && parts[0] == "reports", len(parts) == 3 && parts[0] == "copilot" && parts[1] == "reports":
		last := parts[len(parts)-1]
		name, args, _ := strings.Cut(last, "(")
		folder := "/" + strings.Join(parts[:len(parts)-1], "/") + "/"
		s.texts.note(folder+name, "/"+c.version+path)
		if _, ok := s.texts.of(folder + name); ok {
			return folder + name, func(c *call) { serveVerbatim(c, folder, name) }
		}
		if rep := findReport(folder, name, c.version); rep != nil {
			return folder + name, func(c *call) { serveReport(c, rep, strings.TrimSuffix(args, ")")) }
		}
		return folder + name, nil
	}
	return "unknown", nil
}
