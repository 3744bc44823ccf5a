package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/seatstream/seatstream/schemas"
)

// ReportArg is a report function's argument: a period or a date, not both. The zero value
// asks for the widest period the function offers, or for nothing if it takes none.
type ReportArg struct {
	Period string // D7, D30, D90, D180 or what else the catalogue lists
	Date   string // YYYY-MM-DD, within the past 28 days
}

// ReportResult says what a report held.
type ReportResult struct {
	RefreshDate    string   // YYYY-MM-DD, the latest among the rows; empty without rows
	Period         string   // as the first row gives it: 180
	Rows           int64    // handed over
	Concealed      int64    // of those, rows whose names are concealed
	Rejected       int64    // rows passed over: malformed, too large, or of a wrong number of fields
	RejectedValues int64    // values that are not of their column's type, kept as text
	Duplicates     int64    // rows whose key another row had already
	MissingColumns []string // of the catalogue, sorted
	NewColumns     []string // not in the catalogue, in the report's order
}

// reportTries is how often a report is asked for while none of it was handed over.
const reportTries = 3

// Report reads one usage report and hands its rows over in batches of about a thousand;
// a batch is valid until yield returns. Graph answers with a redirect to a link that is
// valid for a few minutes and needs no token (Microsoft Graph documentation, "Working
// with Microsoft 365 usage reports"); each try asks for a new one. digest names a row:
// 32 lower-case hex digits of the text it is given. An error means that the report is
// not whole, whatever was handed over before it; an error of yield is returned as it is.
func (c *Client) Report(ctx context.Context, spec *schemas.ReportSpec, arg ReportArg, digest func(string) string, yield func([]schemas.Report) error) (ReportResult, error) {
	if !c.cloud.reports {
		return ReportResult{}, fmt.Errorf("read report %s: %w", spec.Function, errNoReports())
	}
	link, err := c.reportURL(spec, arg)
	if err != nil {
		return ReportResult{}, fmt.Errorf("read report %s: %w", spec.Function, err)
	}
	for try := 1; ; try++ {
		var result ReportResult
		err := c.readReport(ctx, link, newRowReader(spec, digest, &result), yield)
		if err == nil {
			return result, nil
		}
		if y, ok := errors.AsType[yieldError](err); ok {
			return result, y.error
		}
		e := asError(ctx, err)
		if try == reportTries || result.Rows >= int64(c.batch) || !e.worthAnother() {
			if e.Kind == expiredLink {
				e.Kind = BadBody
			}
			return result, fmt.Errorf("read report %s: %w", spec.Function, e)
		}
		c.log.Warn().Str("report", spec.Function).Err(e).Msg("asking for a report again")
		if err := c.retry.pause(ctx, c.retry.backoff(try)); err != nil {
			return result, fmt.Errorf("read report %s: %w", spec.Function, asError(ctx, err))
		}
	}
}

// errNoReports is a report asked for where none are offered.
func errNoReports() error {
	return &Error{Kind: Unsupported, Message: "usage reports are offered in the global cloud only",
		Remedy: "none: licences are read in full; what is asked about use has no answer in this cloud"}
}

// worthAnother reports whether a report may come through with a new link.
func (e *Error) worthAnother() bool {
	return !errors.Is(e.Err, errTooLarge) && (e.Kind == BadBody || e.Kind == Network && !e.final || e.Kind == expiredLink)
}

// reportURL builds the request. The SDK has builders for some of the functions only, and
// none for those outside v1.0.
func (c *Client) reportURL(spec *schemas.ReportSpec, arg ReportArg) (*url.URL, error) {
	if arg == (ReportArg{}) {
		arg.Period = spec.Widest()
	}
	path := c.base + "/" + spec.Version + spec.Path
	switch {
	case arg.Period != "" && arg.Date != "":
		return nil, &Error{Kind: Unsupported, Message: "a report takes a period or a date, not both"}
	case arg.Period != "":
		if !slices.Contains(spec.Periods, arg.Period) {
			return nil, &Error{Kind: Unsupported, Message: fmt.Sprintf("the report does not offer period %q: %v", arg.Period, spec.Periods)}
		}
		path += "(period='" + arg.Period + "')"
	case arg.Date != "":
		if !spec.Date || !isDate([]byte(arg.Date)) {
			return nil, &Error{Kind: Unsupported, Message: fmt.Sprintf("the report does not offer date %q", arg.Date)}
		}
		path += "(date=" + arg.Date + ")"
	}
	u, err := url.Parse(path)
	if err != nil {
		return nil, &Error{Kind: Unsupported, Message: "the catalogue's path is no path"}
	}
	return u, nil
}

// readReport makes one try: the request, the download, the rows.
func (c *Client) readReport(ctx context.Context, link *url.URL, rows *rowReader, yield func([]schemas.Report) error) error {
	info := requestTo(link)
	info.Headers.Remove("Accept")
	resp, err := c.send(ctx, info)
	if err != nil {
		return err
	}
	if isRedirect(resp.StatusCode) {
		location := resp.Header.Get("Location")
		discard(resp)
		if resp, err = c.files.get(ctx, location); err != nil {
			return err
		}
	} else if resp.StatusCode != http.StatusOK {
		e := responseError(resp, feedReport)
		discard(resp)
		return e
	}
	err = rows.read(resp.Body, c.batch, yield)
	cut := broken(resp.Body)
	_ = resp.Body.Close() // what is left may be gigabytes
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[yieldError](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return asError(ctx, err)
	}
	return reportError(err, cut)
}

// reportError describes text that is no whole report. Errors of the row reader quote
// nothing but column names of the catalogue.
func reportError(err, cut error) *Error {
	e := &Error{Kind: BadBody, Status: http.StatusOK}
	switch {
	case errors.Is(cut, errTooLarge):
		e.Message, e.Err = "the report is larger than the limit", errTooLarge
	case cut != nil:
		e.Message, e.Err = "the report breaks off", showable(cut)
	default:
		e.Message = clean(err.Error())
	}
	return e
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}
