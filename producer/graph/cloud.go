package graph

import (
	"fmt"
	"net/url"
	"strings"
)

// cloud is one national deployment of Microsoft 365 (Microsoft Graph documentation,
// "National cloud deployments"). GCC uses the global endpoints.
type cloud struct {
	name      string
	authority string
	graph     string
	// tokenHost is a second host that the authority's own metadata may name as its
	// token endpoint.
	tokenHost string
	// reports says whether the usage reports are offered there.
	reports bool
}

var clouds = []cloud{
	{name: "global", authority: "https://login.microsoftonline.com", graph: "https://graph.microsoft.com", reports: true},
	{name: "usgov", authority: "https://login.microsoftonline.us", graph: "https://graph.microsoft.us"},
	{name: "dod", authority: "https://login.microsoftonline.us", graph: "https://dod-graph.microsoft.us"},
	{name: "china", authority: "https://login.chinacloudapi.cn", graph: "https://microsoftgraph.chinacloudapi.cn", tokenHost: "https://login.partner.microsoftonline.cn"},
}

func cloudNamed(name string) (cloud, error) {
	if name == "" {
		return clouds[0], nil
	}
	for _, c := range clouds {
		if c.name == name {
			return c, nil
		}
	}
	return cloud{}, fmt.Errorf("unknown cloud %q: global, usgov, dod or china", name)
}

// origin is the scheme, host and port that may see a token. The scheme is always https.
type origin struct {
	host string // lower case, without port
	port string
}

// parseBase reads a configured base URL and the origin it stands for. The result has no
// trailing slash.
func parseBase(raw string) (string, origin, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", origin{}, fmt.Errorf("parse url: not a url")
	}
	if u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", origin{}, fmt.Errorf("url must be https://host[:port], without user, query or fragment")
	}
	return strings.TrimRight(u.String(), "/"), originOf(u), nil
}

func originOf(u *url.URL) origin {
	o := origin{host: strings.ToLower(u.Hostname()), port: u.Port()}
	if o.port == "" {
		o.port = "443"
	}
	return o
}

// allows reports whether u lies at the origin exactly: https, the same host letter for
// letter (so no suffix, no trailing dot, no lookalike in another script), the same port,
// and no user information, which some parsers take for the host.
func (o origin) allows(u *url.URL) bool {
	return u != nil && u.Scheme == "https" && u.Opaque == "" && u.User == nil && originOf(u) == o
}

// checkLink parses a link out of a response. The error names no part of the link.
func (o origin) checkLink(link string) (*url.URL, error) {
	u, err := url.Parse(link)
	if err != nil || !o.allows(u) {
		return nil, &Error{Kind: ForeignHost, Message: "refused a link that does not lead to " + o.String()}
	}
	return u, nil
}

func (o origin) String() string {
	if o.port == "443" {
		return "https://" + o.host
	}
	return "https://" + o.host + ":" + o.port
}
