package graph

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/schemas"
)

func TestSignInActivity(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); r.URL.Path != "/v1.0/users" || q.Get("$select") != "id,signInActivity" || q.Get("$top") != "500" {
			t.Errorf("asked for %s", r.URL)
		}
		fmt.Fprint(w, `{"value":[
			{"id":"1","signInActivity":{"lastSignInDateTime":"2021-06-17T16:41:33Z","lastSignInRequestId":"x",
			 "lastNonInteractiveSignInDateTime":"0001-01-01T00:00:00Z","lastSuccessfulSignInDateTime":""}},
			{"id":"2","signInActivity":null},{"id":"3"},
			{"id":"4","signInActivity":{"lastSuccessfulSignInDateTime":"2024-01-01T00:00:00Z"}}]}`)
	})
	got, _, err := collect(f.client().SignInActivity)
	if err != nil {
		t.Fatal(err)
	}
	want := []schemas.SignIn{{ID: "1", LastSignInDateTime: "2021-06-17T16:41:33Z"}, {ID: "2"}, {ID: "3"}, {ID: "4", LastSuccessfulSignInDateTime: "2024-01-01T00:00:00Z"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v", got)
	}
}

func TestSimulatedSignIns(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 300})
	id := p.Tenants()[0].ID
	seen := 0
	if err := p.client(t, 0, nil).SignInActivity(t.Context(), func(page Page[schemas.SignIn]) error {
		for _, s := range page.Items {
			if _, err := time.Parse(time.RFC3339, s.LastSignInDateTime); err == nil {
				seen++
			} else if s.LastSignInDateTime != "" {
				t.Errorf("%+v", s)
			}
		}
		return nil
	}); err != nil || seen == 0 {
		t.Errorf("%d with a sign-in, %v", seen, err)
	}
	for kind, change := range map[Kind]func(*graphsim.Switches){
		TenantLicence: func(s *graphsim.Switches) { s.Premium = false },
		Permission:    func(s *graphsim.Switches) { s.Roles = graphsim.DefaultRoles() },
	} {
		if err := p.Switch(id, change); err != nil {
			t.Fatal(err)
		}
		e := wantKind(t, p.client(t, 0, nil).SignInActivity(t.Context(), drain), kind)
		if kind == Permission && !strings.Contains(e.Remedy, "AuditLog.Read.All") || !strings.Contains(e.Error(), "HTTP 403") {
			t.Errorf("%v", e)
		}
		if err := p.Switch(id, func(s *graphsim.Switches) {
			s.Premium, s.Roles = true, append(graphsim.DefaultRoles(), permissionSignIns)
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReportSettings(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"displayConcealedNames":true}`: "true", `{"@odata.context":"x","displayConcealedNames":false}`: "false",
		`{"value":{"@odata.type":"#microsoft.graph.adminReportSettings","displayConcealedNames":true}}`: "true",
		`{}`: "bad-body", `{"displayConcealedNames":null}`: "bad-body", `{"displayConcealedNames":"` + canaryToken + `"}`: "bad-body",
		``: "bad-body", `<html>` + canaryToken: "bad-body", `{"displayConcealedNames":tr`: "bad-body", `[]`: "bad-body",
		strings.Repeat(" ", maxObject+1): "bad-body",
	} {
		f := newFake(t, answer(200, body))
		got, err := f.client().ReportSettings(t.Context())
		if want == "bad-body" {
			wantKind(t, err, BadBody)
		} else if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v %v", body, got, err)
		}
		if path := f.requests()[0].URL.Path; path != "/v1.0/admin/reportSettings" {
			t.Errorf("asked for %s", path)
		}
	}
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 20})
	c := p.client(t, 0, nil)
	for _, conceal := range []bool{true, false} {
		if err := p.Switch(p.Tenants()[0].ID, func(s *graphsim.Switches) { s.ConcealNames = conceal }); err != nil {
			t.Fatal(err)
		}
		if got, err := c.ReportSettings(t.Context()); err != nil || got != conceal {
			t.Errorf("%v %v", got, err)
		}
	}
	if err := p.Switch(p.Tenants()[0].ID, func(s *graphsim.Switches) { s.Roles = graphsim.DefaultRoles() }); err != nil {
		t.Fatal(err)
	}
	_, err := p.client(t, 0, nil).ReportSettings(t.Context())
	if e := wantKind(t, err, Permission); !strings.Contains(e.Remedy, permissionReportSettings) {
		t.Error(e)
	}
}

func TestDeletedUsers(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 2000})
	p.Advance(20)
	here := map[string]bool{}
	c := p.client(t, 0, nil)
	if err := c.Users(t.Context(), func(page Page[schemas.User]) error {
		for _, u := range page.Items {
			here[u.ID] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	found := 0
	if err := c.DeletedUsers(t.Context(), func(page Page[schemas.DeletedUser]) error {
		for _, u := range page.Items {
			found++
			at, err := time.Parse(time.RFC3339, u.DeletedDateTime)
			if err != nil || at.After(p.Now().Add(24*time.Hour)) || u.ID == "" || u.UserPrincipalName == "" || here[u.ID] || strings.Contains(string(u.Unknown), "deletedDateTime") {
				t.Errorf("%+v", u)
			}
		}
		return nil
	}); err != nil || found == 0 {
		t.Errorf("%d deleted users, %v", found, err)
	}
	f := newFake(t, answer(200, `{"value":[{"id":"1","userPrincipalName":"x","deletedDateTime":null,"surplus":1,"accountEnabled":false}]}`))
	users, _, err := collect(f.client().DeletedUsers)
	if err != nil || len(users) != 1 || users[0].DeletedDateTime != "" || users[0].AccountEnabled != schemas.No || !strings.Contains(string(users[0].Unknown), "surplus") {
		t.Errorf("%+v %v", users, err)
	}
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		date := ""
		c := stubClient(t, func(*http.Request) (*http.Response, error) {
			if err := sleep(t.Context(), 2*time.Second); err != nil {
				return nil, err
			}
			return respond(200, http.Header{"Date": {date}}, `{"value":[]}`), nil
		})
		if _, known := c.ClockSkew(); known {
			t.Error("known before the first answer")
		}
		for _, ahead := range []time.Duration{0, time.Hour, -10 * time.Minute} {
			date = time.Now().Add(time.Second + ahead).UTC().Format(http.TimeFormat)
			if err := c.Users(t.Context(), drain); err != nil {
				t.Fatal(err)
			}
			if got, known := c.ClockSkew(); !known || (got-ahead).Abs() > 1500*time.Millisecond {
				t.Errorf("%v, want %v", got, ahead)
			}
		}
		date = "yesterday"
		if err := c.Users(t.Context(), drain); err != nil {
			t.Fatal(err)
		}
		if got, known := c.ClockSkew(); !known || got > -9*time.Minute {
			t.Errorf("an unreadable date changes it to %v", got)
		}
	})
}

// Reports of totals have no user in them, and come through like the others.
func TestReportsOfTotals(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 300})
	c := p.client(t, 0, nil)
	for function, want := range map[string]int64{
		"getOffice365ActiveUserCounts": 30, "getOffice365ServicesUserCounts": 1, "getEmailActivityCounts": 30, "getEmailActivityUserCounts": 30,
		"getMailboxUsageMailboxCounts": 30, "getMailboxUsageStorage": 30, "getTeamsUserActivityUserCounts": 30,
		"getOffice365ActivationsUserCounts": 2, "getOffice365ActivationCounts": 2,
	} {
		s := spec(t, function)
		arg := ReportArg{Period: "D30"}
		if len(s.Periods) == 0 {
			arg = ReportArg{}
		}
		keys := map[string]bool{}
		counted := false
		res, err := c.Report(t.Context(), s, arg, testDigest, func(rows []schemas.Report) error {
			for _, r := range rows {
				keys[r.Key] = true
				counted = counted || len(r.Counts) > 0
				if r.UserPrincipalName != "" || r.Concealed {
					t.Errorf("%s: %+v", function, r)
				}
			}
			return nil
		})
		if err != nil || res.Rows != want || len(keys) != int(want) || !counted {
			t.Errorf("%s: %d rows, %d keys, %v", function, res.Rows, len(keys), err)
		}
		if len(res.NewColumns)+len(res.MissingColumns) > 0 || res.Rejected+res.RejectedValues+res.Duplicates > 0 {
			t.Errorf("%s: %+v", function, res)
		}
		_, err = c.Report(t.Context(), s, ReportArg{Date: "2026-03-01"}, testDigest, nil)
		wantKind(t, err, Unsupported)
	}
}

func TestReportByDate(t *testing.T) {
	t.Parallel()
	p := inside(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Users: 300})
	c := p.client(t, 0, nil)
	read := func(back int) (ReportResult, error) {
		date := p.Now().AddDate(0, 0, -back).Format(time.DateOnly)
		return c.Report(t.Context(), spec(t, testFunction), ReportArg{Date: date}, testDigest, func([]schemas.Report) error { return nil })
	}
	if res, err := read(5); err != nil || res.Rows == 0 || res.RefreshDate != p.Now().AddDate(0, 0, -5).Format(time.DateOnly) || res.Period != "1" {
		t.Errorf("%+v %v", res, err)
	}
	if res, err := read(0); err != nil || res.Rows != 0 { // not processed yet: a header alone
		t.Errorf("%+v %v", res, err)
	}
	_, err := read(40)
	if e := wantKind(t, err, Unsupported); !strings.Contains(e.Message, "28 days") || e.Status != 400 {
		t.Error(e)
	}
}
