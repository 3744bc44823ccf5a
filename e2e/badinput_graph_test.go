package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRefusedByMicrosoft runs connectors that Microsoft's sign-in or Graph refuses. The
// run ends with one message that says what is wrong and what to do, and nothing of the
// tenant is in the stream or the tables.
func TestRefusedByMicrosoft(t *testing.T) {
	t.Parallel()
	s := startRefused(t)
	n := s.sim.tenants[0]
	connector := func(change ...string) []string {
		return append(s.sim.connector(0, "refused", "env:GOOD"), change...) // the last of a flag counts
	}
	for _, c := range []struct {
		name     string
		args     []string
		switches map[string]any
		words    []string
	}{
		{"variable not set", connector("--client-secret", "env:NOT_SET"), nil, []string{"NOT_SET is not set", "Value"}},
		{"file not there", connector("--client-secret", "file:/nowhere/secret"), nil, []string{"/nowhere/secret", "Value"}},
		{"empty file", connector("--client-secret", "file:"+s.file("")), nil, []string{"is empty"}},
		{"secret id in the variable", connector("--client-secret", "env:PASTED_ID"), nil, []string{"Secret ID", "Value"}},
		{"secret id in the file", connector("--client-secret", "file:"+s.file("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n")), nil, []string{"Secret ID", "Value"}},
		{"wrong secret", connector("--client-secret", "env:WRONG"), nil, []string{"the client secret is wrong", "Value, not its Secret ID", "AADSTS7000215"}},
		{"expired secret", connector(), map[string]any{"secret": "expired"}, []string{"the client secret has expired", "make a new one", "AADSTS7000222"}},
		{"tenant by another name", connector("--tenant", "contosso.onmicrosoft.com"), nil, []string{"the tenant does not exist", "Tenant ID", "AADSTS90002"}},
		{"tenant by another id", connector("--tenant", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"), nil, []string{"the tenant does not exist", "AADSTS90002"}},
		{"app not in the tenant", connector(), map[string]any{"app_known": false}, []string{"the app is not known in this tenant", "consent", "AADSTS700016"}},
		{"another client id", connector("--client-id", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"), nil, []string{"the app is not known in this tenant", "client id"}},
		{"no permission at all", connector(), map[string]any{"roles": []string{}}, []string{"Directory.Read.All", "Grant admin consent"}},
		{"ca file not there", connector("--ca-file", "/nowhere/ca.pem"), nil, []string{"ca_file", "/nowhere/ca.pem"}},
		{"certificate not trusted", connector("--ca-file", ""), nil, []string{"not trusted", "ca_file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.switches != nil {
				s.sim.of(0).switches(c.switches)
				defer s.sim.of(0).switches(map[string]any{"secret": "ok", "app_known": true, "roles": allRoles})
			}
			s.t = t
			s.ok(c.args...)
			s.refused(1, []string{"connector", "run", "refused"}, append(c.words, `connector refused`)...)
			if out := s.ok("connector", "list", "-o", "json"); !strings.Contains(out, c.words[0]) || !strings.Contains(out, "failed") {
				t.Errorf("connector list does not say why:\n%s", out)
			}
			s.ok("connector", "remove", "refused")
		})
	}
	s.t = t
	s.nothingOf(n)
}

var allRoles = []string{"Directory.Read.All", "Group.Read.All", "Reports.Read.All", "User.Read.All"}

// startRefused starts everything with no connector, and with secrets in the environment of
// the producer.
func startRefused(t *testing.T) *station {
	t.Helper()
	needEngine(t)
	s := &station{cli: newCLI(t), sim: startSim(t, "contoso.onmicrosoft.com=30")}
	s.secrets = []string{s.sim.tenants[0].secret, "wrong-canary-secret"}
	s.env = append(s.env, "GOOD="+s.sim.tenants[0].secret, "WRONG=wrong-canary-secret", "PASTED_ID=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "SEATSTREAM_DATA_DIR=here")
	s.up = s.start("up", "--log-level", "error")
	s.announced(t)
	return s
}

// file writes a file into the station's folder.
func (s *station) file(content string) string {
	s.t.Helper()
	f, err := os.CreateTemp(s.dir, "secret-")
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		s.t.Fatal(err)
	}
	return filepath.Clean(f.Name())
}

// nothingOf checks that no record of a tenant was published or stored. What may be in the
// stream is the evidence of runs that failed, under the directory id that was given.
func (s *station) nothingOf(n simTenant) {
	s.t.Helper()
	for line := range strings.Lines(s.ok("replay", "--stdout")) {
		if !strings.Contains(line, `"status":"failed"`) || strings.Contains(line, n.id) {
			s.t.Errorf("a record in the stream: %s", tail(line))
		}
	}
	for _, row := range rows(s.t, s.ok("schema", "list", "-o", "json")) {
		kind := strings.Split(row["type"].(string), ".")[1]
		s.stored(0, "SELECT count() FROM m365."+kind+"_changes WHERE tenant_id = '"+n.id+"'")
	}
}

// TestMissingPermissions takes one permission away at a time. What the others cover is
// collected; the run says which feed is missing and the evidence says which permission.
func TestMissingPermissions(t *testing.T) {
	t.Parallel()
	s := startRefused(t)
	g := s.sim.of(0)
	s.ok(append(s.sim.connector(0, "contoso", "env:GOOD"), "--backfill", "0")...) // it would use up the requests that Graph allows
	if out := s.ok("connector", "run", "contoso"); !strings.Contains(out, " complete: ") {
		t.Fatalf("with all permissions: %s", out)
	}
	before := len(g.list("users", "id"))
	for _, role := range allRoles {
		g.switches(map[string]any{"roles": slices.DeleteFunc(slices.Clone(allRoles), func(r string) bool { return r == role })})
		r := s.run("connector", "run", "contoso")
		t.Logf("without %s: exit %d\n%s%s", role, r.code, r.out, r.err)
		said := r.out + r.err
		if r.code == 0 && strings.Contains(said, " incomplete: ") {
			// The evidence has the remedy, once it is stored.
			eventually(t, "the evidence of the run is stored", func() bool {
				return strings.Contains(s.ok("query", "runs", "-o", "json"), "Grant admin consent")
			})
			said += s.ok("query", "runs", "-o", "json")
		}
		covered := map[string]bool{"Group.Read.All": true, "User.Read.All": true}[role] // Directory.Read.All covers these two
		switch {
		case covered && (r.code != 0 || !strings.Contains(r.out, " complete: ")):
			t.Errorf("without %s, which Directory.Read.All covers: exit %d\n%s", role, r.code, said)
		case !covered && (!strings.Contains(said, role) || !strings.Contains(said, "Grant admin consent")):
			t.Errorf("without %s the run does not name it:\n%s", role, said)
		}
		if strings.Contains(r.out, ", 0 deleted") == (r.code != 0) {
			t.Errorf("without %s entities are deleted: %s", role, r.out)
		}
	}
	s.stored(float64(before), "SELECT count() FROM m365.users FINAL")
	g.control(http.MethodPost, "tenants/"+g.tenant+"/switches", map[string]any{"roles": allRoles}, nil)
	if out := s.ok("connector", "run", "contoso"); !strings.Contains(out, " complete: ") {
		t.Errorf("with all permissions again: %s", out)
	}
}
