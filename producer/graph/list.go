package graph

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	abs "github.com/microsoft/kiota-abstractions-go"
	sdkdirectory "github.com/microsoftgraph/msgraph-sdk-go/directory"
	sdkgroups "github.com/microsoftgraph/msgraph-sdk-go/groups"
	sdkorganization "github.com/microsoftgraph/msgraph-sdk-go/organization"
	sdkskus "github.com/microsoftgraph/msgraph-sdk-go/subscribedskus"
	sdkusers "github.com/microsoftgraph/msgraph-sdk-go/users"

	"github.com/seatstream/seatstream/schemas"
)

// pageSize is the largest page that /users, /groups and members give: one more is
// refused (Microsoft Graph documentation, "List users").
const pageSize int32 = 999

// userProperties are asked for by name: without $select /users gives eleven properties
// and none of the licences (Microsoft Graph documentation, "List users").
var userProperties = []string{
	"id", "userPrincipalName", "displayName", "mail", "accountEnabled", "userType", "usageLocation",
	"department", "companyName", "country", "city", "officeLocation", "employeeId", "jobTitle",
	"onPremisesSyncEnabled", "createdDateTime", "assignedLicenses", "licenseAssignmentStates",
}

var groupProperties = []string{
	"id", "displayName", "mail", "securityEnabled", "mailEnabled", "groupTypes", "membershipRule",
	"onPremisesSyncEnabled", "createdDateTime", "assignedLicenses", "licenseProcessingState",
}

var organizationProperties = []string{
	"id", "displayName", "countryLetterCode", "tenantType", "createdDateTime", "verifiedDomains",
}

// Users lists every user with licences and the paths by which they are held. The records
// are as Graph gave them; Normalize brings them into the form that is published.
func (c *Client) Users(ctx context.Context, yield func(Page[schemas.User]) error) error {
	return c.UsersFrom(ctx, "", yield)
}

// UsersFrom is Users from the page on that a link leads to: the Next of an earlier page,
// also of another process. An empty link begins at the beginning. A link that Graph no
// longer takes gives ExpiredPage, and the listing must be restarted. Page numbers begin
// at 1 again.
func (c *Client) UsersFrom(ctx context.Context, link string, yield func(Page[schemas.User]) error) error {
	found := 0
	err := c.users().runFrom(ctx, c, link, func(p Page[schemas.User]) error {
		found += len(p.Items)
		c.limiter.atLeast(c.app, c.tenant, found)
		return yield(p)
	})
	if err == nil && link == "" {
		c.limiter.SetUsers(c.app, c.tenant, found)
	}
	return err
}

func (c *Client) users() listing[schemas.User] {
	properties := userProperties
	if c.plans {
		properties = append(properties[:len(properties):len(properties)], "assignedPlans")
	}
	return listing[schemas.User]{
		feed: feedUsers, path: "/users",
		first: func(ctx context.Context) (*abs.RequestInformation, error) {
			return sdkusers.NewUsersRequestBuilderInternal(c.path()).ToGetRequestInformation(ctx, &sdkusers.UsersRequestBuilderGetRequestConfiguration{
				QueryParameters: &sdkusers.UsersRequestBuilderGetQueryParameters{Select: properties, Top: new(pageSize)},
			})
		},
		accept:  func(u *schemas.User) bool { return u.ID != "" },
		options: pageOptions,
	}
}

// Groups lists every group with the licences assigned to it.
func (c *Client) Groups(ctx context.Context, yield func(Page[schemas.Group]) error) error {
	return c.GroupsFrom(ctx, "", yield)
}

// GroupsFrom is Groups from the page on that a link leads to, as UsersFrom.
func (c *Client) GroupsFrom(ctx context.Context, link string, yield func(Page[schemas.Group]) error) error {
	return listing[schemas.Group]{
		feed: feedGroups, path: "/groups",
		first: func(ctx context.Context) (*abs.RequestInformation, error) {
			return sdkgroups.NewGroupsRequestBuilderInternal(c.path()).ToGetRequestInformation(ctx, &sdkgroups.GroupsRequestBuilderGetRequestConfiguration{
				QueryParameters: &sdkgroups.GroupsRequestBuilderGetQueryParameters{Select: groupProperties, Top: new(pageSize)},
			})
		},
		accept:  func(g *schemas.Group) bool { return g.ID != "" },
		options: pageOptions,
	}.runFrom(ctx, c, link, yield)
}

// directoryObject is an element of a list of members. Its type stands in an annotation.
type directoryObject struct {
	ID      string         `json:"id"`
	Type    string         `json:"@odata.type"`
	Unknown jsontext.Value `json:",embed"`
}

var memberOptions = json.JoinOptions(pageOptions, json.WithUnmarshalers(
	json.UnmarshalFromFunc(func(dec *jsontext.Decoder, m *schemas.Member) error {
		var o directoryObject
		if err := json.UnmarshalDecode(dec, &o); err != nil {
			return err
		}
		m.MemberID, m.Type, m.Unknown = o.ID, strings.TrimPrefix(o.Type, "#microsoft.graph."), o.Unknown
		return nil
	})))

// Members lists the direct members of a group: users, groups, devices and others. Only
// direct members inherit a group's licences (Microsoft's documentation of group-based
// licensing). A group deleted meanwhile gives NotFound.
func (c *Client) Members(ctx context.Context, groupID string, yield func(Page[schemas.Member]) error) error {
	return c.MembersFrom(ctx, groupID, "", yield)
}

// MembersFrom is Members from the page on that a link leads to, as UsersFrom.
func (c *Client) MembersFrom(ctx context.Context, groupID, link string, yield func(Page[schemas.Member]) error) error {
	if groupID == "" {
		return fmt.Errorf("list members: %w", &Error{Kind: NotFound, Message: "no group id"})
	}
	return listing[schemas.Member]{
		feed: feedMembers, path: "/groups/" + groupID + "/members",
		first: func(ctx context.Context) (*abs.RequestInformation, error) {
			return sdkgroups.NewItemMembersRequestBuilderInternal(c.path("group%2Did", groupID)).ToGetRequestInformation(ctx, &sdkgroups.ItemMembersRequestBuilderGetRequestConfiguration{
				QueryParameters: &sdkgroups.ItemMembersRequestBuilderGetQueryParameters{Select: []string{"id"}, Top: new(pageSize)},
			})
		},
		accept: func(m *schemas.Member) bool {
			m.GroupID = groupID
			return m.MemberID != ""
		},
		options: memberOptions,
	}.runFrom(ctx, c, link, yield)
}

// SKUs lists what the tenant has bought. Graph refuses a page size here and gives one
// page (Microsoft Graph documentation, "List subscribedSkus").
func (c *Client) SKUs(ctx context.Context, yield func(Page[schemas.SKU]) error) error {
	return listing[schemas.SKU]{
		feed: feedSKUs,
		first: func(ctx context.Context) (*abs.RequestInformation, error) {
			return sdkskus.NewSubscribedSkusRequestBuilderInternal(c.path()).ToGetRequestInformation(ctx, nil)
		},
		accept:  func(s *schemas.SKU) bool { return s.SKUID != "" },
		options: pageOptions,
	}.run(ctx, c, yield)
}

// Subscriptions lists the commercial subscriptions behind the SKUs, with their dates.
func (c *Client) Subscriptions(ctx context.Context, yield func(Page[schemas.Subscription]) error) error {
	return listing[schemas.Subscription]{
		feed: feedSubscriptions,
		first: func(ctx context.Context) (*abs.RequestInformation, error) {
			return sdkdirectory.NewSubscriptionsRequestBuilderInternal(c.path()).ToGetRequestInformation(ctx, nil)
		},
		accept:  func(s *schemas.Subscription) bool { return s.ID != "" },
		options: pageOptions,
	}.run(ctx, c, yield)
}

// Organization reads the tenant itself: its id, name and domains.
func (c *Client) Organization(ctx context.Context) (schemas.Organization, error) {
	var found []schemas.Organization
	err := listing[schemas.Organization]{
		feed: feedOrganization,
		first: func(ctx context.Context) (*abs.RequestInformation, error) {
			return sdkorganization.NewOrganizationRequestBuilderInternal(c.path()).ToGetRequestInformation(ctx, &sdkorganization.OrganizationRequestBuilderGetRequestConfiguration{
				QueryParameters: &sdkorganization.OrganizationRequestBuilderGetQueryParameters{Select: organizationProperties},
			})
		},
		accept:  func(o *schemas.Organization) bool { return o.ID != "" },
		options: pageOptions,
	}.run(ctx, c, func(p Page[schemas.Organization]) error {
		found = append(found, p.Items...)
		return nil
	})
	if err != nil {
		return schemas.Organization{}, err
	}
	if len(found) != 1 {
		return schemas.Organization{}, fmt.Errorf("read organization: %w", &Error{
			Kind: BadBody, Message: fmt.Sprintf("graph names %d organizations, not one", len(found)),
		})
	}
	return found[0], nil
}
