package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind says what a caller can do about an error.
type Kind string

// Kinds of errors.
const (
	// SignIn: no token, or Graph takes none that we get. The operator must act.
	SignIn Kind = "sign-in"
	// Permission: an application permission is not granted. The operator must act.
	Permission Kind = "permission"
	// TenantLicence: the tenant lacks the licence that the feature needs.
	TenantLicence Kind = "tenant-licence"
	// Throttled: too many requests; RetryAfter says when to come back, if Graph said.
	Throttled Kind = "throttled"
	// ExpiredPage: the listing must be started anew.
	ExpiredPage Kind = "expired-page"
	// ExpiredDelta: the delta token is gone; a full listing must follow.
	ExpiredDelta Kind = "expired-delta"
	// Unsupported: Graph or this cloud does not offer what was asked.
	Unsupported Kind = "unsupported"
	// NotFound: the entity is gone.
	NotFound Kind = "not-found"
	// BadBody: an answer that is cut off, not what it should be, or too large.
	BadBody Kind = "bad-body"
	// Unavailable: 5xx after all tries.
	Unavailable Kind = "unavailable"
	// Network: no answer after all tries.
	Network Kind = "network"
	// ForeignHost: a link led away from the configured host and was not followed.
	ForeignHost Kind = "foreign-host"
	// Loop: a listing that does not end.
	Loop Kind = "loop"
	// Cancelled: the caller's context ended.
	Cancelled Kind = "cancelled"
)

// Error is every failure that this package reports; find it with errors.As. Its text and
// fields are safe to log: they never hold a secret, a token, a link or the free text of
// the sign-in service, which names the application and the directory.
type Error struct {
	Kind       Kind
	Status     int           // HTTP status, 0 if there was no answer
	Code       string        // Graph's error code, or AADSTS and a number
	Message    string        // what happened
	Remedy     string        // what the operator can do, empty if nothing
	RequestID  string        // Graph's request id or the sign-in's trace id, for support
	RetryAfter time.Duration // what Graph asked for, 0 if it did not
	Err        error         // the cause, where it is safe to show

	final bool // every try has been made
}

// Error gives kind, message, status, code, request id and remedy in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Kind))
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	var at []string
	if e.Status != 0 {
		at = append(at, fmt.Sprintf("HTTP %d", e.Status))
	}
	if e.Code != "" {
		at = append(at, e.Code)
	}
	if e.RequestID != "" {
		at = append(at, "request "+e.RequestID)
	}
	if len(at) > 0 {
		b.WriteString(" (" + strings.Join(at, ", ") + ")")
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, empty if it is not an Error of this package.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// asError brings any error of a request into the package's own form. What net/http and
// the SDK wrap around a cause holds the request's URL, so only the cause is kept.
func asError(ctx context.Context, err error) *Error {
	if ctx.Err() != nil {
		return &Error{Kind: Cancelled, Message: "the caller gave up", Err: ctx.Err()}
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return networkError(err)
}

const (
	maxMessage  = 300
	longestWord = 36 // a GUID; secrets and tokens are longer
)

// clean makes text of a response fit to show: one line, bounded, and without any long
// unbroken run, which is how a token, a link or a secret would come back to us.
func clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	for i, w := range words {
		if len(w) > longestWord {
			words[i] = "..."
		}
	}
	s = strings.Join(words, " ")
	if len(s) > maxMessage {
		cut := maxMessage
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	return s
}

// cleanID keeps a request id only if it looks like one.
func cleanID(s string) string {
	if len(s) > 64 {
		return ""
	}
	for _, r := range s {
		if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return ""
		}
	}
	return s
}

// cleanCode keeps an error code as it is if it looks like one: some are long.
func cleanCode(s string) string {
	if len(s) > 64 {
		return clean(s)
	}
	for _, r := range s {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return clean(s)
		}
	}
	return s
}
