package graph

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	// maxReport bounds one decompressed report.
	maxReport    = 8 << 30
	maxRedirects = 3
)

// expiredLink is a download link that no longer works. It does not leave the package as
// such: after the last try it is reported as BadBody.
const expiredLink Kind = "expired-link"

// errPrivate is a download link that leads into a private network.
var errPrivate = errors.New("the address is private")

// downloader fetches reports from the links that Graph hands out. It knows no token, and
// neither logs nor returns a link: whoever has it can read the report.
type downloader struct {
	retry   *retrier
	limit   int64 // of a decompressed report, in bytes
	direct  http.RoundTripper
	proxied http.RoundTripper // through the environment's proxy
}

// downloadTransports makes the connection pools for downloads. With public set, a
// connection to a private address is refused when it is made, so a name that resolves
// to one is refused too. A proxy may well have a private address.
func downloadTransports(tlsConfig *tls.Config, public bool) (direct, proxied http.RoundTripper, pools []*http.Transport) {
	d, p := newHTTPTransport(tlsConfig), newHTTPTransport(tlsConfig)
	d.Proxy = nil
	if public {
		dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: refusePrivate}
		d.DialContext = dialer.DialContext
	}
	return d, p, []*http.Transport{d, p}
}

func refusePrivate(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(ap.Addr()) {
		return errPrivate
	}
	return nil
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && !sharedSpace.Contains(a)
}

// get fetches a link and returns an answer of status 200.
func (d *downloader) get(ctx context.Context, link string) (*http.Response, error) {
	u, err := url.Parse(link)
	if err != nil {
		return nil, &Error{Kind: ForeignHost, Message: "the download link is no link"}
	}
	for hop := 0; ; hop++ {
		if err := checkDownload(u); err != nil {
			return nil, err
		}
		resp, err := d.once(ctx, u)
		if err != nil {
			return nil, err
		}
		switch {
		case resp.StatusCode == http.StatusOK:
			return resp, nil
		case isRedirect(resp.StatusCode) && hop < maxRedirects:
			next, err := u.Parse(resp.Header.Get("Location"))
			discard(resp)
			if err != nil {
				return nil, &Error{Kind: ForeignHost, Message: "the download link is no link"}
			}
			u = next
		default:
			discard(resp)
			return nil, downloadError(resp)
		}
	}
}

func checkDownload(u *url.URL) error {
	if u.Scheme != "https" || u.Opaque != "" || u.User != nil || u.Hostname() == "" {
		return &Error{Kind: ForeignHost, Message: "the download link is not https"}
	}
	return nil
}

// once sends one request, without a token, a cookie or a referrer.
func (d *downloader) once(ctx context.Context, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &Error{Kind: ForeignHost, Message: "the download link is no link"}
	}
	next := d.direct
	if proxy, err := http.ProxyFromEnvironment(req); err == nil && proxy != nil {
		next = d.proxied
	}
	resp, err := d.retry.do(ctx, alone{}, func() (*http.Response, error) {
		resp, err := d.retry.watched(next, req, http.Header{"User-Agent": {userAgent}}, d.limit)
		if errors.Is(err, errPrivate) {
			err = &Error{Kind: ForeignHost, Message: "the download link leads into a private network"}
		}
		return resp, err
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

func downloadError(resp *http.Response) *Error {
	e := &Error{Status: resp.StatusCode}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Kind, e.Message = Throttled, "the report download is throttled"
		e.RetryAfter, _ = retryAfter(resp.Header, time.Now())
	case resp.StatusCode >= 500:
		e.Kind, e.Message = Unavailable, "the report download is not available"
	case resp.StatusCode >= 400:
		e.Kind, e.Message = expiredLink, "the download link has expired"
	default:
		e.Kind, e.Message = BadBody, "unexpected answer of the report download"
	}
	return e
}
