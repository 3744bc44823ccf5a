package graph

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	abs "github.com/microsoft/kiota-abstractions-go"
	sdkusers "github.com/microsoftgraph/msgraph-sdk-go/users"
)

// UserSignIn says when a user last signed in: times as Graph gives them, empty where it does
// not know. LastSignIn counts attempts, failed ones too; LastSuccessful has nothing from
// before December 2023 (Microsoft Graph documentation, "signInActivity resource type").
type UserSignIn struct {
	ID                 string
	LastSignIn         string
	LastNonInteractive string
	LastSuccessful     string
}

// signInPageSize is the largest page that /users gives with signInActivity (Microsoft
// Graph documentation, "List users").
const signInPageSize int32 = 500

var signInOptions = json.JoinOptions(pageOptions, json.WithUnmarshalers(
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, s *UserSignIn) error {
		var u struct {
			ID       string `json:"id"`
			Activity struct {
				Last           string `json:"lastSignInDateTime"`
				NonInteractive string `json:"lastNonInteractiveSignInDateTime"`
				Successful     string `json:"lastSuccessfulSignInDateTime"`
			} `json:"signInActivity"`
		}
		if err := json.UnmarshalDecode(dec, &u); err != nil {
			return err
		}
		*s = UserSignIn{u.ID, instant(u.Activity.Last), instant(u.Activity.NonInteractive), instant(u.Activity.Successful)}
		return nil
	})))

// instant is a time of Graph's, empty for its ways to say that there is none.
func instant(s string) string {
	if strings.HasPrefix(s, "0001-01-01") {
		return ""
	}
	return s
}

// SignInActivity lists all users with the times of their last sign-ins. It needs
// AuditLog.Read.All, else it gives Permission, and Microsoft Entra ID P1 in the tenant,
// else TenantLicence. Graph allows ten such requests a minute: five thousand users.
func (c *Client) SignInActivity(ctx context.Context, yield func(Page[UserSignIn]) error) error {
	return c.signIns(signInPageSize).run(ctx, c, yield)
}

func (c *Client) signIns(top int32) listing[UserSignIn] {
	return listing[UserSignIn]{
		feed: feedSignIns,
		first: func(ctx context.Context) (*abs.RequestInformation, error) {
			return sdkusers.NewUsersRequestBuilderInternal(c.path()).ToGetRequestInformation(ctx, &sdkusers.UsersRequestBuilderGetRequestConfiguration{
				QueryParameters: &sdkusers.UsersRequestBuilderGetQueryParameters{Select: []string{"id", "signInActivity"}, Top: new(top)},
			})
		},
		accept:  func(s *UserSignIn) bool { return s.ID != "" },
		options: signInOptions,
	}
}
