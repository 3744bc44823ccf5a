package graph

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	userAgent = "seatstream"
	// stallTime is how long a connection may stay silent. A whole request has no time
	// limit: a report of millions of rows takes as long as it takes.
	stallTime = 2 * time.Minute
	// maxPage bounds one decompressed page; 999 users are some 0.8 MB, with their service
	// plans ten times that.
	maxPage = 64 << 20
)

var errStalled = errors.New("the server fell silent")

// newHTTPTransport makes a connection pool. Compression is net/http's own.
func newHTTPTransport(tlsConfig *tls.Config) *http.Transport {
	d := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            d.DialContext,
		TLSClientConfig:        tlsConfig.Clone(), // net/http writes to it when a transport is first used
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// newMachineTransport makes a pool for the identity service of the machine itself: never
// through a proxy, and quick to find that there is none. It is asked once an hour.
func newMachineTransport() *http.Transport {
	d := &net.Dialer{Timeout: 3 * time.Second}
	return &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 1 << 20}
}

// transport lies below the SDK and carries every request to Graph. It is the only place
// where a token is attached.
type transport struct {
	next   http.RoundTripper
	graph  origin
	tokens *tokens
	retry  *retrier
	turn   func(*url.URL) *turn // through the limiter
	skew   *skew
	limit  int64 // of a decompressed body, in bytes
}

// RoundTrip sends req, a request without a body, to Graph and to nobody else.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.graph.allows(req.URL) || req.Host != "" && req.Host != req.URL.Host {
		return nil, &Error{Kind: ForeignHost, Message: "refused a request that does not lead to " + t.graph.String()}
	}
	ctx := req.Context()
	renewed := false
	pass := t.turn(req.URL)
	return t.retry.do(ctx, pass, func() (*http.Response, error) {
		token, err := t.tokens.get(ctx)
		if err != nil {
			pass.release()
			return nil, err
		}
		resp, err := t.once(req, token)
		pass.done(resp)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || renewed {
			return resp, err
		}
		// The token was withdrawn before its time, or the clocks differ: one fresh token.
		renewed = true
		discard(resp)
		if token, err = t.tokens.renew(ctx, token); err != nil {
			return nil, err
		}
		if err := pass.wait(ctx); err != nil {
			return nil, err
		}
		resp, err = t.once(req, token)
		pass.done(resp)
		return resp, err
	})
}

func (t *transport) once(req *http.Request, token string) (*http.Response, error) {
	h := http.Header{
		"Authorization":          {"Bearer " + token},
		"Client-Request-Id":      {uuid.NewString()},
		"X-Ms-Throttle-Priority": {"low"}, // bulk reads give way to people
		"User-Agent":             {userAgent},
	}
	for _, name := range []string{"Accept", "Sdkversion", "Consistencylevel"} {
		if v := req.Header.Values(name); len(v) > 0 {
			h[name] = v
		}
	}
	sent := time.Now()
	resp, err := t.retry.watched(t.next, req, h, t.limit)
	if err == nil {
		t.skew.note(resp.Header, sent)
		// The SDK would parse a challenge, and one it does not expect makes it panic.
		resp.Header.Del("WWW-Authenticate")
	}
	return resp, err
}

// watched sends req with the headers h and nothing else, gives up on a server that falls
// silent, and bounds the body to limit bytes after decompression. While it is slow, others
// use what the caller holds.
func (r *retrier) watched(next http.RoundTripper, req *http.Request, h http.Header, limit int64) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(stallTime, func() { cancel(errStalled) })
	req = req.Clone(ctx)
	req.Header = h
	slow := patience{yield: r.yield}
	slow.begin()
	resp, err := next.RoundTrip(req)
	timer.Stop() // from here on it runs only while somebody reads
	slow.end()
	if err != nil {
		if errors.Is(context.Cause(ctx), errStalled) {
			err = &Error{Kind: Network, Message: "no answer", Err: errStalled}
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &body{src: resp.Body, ctx: ctx, cancel: cancel, timer: timer, slow: patience{yield: r.yield}, left: limit}
	return resp, nil
}

// errTooLarge is a body beyond its limit.
var errTooLarge = errors.New("larger than the limit")

// body is a bounded response body. It remembers the first failure of the network, so
// that a decoder's complaint about cut-off text can be told from the cause.
type body struct {
	src    io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	slow   patience
	left   int64
	err    error
	once   sync.Once
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.timer.Reset(stallTime)
	b.slow.begin()
	n, err := b.src.Read(p)
	b.timer.Stop()
	b.slow.end()
	if b.left -= int64(n); b.left < 0 {
		n, err = 0, errTooLarge
	}
	if err != nil {
		if err != io.EOF && errors.Is(context.Cause(b.ctx), errStalled) {
			err = errStalled
		}
		b.err = err
	}
	return n, err
}

// Close releases the connection.
func (b *body) Close() error {
	var err error
	b.once.Do(func() {
		b.timer.Stop()
		err = b.src.Close()
		b.cancel(nil)
	})
	return err
}

// broken returns what cut the body off, nil if it came to its end or was not read to it.
func broken(rc io.Reader) error {
	if b, ok := rc.(*body); ok && b.err != nil && b.err != io.EOF {
		return b.err
	}
	return nil
}
