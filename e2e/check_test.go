package e2e

import (
	"slices"
	"strings"
	"testing"
)

// TestConnectorCheck tries connector check on a tenant in every condition: what is missing
// is named with its remedy, the exit code says whether the connector is ready, and the
// questions say what will be answered.
func TestConnectorCheck(t *testing.T) {
	t.Parallel()
	s := startRefused(t)
	g := s.sim.of(0)
	whole := map[string]any{"roles": allRoles, "secret": "ok", "app_known": true, "conceal_names": false, "premium": true}
	without := func(role string) map[string]any {
		return map[string]any{"roles": slices.DeleteFunc(slices.Clone(allRoles), func(r string) bool { return r == role })}
	}
	s.ok(s.sim.connector(0, "contoso", "env:GOOD")...)
	for _, c := range []struct {
		name   string
		change map[string]any
		code   int
		words  []string // of the checks
		answer string   // to unused-licences
	}{
		{"all granted", nil, 0, []string{"sign-in", "shown in all of"}, "yes"},
		{"Directory.Read.All missing", without("Directory.Read.All"), 1, []string{"Directory.Read.All", "Grant admin consent"}, "no"},
		{"Group.Read.All missing", without("Group.Read.All"), 1, []string{"Group.Read.All", "Grant admin consent"}, "yes"},
		{"Reports.Read.All missing", without("Reports.Read.All"), 1, []string{"Reports.Read.All", "Grant admin consent"}, "partly"},
		{"User.Read.All missing", without("User.Read.All"), 1, []string{"User.Read.All", "Grant admin consent"}, "yes"},
		{"expired secret", map[string]any{"secret": "expired"}, 1, []string{"AADSTS7000222", "make a new one"}, "no"},
		{"wrong secret", map[string]any{"secret": "wrong"}, 1, []string{"AADSTS7000215", "Value, not its Secret ID"}, "no"},
		{"app not in the tenant", map[string]any{"app_known": false}, 1, []string{"AADSTS700016"}, "no"},
		{"names concealed", map[string]any{"conceal_names": true}, 0, []string{"concealed in", "Org settings"}, "partly"},
		{"no premium licence", map[string]any{"premium": false}, 0, []string{"optional"}, "yes"},
	} {
		g.switches(whole)
		if c.change != nil {
			g.switches(c.change)
		}
		r := s.run("connector", "check", "contoso", "-o", "csv")
		if r.code != c.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", c.name, r.code, c.code, r.out, r.err)
		}
		for _, word := range c.words {
			if !strings.Contains(r.out, word) {
				t.Errorf("%s: nothing of %q in\n%s", c.name, word, r.out)
			}
		}
		if want := "question unused-licences," + c.answer + ","; !strings.Contains(r.out, want) {
			t.Errorf("%s: want %q in\n%s", c.name, want, r.out)
		}
	}
}
