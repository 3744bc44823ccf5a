package graph

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/schemas"
)

const simUsers = 1100 // two pages

// simulate starts a simulator with one tenant and a client of it.
func simulate(t *testing.T) (*graphsim.Server, graphsim.TenantInfo, *Client) {
	t.Helper()
	s, err := graphsim.New(graphsim.Config{
		Dir:     filepath.Join(t.TempDir(), "ca"),
		Start:   time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		Tenants: []graphsim.TenantConfig{{Domain: "contoso.onmicrosoft.com", Seed: 1, Users: simUsers}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	info := s.Tenants()[0]
	log := &lockedBuffer{}
	c, err := New(Config{
		Tenant: info.Domain, ClientID: info.ClientID, Secret: func() (string, error) { return info.ClientSecret, nil },
		GraphURL: s.URL(), AuthorityURL: s.AuthorityURL(), CAFile: s.CAFile(), Log: zerolog.New(log), MaxWait: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.retry.base = time.Millisecond
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if text := log.String(); strings.Contains(text, info.ClientSecret) || strings.Contains(text, "eyJ") || strings.Contains(text, "/download/") {
			t.Errorf("log: %s", text)
		}
	})
	return s, info, c
}

func TestSimulatedTenant(t *testing.T) {
	t.Parallel()
	_, info, c := simulate(t)
	roles, err := c.Permissions(context.Background())
	if err != nil || !slices.Equal(roles, graphsim.DefaultRoles()) {
		t.Errorf("roles %v %v", roles, err)
	}
	org, err := c.Organization(context.Background())
	if err != nil || org.ID != info.ID {
		t.Errorf("organization %+v %v", org, err)
	}
	users, pages, err := collect(c.Users)
	if err != nil || len(pages) < 2 || len(users) < simUsers/2 {
		t.Fatalf("%d users in pages %v: %v", len(users), pages, err)
	}
	licensed, paths := 0, 0
	seen := map[string]bool{}
	for _, u := range users {
		if seen[u.ID] || !schemas.IsGUID(u.ID) || u.UserPrincipalName == "" {
			t.Fatalf("user %+v", u)
		}
		seen[u.ID] = true
		if len(u.AssignedLicenses) > 0 {
			licensed++
		}
		paths += len(u.LicenseAssignmentStates)
	}
	if licensed == 0 || paths == 0 {
		t.Errorf("%d licensed users, %d paths", licensed, paths)
	}
	skus, _, err := collect(c.SKUs)
	if err != nil || len(skus) == 0 || !schemas.IsGUID(skus[0].SKUID) || len(skus[0].ServicePlans) == 0 {
		t.Errorf("skus %+v %v", skus, err)
	}
	subs, _, err := collect(c.Subscriptions)
	if err != nil || len(subs) == 0 || subs[0].TotalLicenses == 0 {
		t.Errorf("subscriptions %+v %v", subs, err)
	}
	groups, _, err := collect(c.Groups)
	if err != nil || len(groups) == 0 {
		t.Fatalf("groups %v", err)
	}
	for _, g := range groups {
		if len(g.AssignedLicenses) == 0 {
			continue
		}
		members, _, err := collect(func(ctx context.Context, y func(Page[schemas.Member]) error) error { return c.Members(ctx, g.ID, y) })
		if err != nil || len(members) == 0 || members[0].Type == "" || members[0].GroupID != g.ID {
			t.Errorf("members of %s: %d, %v", g.DisplayName, len(members), err)
		}
	}
}

func TestSimulatedReports(t *testing.T) {
	t.Parallel()
	_, _, c := simulate(t)
	read := 0
	for _, s := range schemas.Reports() {
		if !s.Default && !s.Detail() {
			continue
		}
		res, err := c.Report(context.Background(), &s, ReportArg{}, testDigest, func(rows []schemas.Report) error { return nil })
		switch KindOf(err) {
		case Unsupported, NotFound:
			t.Logf("%s: %v", s.Function, err)
			continue
		}
		if err != nil || res.Rejected+res.RejectedValues > 0 || res.Rows == 0 && s.Default {
			t.Errorf("%s: %v %+v", s.Function, err, res)
			continue
		}
		if len(res.NewColumns) > 0 || len(res.MissingColumns) > 0 {
			t.Logf("%s: new %q, missing %q", s.Function, res.NewColumns, res.MissingColumns)
		}
		read++
	}
	if read == 0 {
		t.Error("no report was read")
	}
}

func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	// Faults that a listing survives, and those that it must report.
	for name, test := range map[string]struct {
		match string
		after int
		times int
		fault graphsim.Fault
		kind  Kind
	}{
		"throttled":      {"GET /users", 1, 2, graphsim.Throttle("0.01"), ""},
		"throttled long": {"GET /users", 0, 1, graphsim.Throttle("86400"), Throttled},
		"unavailable":    {"GET /users", 1, 3, graphsim.Status(503, ""), ""},
		"down":           {"GET /users", 1, 0, graphsim.Status(503, ""), Unavailable},
		"cut once":       {"GET /users", 1, 1, graphsim.Truncate(1000), ""},
		"cut":            {"GET /users", 1, 0, graphsim.Truncate(1000), BadBody},
		"reset once":     {"GET /users", 0, 1, graphsim.Reset(), ""},
		"html once":      {"GET /users", 0, 1, graphsim.HTML200(), ""},
		"html":           {"GET /users", 1, 0, graphsim.HTML200(), BadBody},
		"empty":          {"GET /users", 1, 0, graphsim.Empty200(), BadBody},
		"token once":     {"GET /users", 1, 1, graphsim.ExpireToken(), ""},
		"token":          {"GET /users", 1, 0, graphsim.ExpireToken(), SignIn},
		"page token":     {"GET /users", 1, 1, graphsim.ExpirePageToken(), ExpiredPage},
		"loop":           {"GET /users", 0, 0, graphsim.LoopNextLink(), Loop},
		"foreign":        {"GET /users", 0, 0, graphsim.ForeignNextLink("https://graph.microsoft.com/v1.0/users?$skiptoken=x"), ForeignHost},
		"sign-in once":   {"POST token", 0, 1, graphsim.Status(503, ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, c := simulate(t)
			_, _, fresh := simulate(t)
			want, _, err := collect(fresh.Users)
			if err != nil {
				t.Fatal(err)
			}
			rule := s.On(test.match).After(test.after).Times(test.times).Do(test.fault)
			users, _, err := collect(c.Users)
			if rule.Fired() == 0 {
				t.Fatal("the fault did not happen")
			}
			if test.kind != "" {
				wantKind(t, err, test.kind)
				return
			}
			if err != nil || len(users) != len(want) {
				t.Errorf("%d of %d users: %v", len(users), len(want), err)
			}
		})
	}
}

func TestSimulatedReportFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		match string
		times int
		fault graphsim.Fault
		kind  Kind
	}{
		"throttled":    {"GET /reports/" + report, 2, graphsim.Throttle("0.01"), ""},
		"expired once": {"GET /reports/" + report, 1, graphsim.ExpireDownload(), ""},
		"expired":      {"GET /download", 0, graphsim.ExpireDownload(), BadBody},
		"cut at once":  {"GET /download", 1, graphsim.Truncate(100), ""},
		"cut":          {"GET /download", 1, graphsim.Truncate(100_000), BadBody},
		"html once":    {"GET /download", 1, graphsim.HTML200(), ""},
		"empty":        {"GET /download", 0, graphsim.Empty200(), BadBody},
		"unavailable":  {"GET /download", 2, graphsim.Status(503, ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _, c := simulate(t)
			c.batch = 100
			rule := s.On(test.match).Times(test.times).Do(test.fault)
			rows := 0
			res, err := c.Report(context.Background(), spec(t, report), ReportArg{}, testDigest, func(batch []schemas.Report) error {
				rows += len(batch)
				return nil
			})
			if rule.Fired() == 0 {
				t.Fatal("the fault did not happen")
			}
			if test.kind != "" {
				wantKind(t, err, test.kind)
				return
			}
			if err != nil || rows == 0 || rows != int(res.Rows) {
				t.Errorf("%d rows, %+v: %v", rows, res, err)
			}
		})
	}
}

func TestSimulatedSwitches(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*graphsim.Switches)
		kind   Kind
		code   string
	}{
		"expired secret": {func(s *graphsim.Switches) { s.Secret = "expired" }, SignIn, "AADSTS7000222"},
		"wrong secret":   {func(s *graphsim.Switches) { s.Secret = "wrong" }, SignIn, "AADSTS7000215"},
		"no consent":     {func(s *graphsim.Switches) { s.AppKnown = false }, SignIn, "AADSTS700016"},
		"no permission":  {func(s *graphsim.Switches) { s.Roles = []string{"Reports.Read.All"} }, Permission, "Authorization_RequestDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, info, c := simulate(t)
			if err := s.Switch(info.ID, test.change); err != nil {
				t.Fatal(err)
			}
			_, _, err := collect(c.Users)
			if e := wantKind(t, err, test.kind); e.Code != test.code || e.Remedy == "" {
				t.Errorf("%+v", e)
			}
		})
	}
	s, info, c := simulate(t)
	if err := s.Switch(info.ID, func(sw *graphsim.Switches) { sw.ConcealNames = true }); err != nil {
		t.Fatal(err)
	}
	res, err := c.Report(context.Background(), spec(t, report), ReportArg{}, testDigest, func([]schemas.Report) error { return nil })
	if err != nil || res.Concealed == 0 || res.Concealed != res.Rows || res.Duplicates > 0 {
		t.Errorf("%+v %v", res, err)
	}
	if err := s.Switch(info.ID, func(sw *graphsim.Switches) { sw.Roles = []string{"User.Read.All"} }); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Permissions(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, err = c.Report(context.Background(), spec(t, report), ReportArg{}, testDigest, func([]schemas.Report) error { return nil })
	if e := wantKind(t, err, Permission); !strings.Contains(e.Remedy, "Reports.Read.All") {
		t.Errorf("%+v", e)
	}
}
