package graphsim

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault is one way in which the simulator misbehaves, made by the functions
// below. Its JSON form is the one the control endpoint reads and shows.
type Fault struct {
	Kind       string `json:"kind"`
	RetryAfter string `json:"retry_after,omitempty"`
	Code       int    `json:"code,omitempty"`
	Body       string `json:"body,omitempty"`
	Bytes      int    `json:"bytes,omitempty"`
	Millis     int64  `json:"millis,omitempty"`
	URL        string `json:"url,omitempty"`
}

// Throttle answers 429 with the given literal Retry-After, absent when empty
// (Microsoft docs: throttling guidance).
func Throttle(retryAfter string) Fault { return Fault{Kind: "throttle", RetryAfter: retryAfter} }

// Status answers with a code and a literal body; an empty body is a Graph
// error.
func Status(code int, body string) Fault { return Fault{Kind: "status", Code: code, Body: body} }

// Truncate ends the connection after so many bytes of the body.
func Truncate(bytes int) Fault { return Fault{Kind: "truncate", Bytes: bytes} }

// ExpirePageToken answers 400 Directory_ExpiredPageToken.
func ExpirePageToken() Fault { return Fault{Kind: "expire_page_token"} }

// ExpireToken answers 401 InvalidAuthenticationToken as for an expired token.
func ExpireToken() Fault { return Fault{Kind: "expire_token"} }

// HTML200 answers 200 with a web page, as a captive proxy does.
func HTML200() Fault { return Fault{Kind: "html200"} }

// Empty200 answers 200 without a body.
func Empty200() Fault { return Fault{Kind: "empty200"} }

// Stall waits for the given real time and then answers normally.
func Stall(d time.Duration) Fault { return Fault{Kind: "stall", Millis: d.Milliseconds()} }

// LoopNextLink makes a page name itself as the next.
func LoopNextLink() Fault { return Fault{Kind: "loop_next_link"} }

// ForeignNextLink makes a page name the given address as the next.
func ForeignNextLink(url string) Fault { return Fault{Kind: "foreign_next_link", URL: url} }

// Reset resets the connection in the middle of the body.
func Reset() Fault { return Fault{Kind: "reset"} }

// ExpireDownload lets the pre-authenticated address of a report be expired: on
// a report it is issued so, on "GET /download" it is refused so.
func ExpireDownload() Fault { return Fault{Kind: "expire_download"} }

var faultKinds = map[string]bool{
	"throttle": true, "status": true, "truncate": true, "expire_page_token": true, "expire_token": true, "html200": true, "empty200": true,
	"stall": true, "loop_next_link": true, "foreign_next_link": true, "reset": true, "expire_download": true,
}

// Rule applies a fault to matching requests. Set it up in one expression that
// ends with Do, which puts it into force.
type Rule struct {
	set    *rules
	match  string
	tenant string
	after  int
	times  int
	seen   int
	fired  int
	fault  Fault
	active bool
}

type rules struct {
	mu  sync.Mutex
	all []*Rule
}

// On starts a rule for requests named by method and path template: "GET
// /users", "GET /users/{id}", "GET /groups/{id}/members", "POST token", "GET
// /reports/getTeamsUserActivityUserDetail", "GET /download" or "GET
// /download/getTeamsUserActivityUserDetail". Requests counted by the control
// endpoint have the same names. "*" matches all.
func (s *Server) On(match string) *Rule { return &Rule{set: &s.rules, match: match} }

// Tenant limits the rule to one tenant, by domain or id.
func (r *Rule) Tenant(domainOrID string) *Rule { r.tenant = domainOrID; return r }

// After lets so many matching requests pass first.
func (r *Rule) After(n int) *Rule { r.after = n; return r }

// Times ends the rule after it has fired so often; 0 is no end.
func (r *Rule) Times(n int) *Rule { r.times = n; return r }

// Do puts the rule into force with the fault.
func (r *Rule) Do(f Fault) *Rule {
	r.set.mu.Lock()
	defer r.set.mu.Unlock()
	r.fault, r.active = f, true
	r.set.all = append(r.set.all, r)
	return r
}

// Fired is how often the rule has been applied.
func (r *Rule) Fired() int {
	r.set.mu.Lock()
	defer r.set.mu.Unlock()
	return r.fired
}

// Remove takes the rule out of force.
func (r *Rule) Remove() {
	r.set.mu.Lock()
	defer r.set.mu.Unlock()
	r.active = false
}

// ClearFaults takes all rules out of force.
func (s *Server) ClearFaults() {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	s.rules.all = nil
}

func (r *Rule) matches(template string, t *tenant) bool {
	if r.tenant != "" && (t == nil || !t.is(r.tenant)) {
		return false
	}
	return r.match == "*" || r.match == template ||
		r.match == "GET /download" && strings.HasPrefix(template, "GET /download/")
}

// next is the fault to apply to a request, the first in force; every rule
// counts the requests that match it.
func (rs *rules) next(template string, t *tenant) *Fault {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var out *Fault
	for _, r := range rs.all {
		if !r.active || !r.matches(template, t) {
			continue
		}
		r.seen++
		if out != nil || r.seen <= r.after || r.times > 0 && r.fired >= r.times {
			continue
		}
		r.fired++
		f := r.fault
		out = &f
	}
	return out
}

// faulted applies the fault that is due, and tells whether it was the answer.
func (c *call) faulted() bool {
	f := c.s.rules.next(c.template, c.t)
	if f == nil {
		return false
	}
	h := c.w.Header()
	switch f.Kind {
	case "throttle":
		c.throttle(f.RetryAfter)
	case "status":
		if f.Body == "" {
			c.fail(f.Code, statusCode(f.Code), http.StatusText(f.Code))
			return true
		}
		h.Set("Content-Type", "application/json")
		c.w.WriteHeader(f.Code)
		_, _ = c.w.Write([]byte(f.Body))
	case "expire_page_token":
		c.fail(400, "Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request.")
	case "expire_token":
		c.fail(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	case "html200":
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = c.w.Write([]byte("<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>"))
	case "empty200":
		h.Set("Content-Type", "application/json")
		c.w.WriteHeader(200)
	case "stall":
		return c.stalled(time.Duration(f.Millis) * time.Millisecond)
	case "truncate":
		c.w = &brokenWriter{ResponseWriter: c.w, left: f.Bytes}
		return false
	case "reset":
		c.w = &brokenWriter{ResponseWriter: c.w, left: 200, reset: true}
		return false
	default:
		c.fault = f
		return false
	}
	return true
}

func (c *call) throttle(retryAfter string) {
	h := c.w.Header()
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	if c.t != nil {
		h.Set("x-ms-throttle-scope", "Tenant_Application/ReadWrite/"+c.t.info.ClientID+"/"+c.t.info.ID)
	}
	h.Set("x-ms-throttle-limit-percentage", "1.2")
	h.Set("x-ms-throttle-information", "ResourceUnitLimitExceeded")
	c.fail(http.StatusTooManyRequests, "TooManyRequests", "Please retry again later.")
}

// stalled waits; it answers nothing when the client or the server has gone.
func (c *call) stalled(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-c.r.Context().Done():
	case <-c.s.stop:
	}
	return true
}

func statusCode(status int) string {
	switch status {
	case 503:
		return "ServiceUnavailable"
	case 504:
		return "GatewayTimeout"
	}
	return "UnknownError"
}

// brokenWriter lets a number of bytes through and then breaks the connection.
type brokenWriter struct {
	http.ResponseWriter
	left  int
	reset bool
}

func (b *brokenWriter) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (b *brokenWriter) Write(p []byte) (int, error) {
	if len(p) < b.left {
		b.left -= len(p)
		return b.ResponseWriter.Write(p)
	}
	_, _ = b.ResponseWriter.Write(p[:b.left])
	b.abort()
	return 0, errors.New("write body: cut by a fault")
}

// abort sends what was written so far and ends the connection. Over HTTP/2
// there is no connection of its own to reset: the stream is.
func (b *brokenWriter) abort() {
	rc := http.NewResponseController(b.ResponseWriter)
	_ = rc.Flush()
	if b.reset {
		if conn, _, err := rc.Hijack(); err == nil {
			if inner, ok := conn.(interface{ NetConn() net.Conn }); ok {
				if tcp, ok := inner.NetConn().(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
					_ = tcp.Close()
				}
			}
			_ = conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}
