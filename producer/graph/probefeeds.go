package graph

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// errSampled ends the reading of a report that is only looked at.
var errSampled = errors.New("sample read")

// probeReport reads the beginning of a report by its shortest period.
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
	var result ReportResult
	unkeyed := func(s string) string { return schemas.FormatHash(schemas.StateHash([]byte(s))) } // of rows that nobody keeps
	err = c.readReport(ctx, link, newRowReader(spec, unkeyed, &result), func([]schemas.Report) error { return errSampled })
	if _, sampled := errors.AsType[yieldError](err); err != nil && !sampled {
		e := asError(ctx, err)
		if e.Kind == expiredLink {
			e.Kind = BadBody
		}
		return "", e
	}
	return describeReport(result, c.now()), nil
}

// describeReport says how old a report's data is and whether it names people, by the rows
// that were read.
func describeReport(r ReportResult, now time.Time) string {
	date, err := time.Parse(time.DateOnly, r.RefreshDate)
	if err != nil {
		return "offered; it has no rows yet"
	}
	days := int(now.UTC().Truncate(24*time.Hour).Sub(date) / (24 * time.Hour))
	detail := fmt.Sprintf("offered; data of %s, %d days behind", r.RefreshDate, days)
	if r.Concealed > 0 {
		detail += fmt.Sprintf(", %d of %d rows read are concealed", r.Concealed, r.Rows)
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
