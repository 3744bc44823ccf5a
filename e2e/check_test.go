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
	optional := append(slices.Clone(allRoles), "AuditLog.Read.All", "ReportSettings.Read.All")
	whole := map[string]any{"roles": allRoles, "secret": "ok", "app_known": true, "conceal_names": false, "premium": true}
	without := func(role string) map[string]any {
		return map[string]any{"roles": slices.DeleteFunc(slices.Clone(allRoles), func(r string) bool { return r == role })}
	}
	grant := func(role string) string {
		return "API permissions: add " + role + " as an application permission, then Grant admin consent"
	}
	changed := func(flag, value string) []string {
		args := s.sim.connector(0, flag[2:], "env:GOOD")
		if i := slices.Index(args, flag); i >= 0 {
			args[i+1] = value
			return args
		}
		return append(args, flag, value)
	}
	s.ok(s.sim.connector(0, "contoso", "env:GOOD")...)
	s.ok(changed("--tenant", "nosuch.onmicrosoft.com")...)
	s.ok(changed("--cloud", "usgov")...)
	s.ok(append(changed("--graph-url", "https://127.0.0.1:1"), "--authority-url", "https://127.0.0.1:1")...) // the last of a flag counts
	for _, c := range []struct {
		name      string
		connector string
		change    map[string]any
		code      int
		words     []string // of the checks; each remedy among them
		answer    string   // to unused-licences
	}{
		{"all granted", "contoso", nil, 0, []string{
			"sign-in,ok", "shown in all of", "when it expires cannot be known with these permissions", " 2 days behind", "clock,ok",
			"permission AuditLog.Read.All,missing (optional)", grant("AuditLog.Read.All"), "sign-in activity,skipped (optional),needs AuditLog.Read.All",
			"permission ReportSettings.Read.All,missing (optional)", grant("ReportSettings.Read.All"),
		}, "yes"},
		{"options granted", "contoso", map[string]any{"roles": optional}, 0, []string{"sign-in activity,ok (optional)", "report settings,ok (optional),reports show names"}, "yes"},
		{"Directory.Read.All missing", "contoso", without("Directory.Read.All"), 1, []string{"permission Directory.Read.All,missing", grant("Directory.Read.All")}, "no"},
		{"Group.Read.All missing", "contoso", without("Group.Read.All"), 1, []string{"permission Group.Read.All,missing", "Directory.Read.All does for it", grant("Group.Read.All")}, "yes"},
		{"Reports.Read.All missing", "contoso", without("Reports.Read.All"), 1, []string{"permission Reports.Read.All,missing", grant("Reports.Read.All")}, "partly"},
		{"User.Read.All missing", "contoso", without("User.Read.All"), 1, []string{"permission User.Read.All,missing", "Directory.Read.All does for it", grant("User.Read.All")}, "yes"},
		{"expired secret", "contoso", map[string]any{"secret": "expired"}, 1, []string{"AADSTS7000222", "credential,denied,the client secret has expired", "make a new one: Entra admin centre"}, "no"},
		{"wrong secret", "contoso", map[string]any{"secret": "wrong"}, 1, []string{"AADSTS7000215", "Value, not its Secret ID: Entra admin centre"}, "no"},
		{"app not in the tenant", "contoso", map[string]any{"app_known": false}, 1, []string{"AADSTS700016", "check client id and tenant"}, "no"},
		{"tenant unknown", "tenant", nil, 1, []string{"AADSTS90002", "check the directory id"}, "no"},
		{"names concealed", "contoso", map[string]any{"conceal_names": true}, 0, []string{"concealed in", "Microsoft 365 admin centre > Settings > Org settings > Services > Reports", "rows read are concealed"}, "partly"},
		{"names concealed by the setting", "contoso", map[string]any{"conceal_names": true, "roles": optional}, 0, []string{"report settings,ok (optional),names are concealed"}, "partly"},
		{"no premium licence", "contoso", map[string]any{"premium": false, "roles": optional}, 0, []string{"sign-in activity,unavailable (optional)", "buy Microsoft Entra ID P1"}, "yes"},
		{"national cloud", "cloud", nil, 0, []string{"report getOffice365ActiveUserDetail,unavailable", "global cloud only", "licences are read in full"}, "partly"},
		{"no network", "graph-url", nil, 1, []string{"sign-in,failed,network: no answer", "check that this machine reaches Microsoft on port 443"}, "no"},
	} {
		g.switches(whole)
		if c.change != nil {
			g.switches(c.change)
		}
		r := s.run("connector", "check", c.connector, "-o", "csv")
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
