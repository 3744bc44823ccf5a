package graph

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	abs "github.com/microsoft/kiota-abstractions-go"
	sdkusers "github.com/microsoftgraph/msgraph-sdk-go/users"

	"github.com/seatstream/seatstream/schemas"
)

// signInPageSize is the largest page that /users gives with signInActivity (Microsoft
// Graph documentation, "List users").
const signInPageSize int32 = 500

// activity is signInActivity. The ids of the requests change with every sign-in and say
// nothing that the times do not.
type activity struct {
	Last             string         `json:"lastSignInDateTime"`
	NonInteractive   string         `json:"lastNonInteractiveSignInDateTime"`
	Successful       string         `json:"lastSuccessfulSignInDateTime"`
	LastID           string         `json:"lastSignInRequestId"`
	NonInteractiveID string         `json:"lastNonInteractiveSignInRequestId"`
	SuccessfulID     string         `json:"lastSuccessfulSignInRequestId"`
	Unknown          jsontext.Value `json:",embed"`
}

var signInOptions = json.JoinOptions(pageOptions, json.WithUnmarshalers(
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, s *schemas.SignIn) error {
		var u struct {
			ID       string   `json:"id"`
			Activity activity `json:"signInActivity"`
		}
		if err := json.UnmarshalDecode(dec, &u); err != nil {
			return err
		}
		*s = schemas.SignIn{
			ID: u.ID, LastSignInDateTime: instant(u.Activity.Last), LastNonInteractiveSignInDateTime: instant(u.Activity.NonInteractive),
			LastSuccessfulSignInDateTime: instant(u.Activity.Successful), Unknown: u.Activity.Unknown,
		}
		return nil
	})))

// instant is a time of Graph's, empty for its ways to say that there is none.
func instant(s string) string {
	if strings.HasPrefix(s, "0001-01-01") {
		return ""
	}
	return s
}

// SignInActivity lists all users with the times of their last sign-ins, empty where Graph
// does not know one. It needs
// AuditLog.Read.All, else it gives Permission, and Microsoft Entra ID P1 in the tenant,
// else TenantLicence. Graph allows ten such requests a minute: five thousand users.
func (c *Client) SignInActivity(ctx context.Context, yield func(Page[schemas.SignIn]) error) error {
	return c.signIns(signInPageSize).run(ctx, c, yield)
}

func (c *Client) signIns(top int32) listing[schemas.SignIn] {
	return listing[schemas.SignIn]{
		feed: feedSignIns,
		first: func(ctx context.Context) (*abs.RequestInformation, error) {
			return sdkusers.NewUsersRequestBuilderInternal(c.path()).ToGetRequestInformation(ctx, &sdkusers.UsersRequestBuilderGetRequestConfiguration{
				QueryParameters: &sdkusers.UsersRequestBuilderGetQueryParameters{Select: []string{"id", "signInActivity"}, Top: new(top)},
			})
		},
		accept:  func(s *schemas.SignIn) bool { return s.ID != "" },
		options: signInOptions,
	}
}
