package graph

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/go-json-experiment/json"
)

// tokenMargin is how long before its end a token is replaced.
const tokenMargin = 5 * time.Minute

// tokens keeps the tenant's current access token and lets one goroutine at a time get
// the next.
type tokens struct {
	signIn func(context.Context) (azcore.AccessToken, error)
	turn   chan struct{} // holds one element: whoever takes it may sign in

	mu     sync.Mutex
	cur    azcore.AccessToken
	margin time.Duration
	failed time.Time // the last sign-in that failed
}

func newTokens(signIn func(context.Context) (azcore.AccessToken, error)) *tokens {
	t := &tokens{signIn: signIn, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// get returns a token that is good for a while. If no new one can be had, the old one
// serves until its end, and a new one is tried for once a minute.
func (t *tokens) get(ctx context.Context) (string, error) {
	token, err := t.obtain(ctx, func(margin time.Duration) bool {
		left := time.Until(t.cur.ExpiresOn)
		return left > margin || left > 0 && time.Since(t.failed) < time.Minute
	})
	if err != nil && ctx.Err() == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if time.Until(t.cur.ExpiresOn) > 0 {
			return t.cur.Token, nil
		}
	}
	return token, err
}

// renew returns a token other than stale.
func (t *tokens) renew(ctx context.Context, stale string) (string, error) {
	return t.obtain(ctx, func(time.Duration) bool { return t.cur.Token != "" && t.cur.Token != stale })
}

// fresh returns a token that was not issued before the call: consent given since is in it.
func (t *tokens) fresh(ctx context.Context) (string, error) {
	return t.obtain(ctx, func(time.Duration) bool { return false })
}

func (t *tokens) obtain(ctx context.Context, good func(margin time.Duration) bool) (string, error) {
	ready := func() (string, bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.cur.Token, good(t.margin)
	}
	if token, ok := ready(); ok {
		return token, nil
	}
	select {
	case <-ctx.Done():
		return "", asError(ctx, ctx.Err())
	case <-t.turn:
	}
	defer func() { t.turn <- struct{}{} }()
	if token, ok := ready(); ok {
		return token, nil
	}
	now := time.Now()
	next, err := t.signIn(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.failed = time.Now()
		return "", err
	}
	t.cur, t.margin = next, min(tokenMargin, next.ExpiresOn.Sub(now)/10)
	return next.Token, nil
}

// claims are what a token says of itself. Whether it is genuine is for Graph to judge; here
// it only tells the operator what consent it carries and for which directory it is.
type claims struct {
	Roles  []string `json:"roles"` // application permissions
	Tenant string   `json:"tid"`   // directory id
}

func claimsOf(token string) (c claims, err error) {
	unreadable := &Error{Kind: SignIn, Message: "the token does not show its permissions"}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, unreadable
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return c, unreadable
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, unreadable
	}
	slices.Sort(c.Roles)
	c.Roles = slices.Compact(c.Roles)
	return c, nil
}
