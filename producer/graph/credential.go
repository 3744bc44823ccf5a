package graph

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Credential is a way in which the app proves who it is: Certificate, WorkloadIdentity or
// ManagedIdentity. What it is made of is read anew at every sign-in, so that what was
// rotated works without a restart.
type Credential interface {
	// open makes azidentity's credential for one sign-in. Its requests go through x.
	open(x *exchange) (azcore.TokenCredential, error)
	// needsApp reports whether the sign-in names tenant and app.
	needsApp() bool
	// expiry says when it expires, as far as can be known.
	expiry() (expiry, error)
}

func credentialOf(cfg Config) (Credential, error) {
	cred := cfg.Credential
	switch {
	case cred != nil && cfg.Secret != nil:
		return nil, errors.New("give either a client secret or another credential, not both")
	case cred == nil && cfg.Secret != nil:
		cred = secret(cfg.Secret)
	}
	if cfg.Tenant == "" || cred == nil || cfg.ClientID == "" && cred.needsApp() {
		return nil, errors.New("tenant, client id and client secret are needed, or another credential in place of the secret")
	}
	return cred, nil
}

// clientOptions are those of every credential: requests leave through the exchange, which
// checks where they go and does the retries.
func (x *exchange) clientOptions() azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     azcloud.Configuration{ActiveDirectoryAuthorityHost: x.authority},
		Transport: x,
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{ApplicationID: userAgent},
	}
}

// secret is the client secret.
type secret func() (string, error)

func (s secret) needsApp() bool { return true }

func (s secret) open(x *exchange) (azcore.TokenCredential, error) {
	value, err := s()
	if err != nil {
		return nil, &Error{Kind: SignIn, Message: "read client secret", Err: err}
	}
	if value == "" {
		return nil, &Error{Kind: SignIn, Message: "the client secret is empty"}
	}
	return azidentity.NewClientSecretCredential(x.tenant, x.clientID, value, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: x.clientOptions(),
		// The authority comes from the table of clouds or from the operator.
		DisableInstanceDiscovery: true,
	})
}

// WorkloadIdentity signs in with a token that another identity provider has put into a
// file, as Kubernetes does; the app must have a federated credential for it.
type WorkloadIdentity struct {
	// TokenFile holds the token. If empty, AZURE_FEDERATED_TOKEN_FILE names it, as the
	// webhook of Azure workload identity sets it.
	TokenFile string
}

func (w WorkloadIdentity) needsApp() bool { return true }

func (w WorkloadIdentity) open(x *exchange) (azcore.TokenCredential, error) {
	file := w.TokenFile
	if file == "" {
		file = os.Getenv("AZURE_FEDERATED_TOKEN_FILE")
	}
	if file == "" {
		return nil, &Error{
			Kind: SignIn, Message: "no file with a federated token is named",
			Remedy: "name it, or label the pod azure.workload.identity/use so that AZURE_FEDERATED_TOKEN_FILE is set",
		}
	}
	token, err := os.ReadFile(file)
	if err != nil {
		return nil, &Error{Kind: SignIn, Message: "read federated token", Err: err}
	}
	if strings.TrimSpace(string(token)) == "" {
		return nil, &Error{Kind: SignIn, Message: "read federated token: " + file + " is empty"}
	}
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: x.clientOptions(), ClientID: x.clientID, TenantID: x.tenant, TokenFilePath: file,
		DisableInstanceDiscovery: true,
	})
}

// ManagedIdentity signs in as the identity of the Azure machine, container or function
// that the process runs in. Azure itself keeps its tokens, for up to a day: consent given
// meanwhile shows late.
type ManagedIdentity struct {
	// ClientID picks a user-assigned identity; empty is the system-assigned one.
	ClientID string
}

func (m ManagedIdentity) needsApp() bool { return false }

func (m ManagedIdentity) open(x *exchange) (azcore.TokenCredential, error) {
	x.local, x.next = true, x.machine
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: x.clientOptions()}
	if m.ClientID != "" {
		o.ID = azidentity.ClientID(m.ClientID)
	}
	if os.Getenv("IDENTITY_SERVER_THUMBPRINT") != "" {
		// Service Fabric: azidentity pins the endpoint's certificate and refuses
		// redirects itself, and takes only a client of net/http's for that.
		o.Transport = &http.Client{Transport: newMachineTransport()}
	}
	return azidentity.NewManagedIdentityCredential(o)
}

// machineEndpoints are where the machine's own identity service may be. Its address is
// link-local or loopback and has no TLS, so the request must not go anywhere else
// (Microsoft's documentation of managed identities, "Get a token using HTTP").
func machineEndpoints() []string {
	out := []string{"http://169.254.169.254", "http://127.0.0.1:40342"}
	for _, name := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT"} {
		if u, err := url.Parse(os.Getenv(name)); err == nil && u.Host != "" {
			out = append(out, u.Scheme+"://"+strings.ToLower(u.Host))
		}
	}
	return out
}
