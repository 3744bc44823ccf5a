package graph

import (
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// vaultAddress is a secret in a vault of one of Azure's clouds (Azure documentation, "Azure
// Key Vault keys, secrets and certificates overview"). The token goes to the host that
// stands here, so the whole text must match.
var vaultAddress = regexp.MustCompile(`^(https://[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]\.(?:vault\.azure\.net|vault\.usgovcloudapi\.net|vault\.azure\.cn))/secrets/([A-Za-z0-9-]{1,127})(?:/([0-9A-Fa-f]{32}))?$`)

// vaultTime bounds one reading of a secret, with its sign-in.
const vaultTime = 30 * time.Second

// Vault reads secrets out of Azure Key Vaults. The process signs in as itself, by
// azidentity's default chain: environment variables, workload identity, managed identity,
// or a developer's sign-in.
type Vault struct {
	address *regexp.Regexp
	network *http.Client
	foreign bool // in tests: neither the vault nor the sign-in service is Microsoft's
}

// NewVault makes a reader. It reads nothing yet.
func NewVault() *Vault {
	return &Vault{address: vaultAddress, network: &http.Client{
		Transport:     http.DefaultTransport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// CheckVault reports an address that is no secret's in a vault. The error repeats nothing.
func CheckVault(address string) error {
	if !vaultAddress.MatchString(address) {
		return errors.New("not a secret of an Azure Key Vault: write keyvault:https://NAME.vault.azure.net/secrets/SECRET, or a vault of vault.usgovcloudapi.net or vault.azure.cn")
	}
	return nil
}

// Secret reads a secret's value, the newest unless the address names a version. Errors name
// the vault's address and never repeat its answer.
func (v *Vault) Secret(ctx context.Context, address string) (string, error) {
	parts := v.address.FindStringSubmatch(address)
	if parts == nil {
		return "", CheckVault("")
	}
	ctx, cancel := context.WithTimeout(ctx, vaultTime)
	defer cancel()
	options := azcore.ClientOptions{Transport: v.network, Cloud: vaultCloud(parts[1])}
	cred, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: v.foreign})
	if err != nil {
		return "", vaultError(address, err)
	}
	client, err := azsecrets.NewClient(parts[1], cred, &azsecrets.ClientOptions{ClientOptions: options, DisableChallengeResourceVerification: v.foreign})
	if err != nil {
		return "", vaultError(address, err)
	}
	got, err := client.GetSecret(ctx, parts[2], parts[3], nil)
	if err != nil {
		return "", vaultError(address, err)
	}
	if got.Value == nil {
		return "", &Error{Kind: BadBody, Message: "read " + address + ": the answer holds no value"}
	}
	return *got.Value, nil
}

// vaultCloud is where one signs in for a vault. An authority in the environment counts more.
func vaultCloud(vault string) azcloud.Configuration {
	switch {
	case os.Getenv("AZURE_AUTHORITY_HOST") != "":
	case strings.HasSuffix(vault, ".vault.usgovcloudapi.net"):
		return azcloud.AzureGovernment
	case strings.HasSuffix(vault, ".vault.azure.cn"):
		return azcloud.AzureChina
	}
	return azcloud.Configuration{}
}

// vaultError keeps nothing of the cause's text, which quotes whole answers.
func vaultError(address string, err error) *Error {
	e := &Error{Kind: SignIn, Message: "read " + address + ": no Azure identity to sign in with, or its sign-in was refused",
		Remedy: "give the process a managed identity, workload identity, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Error{Kind: Network, Message: "read " + address + ": no answer in time", Remedy: "check that this machine reaches the vault on port 443"}
	}
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		if cause := showable(err); cause != nil {
			e.Kind, e.Message, e.Err = Network, "read "+address+": no answer", cause
			e.Remedy = "check the vault's name and that this machine reaches it on port 443"
		}
		return e
	}
	e.Status, e.Code = answer.StatusCode, cleanCode(answer.ErrorCode)
	switch answer.StatusCode {
	case http.StatusForbidden:
		e.Kind, e.Message, e.Remedy = Permission, "read "+address+": not permitted", "grant the identity the role Key Vault Secrets User on the vault, and let the vault's firewall admit this machine"
	case http.StatusNotFound:
		e.Kind, e.Message, e.Remedy = NotFound, "read "+address+": no such secret", "check the secret's name in the Azure portal: the vault > Objects > Secrets"
	case http.StatusTooManyRequests:
		e.Kind, e.Message, e.Remedy = Throttled, "read "+address+": the vault throttles", ""
	case http.StatusUnauthorized:
	default:
		e.Kind, e.Message, e.Remedy = Unavailable, "read "+address+": the vault gives no secret", ""
	}
	return e
}
