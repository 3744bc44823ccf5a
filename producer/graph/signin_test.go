package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

func TestPermissions(t *testing.T) {
	t.Parallel()
	f := newFake(t, answer(404, ""))
	c := f.client()
	roles, err := c.Permissions(context.Background())
	if err != nil || !slices.Equal(roles, []string{"Directory.Read.All", "User.Read.All"}) {
		t.Fatalf("%v %v", roles, err)
	}
	f.roles = []string{"Reports.Read.All"}
	if roles, err = c.Permissions(context.Background()); err != nil || !slices.Equal(roles, []string{"Reports.Read.All"}) {
		t.Errorf("new consent is not seen: %v %v", roles, err)
	}
	for _, token := range []string{"opaque", canaryToken + ".?.x", canaryToken + ".e30.x", canaryToken + ".W10.x"} {
		if said, err := claimsOf(token); err != nil {
			wantKind(t, err, SignIn)
		} else if len(said.Roles) != 0 || said.Tenant != "" {
			t.Errorf("%+v of %q", said, token)
		}
	}
}

func TestSignInErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{7000215: "secret is wrong", 7000222: "expired", 90002: "does not exist", 900023: "neither", 700016: "not known", 70011: "scope", 999: "refused"} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			f := newFake(t, answer(200, `{"value":[]}`))
			f.signIn = answer(401, fmt.Sprintf(`{"error":"invalid_client","error_description":"AADSTS%d: %s","error_codes":[%d],"trace_id":"%s"}`, code, canaryDescription, code, testTenant))
			_, _, err := collect(f.client().Users)
			e := wantKind(t, err, SignIn)
			if e.Code != fmt.Sprintf("AADSTS%d", code) || !strings.Contains(e.Message, want) || e.Remedy == "" || e.RequestID != testTenant || e.Status != 401 {
				t.Errorf("%+v", e)
			}
			if f.issued != 1 {
				t.Errorf("asked %d times", f.issued)
			}
		})
	}
}

func TestSignInAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"html": "<html>" + canaryDescription, "empty": "", "token missing": `{"token_type":"Bearer"}`, "broken": `{"access_token":"` + canaryToken} {
		for _, status := range []int{200, 400, 302} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				t.Parallel()
				f := newFake(t, answer(200, `{"value":[]}`))
				f.signIn = answer(status, body)
				_, _, err := collect(f.client().Users)
				wantKind(t, err, SignIn)
			})
		}
	}
}

func TestSignInUnavailable(t *testing.T) {
	t.Parallel()
	f := newFake(t, answer(200, `{"value":[]}`))
	f.signIn = answer(503, "")
	_, _, err := collect(f.client().Users)
	wantKind(t, err, Unavailable)
	if f.issued != maxTries {
		t.Errorf("asked %d times", f.issued)
	}
}

// The secret must not follow an endpoint that the authority's metadata names elsewhere.
func TestForeignTokenEndpoint(t *testing.T) {
	t.Parallel()
	canary := newCanary(t)
	f := newFake(t, nil)
	f.srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"token_endpoint":"%s/token","authorization_endpoint":"%[1]s/authorize","issuer":"%s/x"}`, canary.srv.URL, f.srv.URL)
	})
	_, err := f.client().Permissions(context.Background())
	wantKind(t, err, ForeignHost)
	canary.mustBeUntouched()
}

func TestRotatedSecret(t *testing.T) {
	t.Parallel()
	f := newFake(t, answer(200, `{"value":[]}`))
	secret := canarySecret + "-old"
	cfg := f.config()
	cfg.Secret = func() (string, error) { return secret, nil }
	c := f.clientOf(cfg)
	if _, err := c.Permissions(context.Background()); err != nil {
		t.Fatal(err)
	}
	secret = canarySecret + "-new"
	if _, err := c.Permissions(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.forms, []string{canarySecret + "-old", canarySecret + "-new"}) {
		t.Errorf("secrets seen: %v", f.forms)
	}
	secret = ""
	_, err := c.Permissions(context.Background())
	wantKind(t, err, SignIn)
	cfg.Secret = func() (string, error) { return "", errors.New("the file is gone") }
	_, err = f.clientOf(cfg).Permissions(context.Background())
	wantKind(t, err, SignIn)
}

const expiredToken = `{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed, the token is expired."}}`

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	var f *fake
	f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+f.jwt(1) {
			// A challenge of this form makes the SDK's own handling panic.
			w.Header().Set("WWW-Authenticate", "Bearer claims=")
			answer(401, expiredToken)(w, r)
			return
		}
		answer(200, `{"value":[{"id":"1"}]}`)(w, r)
	})
	users, _, err := collect(f.client().Users)
	if err != nil || len(users) != 1 || f.issued != 2 || len(f.requests()) != 2 {
		t.Errorf("%v %v, %d tokens, %d requests", users, err, f.issued, len(f.requests()))
	}
}

func TestTokenRefusedForGood(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="", claims=x`)
		answer(401, expiredToken)(w, r)
	})
	_, _, err := collect(f.client().Users)
	wantKind(t, err, SignIn)
	if f.issued != 2 || len(f.requests()) != 2 {
		t.Errorf("%d tokens, %d requests", f.issued, len(f.requests()))
	}
}

// One goroutine signs in, the others wait; a failure with a token in hand is survived.
func TestTokensAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, fail := 0, false
		ts := newTokens(func(ctx context.Context) (azcore.AccessToken, error) {
			if err := sleep(ctx, time.Second); err != nil {
				return azcore.AccessToken{}, err
			}
			if fail {
				return azcore.AccessToken{}, &Error{Kind: Unavailable}
			}
			n++
			return azcore.AccessToken{Token: fmt.Sprint(n), ExpiresOn: time.Now().Add(time.Hour)}, nil
		})
		got := make(chan string, 20)
		for range 20 {
			go func() {
				token, _ := ts.get(t.Context())
				got <- token
			}()
		}
		for range 20 {
			if token := <-got; token != "1" {
				t.Fatalf("token %q", token)
			}
		}
		time.Sleep(56 * time.Minute) // inside the margin
		if token, err := ts.get(t.Context()); err != nil || token != "2" {
			t.Errorf("%q %v", token, err)
		}
		time.Sleep(56 * time.Minute)
		fail = true
		if token, err := ts.get(t.Context()); err != nil || token != "2" {
			t.Errorf("the old token does not serve: %q %v", token, err)
		}
		tried := time.Now()
		if token, err := ts.get(t.Context()); err != nil || token != "2" || time.Since(tried) != 0 {
			t.Errorf("a failed sign-in is repeated at once: %q %v", token, err)
		}
		time.Sleep(5 * time.Minute)
		if _, err := ts.get(t.Context()); KindOf(err) != Unavailable {
			t.Errorf("an expired token serves: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := ts.fresh(ctx); err == nil {
			t.Error("a cancelled sign-in succeeds")
		}
	})
}
