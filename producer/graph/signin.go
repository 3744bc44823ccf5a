package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/go-json-experiment/json"
)

const (
	maxToken = 1 << 20 // bounds one answer of the sign-in service
	// signInTime bounds one sign-in with its retries.
	signInTime = 15 * time.Minute
)

// signer asks the tenant's authority for tokens, or the machine for those of its own
// identity.
type signer struct {
	tenant, clientID string
	credential       Credential
	authority        string
	hosts            []origin // that may see the credential
	scope            string
	next             http.RoundTripper
	machine          http.RoundTripper // to the machine's identity service
	retry            *retrier
	skew             *skew
}

// token signs in. The credential is made anew each time: it reads its secret again, so a
// rotated one works without a restart, and its cache cannot hand back a token that Graph
// refused.
func (s *signer) token(ctx context.Context) (azcore.AccessToken, error) {
	x := &exchange{signer: s, next: s.next}
	cred, err := s.credential.open(x)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return azcore.AccessToken{}, e
		}
		return azcore.AccessToken{}, &Error{Kind: SignIn, Message: "the tenant, client id or authority is not well formed"}
	}
	// Without a deadline azidentity sets one of 30 seconds, less than a Retry-After.
	bounded, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	token, err := cred.GetToken(bounded, policy.TokenRequestOptions{Scopes: []string{s.scope}})
	if err != nil {
		return azcore.AccessToken{}, x.explain(ctx, err)
	}
	return token, nil
}

// exchange is the transport of one sign-in. It remembers the failure as our own error,
// because azidentity's error text quotes the whole answer.
type exchange struct {
	*signer
	next  http.RoundTripper
	local bool // asks the machine's own identity service, not the authority
	fail  *Error
}

// allows checks where a request of azidentity's goes: the address of the token endpoint
// comes out of a document, and the request carries the secret.
func (x *exchange) allows(u *url.URL) bool {
	if x.local {
		return u.User == nil && slices.Contains(machineEndpoints(), u.Scheme+"://"+strings.ToLower(u.Host))
	}
	return slices.ContainsFunc(x.hosts, func(o origin) bool { return o.allows(u) })
}

// Do sends a request of azidentity's to the authority, or to the machine, and to nobody
// else.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	if !x.allows(req.URL) {
		x.fail = &Error{Kind: ForeignHost, Message: "the authority names a sign-in endpoint outside " + x.hosts[0].String()}
		return nil, x.fail
	}
	var form []byte
	if req.Body != nil {
		var err error
		if form, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	resp, err := x.retry.do(req.Context(), alone{}, func() (*http.Response, error) {
		r := req.Clone(req.Context())
		if form != nil {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(form)), int64(len(form))
			r.GetBody = nil
		}
		sent := time.Now()
		resp, err := x.retry.watched(x.next, r, r.Header, maxToken)
		if err == nil {
			x.skew.note(resp.Header, sent)
		}
		return resp, err
	})
	if err != nil {
		x.fail = asError(req.Context(), err)
		if x.local && x.fail.Kind == Network {
			x.fail.Message = "the machine's identity service does not answer"
			x.fail.Remedy = "a managed identity exists on Azure machines only: elsewhere use a certificate or a secret"
		}
		return nil, x.fail
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		_ = resp.Body.Close()
		x.fail = signInError(resp, text)
		if x.local && resp.StatusCode < 500 && x.fail.Remedy == "" {
			x.fail.Message = "the machine has no such managed identity"
			x.fail.Remedy = "assign one to it, or name the right client id: Azure portal > the machine > Security > Identity"
		}
		resp.Body = io.NopCloser(bytes.NewReader(text))
	}
	return resp, nil
}

// explain turns azidentity's error into ours without any of its text.
func (x *exchange) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return asError(ctx, ctx.Err())
	}
	if x.fail != nil && x.fail.Kind == Cancelled {
		return &Error{Kind: Network, Message: "the sign-in takes too long", final: true}
	}
	if x.fail != nil {
		return x.fail
	}
	if failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok && failed.RawResponse != nil {
		text, _ := io.ReadAll(io.LimitReader(failed.RawResponse.Body, maxErrorBody))
		return signInError(failed.RawResponse, text)
	}
	return &Error{Kind: SignIn, Message: "the authority's answer is not what a sign-in gives"}
}

const federatedPlace = "Entra admin centre > App registrations > the app > Certificates & secrets > Federated credentials"

// signInCodes explains the codes of Microsoft's "Microsoft Entra authentication and
// authorization error codes". Codes are compared, never the wording.
var signInCodes = map[int64][2]string{
	7000215: {"the client secret is wrong", "use the secret's Value, not its Secret ID: Entra admin centre > App registrations > the app > Certificates & secrets"},
	7000222: {"the client secret has expired", "make a new one: Entra admin centre > App registrations > the app > Certificates & secrets"},
	90002:   {"the tenant does not exist in this cloud", "check the directory id (Entra admin centre > Overview > Tenant ID) and the cloud"},
	900023:  {"the tenant is neither a directory id nor a domain name", "use the directory id: Entra admin centre > Overview > Tenant ID"},
	700016:  {"the app is not known in this tenant", "check client id and tenant; for an app of another tenant an administrator of this tenant must consent first"},
	70011:   {"the scope is not valid", "check that cloud and graph_url belong together"},
	500011:  {"microsoft graph is not known in this tenant's cloud", "check the cloud"},
	700027:  {"the certificate is not registered with the app, or has expired", "upload its public part: " + certificatePlace},
	700024:  {"the signed proof is not within its time", "check this machine's clock, or the life of the federated token"},
	7000218: {"the sign-in service saw neither secret nor certificate", "check that the app is a confidential client"},
	70025:   {"the app has no federated credential", "add one: " + federatedPlace},
	70021:   {"no federated credential of the app fits the token", "compare issuer, subject and audience: " + federatedPlace},
	700211:  {"no federated credential of the app has the token's issuer", "compare the issuer, also its last slash: " + federatedPlace},
	700212:  {"no federated credential of the app has the token's audience", "the audience is api://AzureADTokenExchange as a rule: " + federatedPlace},
	700213:  {"no federated credential of the app has the token's subject", "compare namespace and service account: " + federatedPlace},
	7000112: {"the app is disabled in this tenant", "Entra admin centre > Enterprise applications > the app > Properties: enable users to sign in"},
	53003:   {"a Conditional Access policy blocks the app", "exclude the app's service principal from the policy"},
}

// signInError reads the sign-in service's JSON error. error_description is left unread:
// it names the app and the directory.
func signInError(resp *http.Response, text []byte) *Error {
	var body struct {
		Error   string  `json:"error"`
		Codes   []int64 `json:"error_codes"`
		TraceID string  `json:"trace_id"`
	}
	if err := json.Unmarshal(text, &body, errorOptions); err != nil {
		body.Error, body.Codes = "", nil
	}
	e := &Error{Kind: SignIn, Status: resp.StatusCode, RequestID: cleanID(body.TraceID)}
	if wait, ok := retryAfter(resp.Header, time.Now()); ok {
		e.RetryAfter = wait
	}
	for _, code := range body.Codes {
		known, ok := signInCodes[code]
		if e.Code == "" || ok {
			e.Code = "AADSTS" + strconv.FormatInt(code, 10)
		}
		if ok {
			e.Message, e.Remedy = known[0], known[1]
			return e
		}
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Kind, e.Message = Throttled, "the sign-in service throttles this app"
	case resp.StatusCode >= 500:
		e.Kind, e.Message = Unavailable, "the sign-in service is not available"
	case e.Code != "":
		e.Message = "the sign-in was refused"
		e.Remedy = fmt.Sprintf("look up %s in Microsoft's list of sign-in error codes", e.Code)
	default:
		e.Message = "the sign-in was refused"
		e.Code = cleanID(strings.ReplaceAll(body.Error, "_", "-"))
	}
	return e
}
