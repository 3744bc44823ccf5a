package graph

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/schemas"
)

// A listing that stops after any page goes on from there, in another client, and finds
// exactly what is left.
func TestResume(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 3200})
	var whole []string
	var links []string
	if err := p.client(t, 0, nil).Users(t.Context(), func(page Page[schemas.User]) error {
		for _, u := range page.Items {
			whole = append(whole, u.ID)
		}
		links = append(links, page.Next)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(links) < 3 || links[len(links)-1] != "" || links[0] == "" {
		t.Fatalf("links %v", links)
	}
	for i, link := range links[:len(links)-1] {
		var rest []string
		pages := 0
		err := p.client(t, 0, nil).UsersFrom(t.Context(), link, func(page Page[schemas.User]) error {
			if pages++; page.Number != pages {
				t.Errorf("page %d is numbered %d", pages, page.Number)
			}
			for _, u := range page.Items {
				rest = append(rest, u.ID)
			}
			return nil
		})
		if err != nil || pages != len(links)-1-i {
			t.Fatalf("from page %d: %d pages, %v", i+1, pages, err)
		}
		if got, want := strings.Join(rest, " "), strings.Join(whole[len(whole)-len(rest):], " "); got != want {
			t.Errorf("from page %d: other users", i+1)
		}
	}
	stop := errors.New("stop")
	var next string
	err := p.client(t, 0, nil).Groups(t.Context(), func(page Page[schemas.Group]) error {
		next = page.Next
		return stop
	})
	if err != stop || next != "" {
		t.Errorf("%v, next %q", err, next)
	}
}

func TestResumeWithABadLink(t *testing.T) {
	t.Parallel()
	canary := newCanary(t)
	log := &lockedBuffer{}
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 1100})
	c := p.client(t, 0, nil)
	c.log = zerolog.New(log)
	base := p.URL() + "/v1.0"
	for link, kind := range map[string]Kind{
		canary.srv.URL + "/v1.0/users?$skiptoken=" + canaryLink:                        ForeignHost,
		"http" + strings.TrimPrefix(base, "https") + "/users?$skiptoken=" + canaryLink: ForeignHost,
		"https://user@" + strings.TrimPrefix(base, "https://") + "/users":              ForeignHost,
		"/v1.0/users?$skiptoken=" + canaryLink:                                         ForeignHost,
		"::" + canaryLink:                                                              ForeignHost,
		base + "/groups?$skiptoken=" + canaryLink:                                      Unsupported,
		base + "/users/delta?$deltatoken=" + canaryLink:                                Unsupported,
		base + "/users?$skiptoken=" + canaryLink:                                       ExpiredPage,
	} {
		wantKind(t, c.UsersFrom(t.Context(), link, drain), kind)
		if kind == ForeignHost {
			wantKind(t, c.GroupsFrom(t.Context(), link, drain), kind)
		}
	}
	canary.mustBeUntouched()
	p.On("GET /users").Do(graphsim.ExpirePageToken())
	wantKind(t, c.Users(t.Context(), drain), ExpiredPage)
	if bad := noCanary(log.String()); bad != nil {
		t.Error(bad)
	}
}

// A listing that leads back to the link it was resumed with does not end by itself.
func TestResumeNoticesALoop(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 1100})
	c := p.client(t, 0, nil)
	var link string
	if err := c.Users(t.Context(), func(page Page[schemas.User]) error {
		if link == "" {
			link = page.Next
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	p.On("GET /users").Do(graphsim.LoopNextLink())
	pages := 0
	err := c.UsersFrom(t.Context(), link, func(Page[schemas.User]) error { pages++; return nil })
	wantKind(t, err, Loop)
	if pages != 1 {
		t.Errorf("%d pages", pages)
	}
}

func TestAssignedPlans(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 40})
	info := p.Tenants()[0]
	for _, ask := range []bool{false, true} {
		c, err := newClient(Config{
			Tenant: info.ID, ClientID: info.ClientID, Secret: func() (string, error) { return info.ClientSecret, nil },
			GraphURL: p.URL(), AuthorityURL: p.AuthorityURL(), AssignedPlans: ask,
		}, p)
		if err != nil {
			t.Fatal(err)
		}
		plans := 0
		if err := c.Users(context.Background(), func(page Page[schemas.User]) error {
			for _, u := range page.Items {
				plans += len(u.AssignedPlans)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if (plans > 0) != ask {
			t.Errorf("asked for plans: %v, got %d", ask, plans)
		}
	}
	if len(userProperties) != 18 {
		t.Errorf("the common list of properties has changed: %v", userProperties)
	}
}

// The listing of users tells the limiter how large the tenant is.
func TestUsersTellTheSize(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 1100})
	l := NewLimiter()
	c := p.client(t, 0, l)
	key := keyOf(c.app, c.tenant, "")
	c.SetUsers(5000) // of an earlier day
	if err := c.Users(t.Context(), func(page Page[schemas.User]) error {
		if l.users[key] < 999 {
			t.Errorf("after page %d: %d", page.Number, l.users[key])
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if l.users[key] < 1050 || l.users[key] > 1200 {
		t.Errorf("%d users", l.users[key])
	}
}
