package graph

import (
	"context"
	"strconv"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"

	"github.com/seatstream/seatstream/schemas"
)

// DeletedUser is a user in the directory's recycle bin, where it stays for thirty days
// (Microsoft Graph documentation, "List deletedItems").
type DeletedUser struct {
	schemas.User
	DeletedDateTime string `json:"deletedDateTime"`
}

var deletedProperties = []string{
	"id", "userPrincipalName", "displayName", "mail", "accountEnabled", "userType", "department", "companyName",
	"createdDateTime", "deletedDateTime", "assignedLicenses",
}

// DeletedUsers lists the users that were deleted and can still be restored.
func (c *Client) DeletedUsers(ctx context.Context, yield func(Page[DeletedUser]) error) error {
	return listing[DeletedUser]{
		feed: feedDeletedUsers,
		first: func(context.Context) (*abs.RequestInformation, error) {
			// The SDK's builder names the type graph.user, which not every proxy knows.
			return c.get("/directory/deletedItems/microsoft.graph.user?$select=" + strings.Join(deletedProperties, ",") +
				"&$top=" + strconv.Itoa(int(pageSize)))
		},
		accept:  func(u *DeletedUser) bool { return u.ID != "" },
		options: pageOptions,
	}.run(ctx, c, yield)
}
