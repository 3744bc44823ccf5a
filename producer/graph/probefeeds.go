package graph

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	abs "github.com/microsoft/kiota-abstractions-go"

	"github.com/seatstream/seatstream/schemas"
)

// probe is one thing to try.
type probe struct {
	name       string
	permission string // without which it is not tried
	try        func(context.Context) (detail string, err error)
}

// ConcealmentPlace is where a tenant's administrator says whether reports show names.
const ConcealmentPlace = "Microsoft 365 admin centre > Settings > Org settings > Services > Reports"

// feedProbes ask each listing for as little as it gives.
func (c *Client) feedProbes() []probe {
	list := func(f feed, path string) probe {
		return probe{name: "feed " + f.name, try: func(ctx context.Context) (string, error) {
			n, more, err := probeList(ctx, c, f, path)
			if err != nil {
				return "", err
			}
			if more {
				return fmt.Sprintf("%d read, there are more", n), nil
			}
			return fmt.Sprintf("%d read", n), nil
		}}
	}
	return []probe{
		list(feedOrganization, "/organization?$select=id"),
		list(feedUsers, "/users?$select=id&$top=1"),
		list(feedGroups, "/groups?$select=id&$top=1"),
		list(feedSKUs, "/subscribedSkus"), // refuses a page size
		list(feedSubscriptions, "/directory/subscriptions"),
	}
}

// named is an element of any listing.
type named struct {
	ID    string `json:"id"`
	SKUID string `json:"skuId"`
}

// probeList reads the first page of a listing.
func probeList(ctx context.Context, c *Client, f feed, path string) (n int, more bool, err error) {
	l := listing[named]{
		feed: f, accept: func(e *named) bool { return e.ID+e.SKUID != "" }, options: pageOptions,
		first: func(context.Context) (*abs.RequestInformation, error) { return c.get(path) },
	}
	info, err := l.start(ctx, c, "")
	if err != nil {
		return 0, false, err
	}
	items, next, err := l.page(ctx, c, &pageDecoder[named]{}, info)
	return len(items), next != "", err
}

// probeReport asks for a report's data by its shortest period, and does not fetch it.
func (c *Client) probeReport(ctx context.Context, spec *schemas.ReportSpec) (string, error) {
	if !c.cloud.reports {
		return "", errNoReports()
	}
	arg := ReportArg{}
	if len(spec.Periods) > 0 {
		arg.Period = spec.Periods[0]
	}
	link, err := c.reportURL(spec, arg)
	if err != nil {
		return "", err
	}
	info := requestTo(link)
	info.Headers.Remove("Accept")
	resp, err := c.send(ctx, info)
	if err != nil {
		return "", err
	}
	defer discard(resp)
	switch {
	case isRedirect(resp.StatusCode):
		u, err := url.Parse(resp.Header.Get("Location"))
		if err != nil {
			return "", &Error{Kind: ForeignHost, Message: "the download link is no link"}
		}
		if err := checkDownload(u); err != nil {
			return "", err
		}
	case resp.StatusCode != http.StatusOK:
		return "", responseError(resp, feedReport)
	}
	return c.describeReport(spec.Function), nil
}

// describeReport says what is known of a report from its last reading in this process.
func (c *Client) describeReport(function string) string {
	seen, ok := c.seen.of(function)
	if !ok || seen.refreshed == "" {
		return "offered"
	}
	detail := "offered; data of " + seen.refreshed + " when last read"
	if seen.concealed > 0 {
		detail += fmt.Sprintf(", %d of %d rows concealed", seen.concealed, seen.rows)
	}
	return detail
}

// optionalProbes try what a connector works without.
func (c *Client) optionalProbes() []probe {
	return []probe{
		{"sign-in activity", permissionSignIns, func(ctx context.Context) (string, error) {
			l := c.signIns(1)
			info, err := l.start(ctx, c, "")
			if err != nil {
				return "", err
			}
			items, _, err := l.page(ctx, c, &pageDecoder[UserSignIn]{}, info)
			if err == nil && len(items) > 0 && items[0].LastSignIn == "" {
				return "offered; the user read has no sign-in on record", nil
			}
			return "offered", err
		}},
		{"report settings", permissionReportSettings, func(ctx context.Context) (string, error) {
			concealed, err := c.ReportSettings(ctx)
			if err != nil {
				return "", err
			}
			if concealed {
				return "names are concealed in reports: use cannot be matched with users; " + ConcealmentPlace + " changes that", nil
			}
			return "reports show names", nil
		}},
	}
}
