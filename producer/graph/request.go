package graph

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	khttp "github.com/microsoft/kiota-http-go"
)

// start is the request for the first page, or for the one that link leads to. A link is
// text that was stored somewhere: it must lead to Graph, and to this listing.
func (l listing[T]) start(ctx context.Context, c *Client, link string) (*abs.RequestInformation, error) {
	if link == "" {
		info, err := l.first(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %s: build request: %w", l.feed.name, err)
		}
		return info, nil
	}
	u, err := c.graph.checkLink(link)
	if err == nil && (l.path == "" || !strings.HasSuffix(u.Path, l.path)) {
		err = &Error{Kind: Unsupported, Message: "the link leads to another listing"}
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: resume: %w", l.feed.name, err)
	}
	return requestTo(u), nil
}

// follow is a request for a link out of a response, taken as it is: the SDK would
// otherwise decode parts of its query.
func (c *Client) follow(link string) (*abs.RequestInformation, error) {
	u, err := c.graph.checkLink(link)
	if err != nil {
		return nil, err
	}
	return requestTo(u), nil
}

// get is a request for a path of v1.0 that the SDK is not asked to build.
func (c *Client) get(path string) (*abs.RequestInformation, error) {
	u, err := url.Parse(c.base + "/v1.0" + path)
	if err != nil {
		return nil, err
	}
	return requestTo(u), nil
}

// requestTo is a plain GET of u below the SDK's middleware.
func requestTo(u *url.URL) *abs.RequestInformation {
	info := abs.NewRequestInformation()
	info.Method = abs.GET
	info.SetUri(*u)
	info.Headers.Add("Accept", "application/json")
	info.AddRequestOptions([]abs.RequestOption{&khttp.ParametersNameDecodingOptions{Enable: false}})
	return info
}
