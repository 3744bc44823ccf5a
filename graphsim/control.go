package graphsim

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// clockState is the JSON form of the simulated clock.
type clockState struct {
	Day  int    `json:"day"`
	Date string `json:"date"`
}

// ruleState is the JSON form of a rule, as posted and as shown.
type ruleState struct {
	Match  string `json:"match"`
	Tenant string `json:"tenant,omitempty"`
	After  int    `json:"after,omitempty"`
	Times  int    `json:"times,omitempty"`
	Fault  Fault  `json:"fault"`
	Seen   int    `json:"seen"`
	Fired  int    `json:"fired"`
}

// tenantState is the JSON form of a tenant with its switches.
type tenantState struct {
	TenantInfo
	Switches Switches `json:"switches"`
}

// serveControl answers /_sim/. It hands out client secrets and is therefore
// open to this machine only.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		http.Error(w, "control is open to loopback only", http.StatusForbidden)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/_sim/")
	switch r.Method + " " + path {
	case "GET tenants":
		writeJSON(w, 200, s.tenantStates())
	case "GET clock":
		writeJSON(w, 200, s.clock())
	case "POST clock":
		s.controlClock(w, r)
	case "GET faults":
		writeJSON(w, 200, s.ruleStates())
	case "POST faults":
		s.controlFault(w, r)
	case "DELETE faults":
		s.ClearFaults()
		writeJSON(w, 200, s.ruleStates())
	case "GET requests":
		writeJSON(w, 200, s.Requests())
	case "DELETE requests":
		s.seen.mu.Lock()
		s.seen.m = nil
		s.seen.mu.Unlock()
		writeJSON(w, 200, s.Requests())
	default:
		id, what, _ := strings.Cut(strings.TrimPrefix(path, "tenants/"), "/")
		t := s.tenant(id)
		switch {
		case !strings.HasPrefix(path, "tenants/") || what != "switches" && (what != "edits" || r.Method != http.MethodPost):
			controlError(w, 404, fmt.Errorf("find %s %s: no such control", r.Method, path))
		case t == nil:
			controlError(w, 404, fmt.Errorf("find tenant %q: not simulated", id))
		case what == "edits":
			s.controlEdit(w, r, t)
		case r.Method == http.MethodPost:
			s.controlSwitches(w, r, t)
		default:
			writeJSON(w, 200, t.current())
		}
	}
}

func controlError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

// readStrict decodes a control body; unknown fields are mistakes.
func readStrict(r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read control body: %w", err)
	}
	return nil
}

func (s *Server) clock() clockState {
	return clockState{Day: s.Day(), Date: s.Now().Format("2006-01-02")}
}

func (s *Server) controlClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Days int `json:"days"`
	}
	if err := readStrict(r, &in); err != nil {
		controlError(w, 400, err)
		return
	}
	if in.Days < 0 || in.Days > 3000 {
		controlError(w, 400, fmt.Errorf("advance clock by %d: must be 0 to 3000 days", in.Days))
		return
	}
	s.Advance(in.Days)
	writeJSON(w, 200, s.clock())
}

func (s *Server) tenantStates() []tenantState {
	out := []tenantState{}
	for _, t := range s.tenants {
		out = append(out, tenantState{t.info, t.current()})
	}
	return out
}

func (s *Server) ruleStates() []ruleState {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	out := []ruleState{}
	for _, r := range s.rules.all {
		if r.active {
			out = append(out, ruleState{r.match, r.tenant, r.after, r.times, r.fault, r.seen, r.fired})
		}
	}
	return out
}

func (s *Server) controlFault(w http.ResponseWriter, r *http.Request) {
	var in ruleState
	if err := readStrict(r, &in); err != nil {
		controlError(w, 400, err)
		return
	}
	if in.Match == "" || !faultKinds[in.Fault.Kind] {
		controlError(w, 400, fmt.Errorf("add fault %q on %q: match and a known kind are needed", in.Fault.Kind, in.Match))
		return
	}
	if in.Fault.Kind == "status" && (in.Fault.Code < 200 || in.Fault.Code > 599) {
		controlError(w, 400, fmt.Errorf("add fault: code %d is not an HTTP status", in.Fault.Code))
		return
	}
	s.On(in.Match).Tenant(in.Tenant).After(in.After).Times(in.Times).Do(in.Fault)
	writeJSON(w, 200, s.ruleStates())
}

func (s *Server) controlEdit(w http.ResponseWriter, r *http.Request, t *tenant) {
	var e Edit
	err := readStrict(r, &e)
	if err == nil {
		err = s.Edit(t.info.ID, e)
	}
	if err != nil {
		controlError(w, 400, err)
		return
	}
	writeJSON(w, 200, e)
}

// controlSwitches changes the switches named in the body and leaves the rest.
func (s *Server) controlSwitches(w http.ResponseWriter, r *http.Request, t *tenant) {
	if err := t.set(func(sw *Switches) error { return readStrict(r, sw) }); err != nil {
		controlError(w, 400, err)
		return
	}
	writeJSON(w, 200, t.current())
}
