package graphsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// call is one request on its way through the simulator.
type call struct {
	s         *Server
	w         http.ResponseWriter
	r         *http.Request
	version   string // v1.0 or beta
	template  string // the request as rules and counts name it, "GET /users/{id}"
	query     url.Values
	t         *tenant
	roles     []string
	fault     *Fault // one that changes the answer's content
	requestID string
	clientID  string
}

// newID makes a request id; ids differ from run to run and no body of a
// successful answer contains one.
func (s *Server) newID() string {
	return guid(s.serial.Add(1)*0x9e3779b97f4a7c15 ^ uint64(time.Now().UnixNano()))
}

func (s *Server) newCall(w http.ResponseWriter, r *http.Request) *call {
	c := &call{s: s, w: w, r: r, requestID: s.newID(), clientID: r.Header.Get("client-request-id")}
	if c.clientID == "" {
		c.clientID = c.requestID
	}
	h := w.Header()
	h.Set("request-id", c.requestID)
	h.Set("client-request-id", c.clientID)
	return c
}

// fail answers with an error in Graph's shape.
func (c *call) fail(status int, code, message string) {
	writeJSON(c.w, status, map[string]any{"error": map[string]any{
		"code": code, "message": message,
		"innerError": map[string]string{
			"date":       c.s.Now().Format("2006-01-02T15:04:05"),
			"request-id": c.requestID, "client-request-id": c.clientID,
		},
	}})
}

// signInError answers with an error in the shape of the token endpoint.
func (c *call) signInError(status int, code string, number int, text string) {
	at := time.Now().UTC().Format("2006-01-02 15:04:05Z")
	writeJSON(c.w, status, map[string]any{
		"error":             code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", number, text, c.requestID, c.clientID, at),
		"error_codes":       []int{number},
		"timestamp":         at,
		"trace_id":          c.requestID,
		"correlation_id":    c.clientID,
		"error_uri":         fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", number),
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the peer may be gone, which is its own concern
}

// writeBody answers 200 with JSON that is already text.
func (c *call) writeBody(b []byte) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	h.Set("OData-Version", "4.0")
	_, _ = c.w.Write(b)
}

func looksLikeGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if s[i] != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
