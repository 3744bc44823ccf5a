package graph

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// feed is what a request reads: it names the permission that a refusal is about.
type feed struct {
	name       string
	permission string // the application permission that covers it
}

var (
	feedUsers         = feed{"users", "User.Read.All"}
	feedGroups        = feed{"groups", "Group.Read.All"}
	feedMembers       = feed{"members", "Group.Read.All"}
	feedSKUs          = feed{"skus", "Directory.Read.All"}
	feedSubscriptions = feed{"subscriptions", "Directory.Read.All"}
	feedOrganization  = feed{"organization", "Directory.Read.All"}
	feedReport        = feed{"report", "Reports.Read.All"}

	// Beyond the four, used where granted.
	feedSignIns        = feed{"sign-in activity", permissionSignIns}
	feedReportSettings = feed{"report settings", permissionReportSettings}
	feedDeletedUsers   = feed{"deleted users", "User.Read.All"}
)

// Optional permissions.
const (
	permissionSignIns        = "AuditLog.Read.All"
	permissionReportSettings = "ReportSettings.Read.All"
)

const consentPlace = "Entra admin centre > App registrations > the app > API permissions: add %s as an application permission, then Grant admin consent"

// maxErrorBody bounds what is read of an answer that is not what was asked for.
const maxErrorBody = 64 << 10

// odataError is the shape of Graph's errors (Microsoft Graph documentation, "Error
// responses and resource types"). innerError is also spelt innererror, and the message
// of an outer UnknownError may hold the real error as JSON text.
type odataError struct {
	Error struct {
		Code    string     `json:"code"`
		Message string     `json:"message"`
		Inner   innerError `json:"innerError"`
	} `json:"error"`
}

type innerError struct {
	Code      string `json:"code"`
	RequestID string `json:"request-id"`
}

var errorOptions = json.JoinOptions(
	jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), json.MatchCaseInsensitiveNames(true),
)

// parseODataError reads code, message and request id out of an error body. A body that
// is none gives empty strings.
func parseODataError(body []byte) (code, message, requestID string) {
	var e odataError
	if json.Unmarshal(body, &e, errorOptions) != nil {
		return "", "", ""
	}
	code, message, requestID = e.Error.Code, e.Error.Message, e.Error.Inner.RequestID
	if code == "" || code == "UnknownError" {
		if strings.HasPrefix(strings.TrimSpace(message), "{") {
			var wrapped odataError
			if json.Unmarshal([]byte(message), &wrapped, errorOptions) == nil && wrapped.Error.Code != "" {
				code, message = wrapped.Error.Code, wrapped.Error.Message
			}
		}
	}
	if code == "" {
		code = e.Error.Inner.Code
	}
	return code, message, requestID
}

// responseError turns an answer other than 200 into an Error. It reads the body but does
// not close it.
func responseError(resp *http.Response, f feed) *Error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	code, message, requestID := parseODataError(body)
	e := &Error{
		Status:    resp.StatusCode,
		Code:      cleanCode(code),
		RequestID: cleanID(requestID),
	}
	if id := cleanID(resp.Header.Get("request-id")); id != "" {
		e.RequestID = id
	}
	if wait, ok := retryAfter(resp.Header, time.Now()); ok {
		e.RetryAfter = wait
	}
	e.describe(message, f)
	return e
}

// describe sets kind, message and remedy from status and code. Codes are compared
// without regard to case: Graph's services differ in it.
func (e *Error) describe(message string, f feed) {
	code := strings.ToLower(e.Code)
	switch {
	case code == "directory_expiredpagetoken":
		e.Kind, e.Message = ExpiredPage, "the page token expired: the listing must be restarted"
	case code == "syncstatenotfound", e.Status == http.StatusGone:
		e.Kind, e.Message = ExpiredDelta, "the delta token expired: a full listing must follow"
	case code == "authentication_requestfromnonpremiumtenantorb2ctenant":
		e.Kind, e.Message = TenantLicence, "the tenant lacks the licence this needs (Microsoft Entra ID P1)"
		e.Remedy = "buy Microsoft Entra ID P1 for the tenant, or go by the usage reports alone"
	case e.Status == http.StatusUnauthorized:
		e.Kind, e.Message = SignIn, "graph does not accept the token"
		e.Remedy = "check that cloud, tenant and client id belong together"
	case e.Status == http.StatusForbidden, code == "authorization_requestdenied", code == "s2sunauthorized":
		e.Kind, e.Message = Permission, "not permitted to read "+f.name+": most likely "+f.permission+" is not granted"
		e.Remedy = strings.Replace(consentPlace, "%s", f.permission, 1)
	case e.Status == http.StatusTooManyRequests, e.Status == 509:
		// 509 is documented as "Bandwidth Limit Exceeded".
		e.Kind, e.Message = Throttled, "graph throttles this tenant"
	case e.Status == http.StatusNotFound:
		e.Kind, e.Message = NotFound, "not found"
	case e.Status == http.StatusNotImplemented:
		e.Kind, e.Message = Unsupported, withDetail("graph does not offer this", message)
	case e.Status >= 500:
		e.Kind, e.Message = Unavailable, "graph is not available"
	case e.Status >= 400:
		e.Kind, e.Message = Unsupported, withDetail("graph refused the request", message)
	default:
		e.Kind, e.Message = BadBody, "unexpected answer"
	}
}

func withDetail(message, detail string) string {
	if detail = clean(detail); detail == "" {
		return message
	}
	return message + ": " + detail
}

const networkRemedy = "check that this machine reaches Microsoft on port 443: name resolution, firewall, proxy (HTTPS_PROXY)"

// networkError keeps of a failed request only causes whose text is known to hold no URL.
func networkError(err error) *Error {
	e := &Error{Kind: Network, Message: "no answer", Remedy: networkRemedy}
	if untrusted(err) {
		e.Message = "the server's certificate is not trusted"
		e.Remedy = "name the authority that issued it in ca_file"
	}
	if cause := showable(err); cause != nil {
		e.Err = cause
	}
	return e
}

// untrusted reports whether a TLS certificate was refused: trying again does not help.
func untrusted(err error) bool {
	var (
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid)
}

func showable(err error) error {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	var verify *tls.CertificateVerificationError
	if errors.As(err, &verify) {
		return verify.Err
	}
	for _, known := range []error{io.ErrUnexpectedEOF, io.EOF, syscall.ECONNRESET, context.DeadlineExceeded, errStalled} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}
