package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

func collect[T any](list func(context.Context, func(Page[T]) error) error) ([]T, []int, error) {
	var (
		all   []T
		pages []int
	)
	err := list(context.Background(), func(p Page[T]) error {
		if p.Number != len(pages)+1 {
			return fmt.Errorf("page number %d after %d pages", p.Number, len(pages))
		}
		all = append(all, p.Items...)
		pages = append(pages, len(p.Items))
		return nil
	})
	return all, pages, err
}

const oneUser = `{"id":"6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0","userPrincipalName":"a@contoso.com","displayName":null,
 "accountEnabled":true,"onPremisesSyncEnabled":null,"usageLocation":"NL","createdDateTime":"2020-01-01T00:00:00Z","surplus":{"a":[1]},
 "assignedLicenses":[{"disabledPlans":["113feb6c-3fe4-4440-bddc-54d774bf0318"],"skuId":"C7DF2760-2c81-4ef7-b578-5b5392b571df"}],
 "licenseAssignmentStates":[{"skuId":"c7df2760-2c81-4ef7-b578-5b5392b571df","disabledPlans":[],"assignedByGroup":null,"state":"Active","error":"None","lastUpdatedDateTime":"2020-01-02T00:00:00Z"}]}`

func TestUsers(t *testing.T) {
	t.Parallel()
	var f *fake
	f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("$skiptoken") {
		case "":
			fmt.Fprintf(w, `{"@odata.context":"x","@odata.nextLink":"%s/v1.0/users?$skiptoken=a%%2Db&$top=999","value":[%s]}`, f.srv.URL, oneUser)
		case "a-b":
			fmt.Fprintf(w, `{"value":[],"@odata.nextLink":"%s/v1.0/users?$skiptoken=c"}`, f.srv.URL)
		case "c":
			fmt.Fprint(w, `{"value":[{"id":"2"},{"id":"3"}],"@odata.nextLink":null}`)
		}
	})
	users, pages, err := collect(f.client().Users)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(pages, []int{1, 0, 2}) || users[2].ID != "3" {
		t.Fatalf("pages %v, users %v", pages, users)
	}
	u := users[0]
	if u.UserPrincipalName != "a@contoso.com" || u.AccountEnabled != schemas.Yes || u.OnPremisesSyncEnabled != schemas.Unknown || u.UsageLocation != "NL" {
		t.Errorf("user %+v", u)
	}
	if len(u.AssignedLicenses) != 1 || len(u.AssignedLicenses[0].DisabledPlans) != 1 || u.LicenseAssignmentStates[0].State != "Active" {
		t.Errorf("licences %+v %+v", u.AssignedLicenses, u.LicenseAssignmentStates)
	}
	if !strings.Contains(string(u.Unknown), `"surplus"`) {
		t.Errorf("unknown members %s", u.Unknown)
	}
	if users[1].UserPrincipalName != "" || users[1].AssignedLicenses != nil {
		t.Errorf("a reused element keeps values: %+v", users[1])
	}
	first := f.requests()[0]
	q := first.URL.Query()
	if q.Get("$top") != "999" || q.Get("$select") != strings.Join(userProperties, ",") || first.URL.Path != "/v1.0/users" {
		t.Errorf("request %s", first.URL)
	}
	if got := f.requests()[1].URL.RawQuery; got != "$skiptoken=a%2Db&$top=999" {
		t.Errorf("next link was changed: %s", got)
	}
	for name, want := range map[string]string{"X-Ms-Throttle-Priority": "low", "Accept-Encoding": "gzip", "User-Agent": userAgent} {
		if first.Header.Get(name) != want {
			t.Errorf("%s: %q", name, first.Header.Get(name))
		}
	}
	if first.Header.Get("Client-Request-Id") == f.requests()[1].Header.Get("Client-Request-Id") || first.Header.Get("SdkVersion") == "" {
		t.Errorf("headers %v", first.Header)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1.0/groups":
			fmt.Fprint(w, `{"value":[{"id":"g","groupTypes":["Unified"],"securityEnabled":false,"licenseProcessingState":{"state":"ProcessingComplete"},"assignedLicenses":[{"skuId":"s"}]}]}`)
		case "/v1.0/groups/g/members":
			fmt.Fprint(w, `{"value":[{"@odata.type":"#microsoft.graph.user","id":"u"},{"id":"d","@odata.type":"#microsoft.graph.device","x":1}]}`)
		case "/v1.0/subscribedSkus":
			if r.URL.RawQuery != "" {
				w.WriteHeader(400)
			}
			fmt.Fprint(w, `{"value":[{"id":"t_s","skuId":"s","skuPartNumber":"E5","consumedUnits":7,"prepaidUnits":{"enabled":5,"warning":1}}]}`)
		case "/v1.0/directory/subscriptions":
			fmt.Fprint(w, `{"value":[{"id":"b","skuId":"s","totalLicenses":5,"isTrial":false,"nextLifecycleDateTime":"2030-01-01T00:00:00Z"}]}`)
		case "/v1.0/organization":
			fmt.Fprint(w, `{"value":[{"id":"o","displayName":"Contoso","verifiedDomains":[{"name":"contoso.com","isDefault":true,"capabilities":"Email"}]}]}`)
		default:
			w.WriteHeader(404)
		}
	})
	c := f.client()
	groups, _, err := collect(c.Groups)
	if err != nil || groups[0].LicenseProcessingState.State != "ProcessingComplete" || groups[0].SecurityEnabled != schemas.No {
		t.Errorf("groups %+v %v", groups, err)
	}
	members, _, err := collect(func(ctx context.Context, y func(Page[schemas.Member]) error) error { return c.Members(ctx, "g", y) })
	if err != nil || len(members) != 2 || members[0].Type != "user" || members[1].Type != "device" || members[1].GroupID != "g" || string(members[1].Unknown) != `{"x":1}` {
		t.Errorf("members %+v %v", members, err)
	}
	skus, _, err := collect(c.SKUs)
	if err != nil || skus[0].ConsumedUnits != 7 || skus[0].PrepaidUnits.Warning != 1 {
		t.Errorf("skus %+v %v", skus, err)
	}
	subs, _, err := collect(c.Subscriptions)
	if err != nil || subs[0].TotalLicenses != 5 || subs[0].IsTrial != schemas.No {
		t.Errorf("subscriptions %+v %v", subs, err)
	}
	org, err := c.Organization(context.Background())
	if err != nil || org.DefaultDomain() != "contoso.com" {
		t.Errorf("organization %+v %v", org, err)
	}
	_, _, err = collect(func(ctx context.Context, y func(Page[schemas.Member]) error) error {
		return c.Members(ctx, "gone/../x", y)
	})
	wantKind(t, err, NotFound)
}

func TestYieldErrorComesBackAsItIs(t *testing.T) {
	t.Parallel()
	f := newFake(t, answer(200, `{"value":[{"id":"1"}]}`))
	stop := errors.New("stop")
	if err := f.client().Users(context.Background(), func(Page[schemas.User]) error { return stop }); err != stop {
		t.Errorf("got %v", err)
	}
}

// A page that is cut off anywhere must never pass for a whole one.
func TestEveryTruncationOfAPage(t *testing.T) {
	t.Parallel()
	page := `{"@odata.context":"c","@odata.nextLink":"https://graph.microsoft.com/v1.0/users?x=1","value":[` + oneUser + `,{"id":"2"}]}`
	for i := range len(page) {
		var d pageDecoder[schemas.User]
		if _, _, err := d.decode(strings.NewReader(page[:i]), pageOptions); err == nil {
			t.Fatalf("cut at %d of %d passes", i, len(page))
		}
	}
	var d pageDecoder[schemas.User]
	if items, next, err := d.decode(io.MultiReader(strings.NewReader(page[:40]), strings.NewReader(page[40:])), pageOptions); err != nil || len(items) != 2 || next == "" {
		t.Fatalf("whole page: %v %q %v", items, next, err)
	}
}

func TestPagesThatAreNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"html": "<!doctype html><html><body>sign in</body></html>", "empty": "", "null": "null", "array": "[]", "no value": `{"x":1}`,
		"value null": `{"value":null}`, "value object": `{"value":{}}`, "null element": `{"value":[null]}`, "no id": `{"value":[{"mail":"x"}]}`,
		"text after": `{"value":[]} {}`, "link number": `{"value":[],"@odata.nextLink":5}`, "link empty": `{"value":[],"@odata.nextLink":""}`,
		"two values": `{"value":[{"id":"1"}],"value":[]}`, "wrong type": `{"value":[{"id":"1","assignedLicenses":"` + canaryToken + `"}]}`,
		"bad name": `{"value":[{"id":"1","` + canaryToken + `":}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, answer(200, body))
			_, pages, err := collect(f.client().Users)
			wantKind(t, err, BadBody)
			if len(pages) != 0 || len(f.requests()) != 2 {
				t.Errorf("%d pages, %d requests", len(pages), len(f.requests()))
			}
		})
	}
}

func TestPageIsReadAgainAfterABreak(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, `{"value":[{"id":"1"}`)
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, `{"value":[{"id":"2"}]}`)
	})
	f.srv.Config.ErrorLog = quiet
	users, _, err := collect(f.client().Users)
	if err != nil || len(users) != 1 || users[0].ID != "2" {
		t.Errorf("%v %v", users, err)
	}
}

func TestPageLargerThanTheLimit(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"value":[`, strings.Repeat(" ", 100_000), `]}`)
	})
	c := f.client()
	c.maxPage = 50_000
	if err := c.connect(c.idle[len(c.idle)-1]); err != nil {
		t.Fatal(err)
	}
	_, _, err := collect(c.Users)
	e := wantKind(t, err, BadBody)
	if !strings.Contains(e.Message, "larger") || len(f.requests()) != 1 {
		t.Errorf("%v after %d requests", e, len(f.requests()))
	}
}

// One client serves many goroutines: they share a token, and no request disturbs another.
func TestConcurrentLists(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		id := strings.Split(r.URL.Path, "/")[3]
		fmt.Fprintf(w, `{"value":[{"@odata.type":"#microsoft.graph.user","id":"of-%s"}]}`, id)
	})
	c := f.client()
	errs := make(chan error)
	for i := range 50 {
		go func() {
			id := fmt.Sprint("group-", i)
			errs <- c.Members(t.Context(), id, func(p Page[schemas.Member]) error {
				if len(p.Items) != 1 || p.Items[0].MemberID != "of-"+id || p.Items[0].GroupID != id {
					return fmt.Errorf("%s: %+v", id, p.Items)
				}
				return nil
			})
		}()
	}
	for range 50 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if f.issued != 1 {
		t.Errorf("%d tokens", f.issued)
	}
}
