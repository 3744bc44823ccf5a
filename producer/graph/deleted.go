package graph

import (
	"context"
	"strconv"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"

	"github.com/seatstream/seatstream/schemas"
)

var deletedProperties = []string{
	"id", "userPrincipalName", "displayName", "mail", "accountEnabled", "userType", "department", "companyName",
	"createdDateTime", "deletedDateTime", "assignedLicenses",
}

// DeletedUsers lists the users that were deleted and can still be restored: they stay in
// the recycle bin for thirty days (Microsoft Graph documentation, "List deletedItems").
func (c *Client) DeletedUsers(ctx context.Context, yield func(Page[schemas.DeletedUser]) error) error {
	return listing[schemas.DeletedUser]{
		feed: feedDeletedUsers,
		first: func(context.Context) (*abs.RequestInformation, error) {
			// The SDK's builder names the type graph.user, which not every proxy knows.
			return c.get("/directory/deletedItems/microsoft.graph.user?$select=" + strings.Join(deletedProperties, ",") +
				"&$top=" + strconv.Itoa(int(pageSize)))
		},
		accept:  func(u *schemas.DeletedUser) bool { return u.ID != "" },
		options: pageOptions,
	}.run(ctx, c, yield)
}
