package graph

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

// canary is a server that must never be asked anything.
type canary struct {
	t    *testing.T
	srv  *httptest.Server
	hits atomic.Int64
}

func newCanary(t *testing.T) *canary {
	c := &canary{t: t}
	c.srv = httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c.hits.Add(1)
	}))
	t.Cleanup(c.srv.Close)
	return c
}

func (c *canary) mustBeUntouched() {
	c.t.Helper()
	if n := c.hits.Load(); n != 0 {
		c.t.Errorf("%d requests reached a foreign host", n)
	}
}

// hostileLinks are forms of a link that look as if they led to Graph at host:port.
func hostileLinks(host, port, foreign string) []string {
	return []string{
		"https://" + foreign + "/v1.0/users",
		"https://" + host + ":" + port + "@" + foreign + "/v1.0/users",
		"https://" + host + "@" + foreign + "/v1.0/users",
		"https://user:pass@" + host + ":" + port + "/v1.0/users",
		"https://@" + host + ":" + port + "/v1.0/users",
		"http://" + host + ":" + port + "/v1.0/users",
		"HTTP://" + host + ":" + port + "/v1.0/users",
		"//" + foreign + "/v1.0/users",
		"/v1.0/users?$skiptoken=x",
		"?$skiptoken=x",
		"https://" + host + "/v1.0/users",
		"https://" + host + ":443/v1.0/users",
		"https://" + host + ":0" + port + "/v1.0/users",
		"https://" + host + ":" + port + ".evil.example/v1.0/users",
		"https://" + host + ".evil.example:" + port + "/v1.0/users",
		"https://evil." + host + ":" + port + "/v1.0/users",
		"https://" + host + ".:" + port + "/v1.0/users",
		"https://" + host + "%2eevil.example:" + port + "/v1.0/users",
		"https://" + host + "%00.evil.example:" + port + "/v1.0/users",
		"https://" + host + "\\@" + foreign + "/v1.0/users",
		"https:\\\\" + foreign + "\\v1.0\\users",
		"https:/" + host + ":" + port + "/v1.0/users",
		"https:" + host + ":" + port + "/v1.0/users",
		"https:///v1.0/users",
		"https://gr\u0430ph.microsoft.com/v1.0/users",
		"https://graph.microsoft.com\u3002evil.example/v1.0/users",
		"https://xn--grph-5cd.microsoft.com/v1.0/users",
		"https://graph.microsoft.com.evil.example/v1.0/users",
		"https://graph-microsoft.com/v1.0/users",
		"https://[::1]:" + port + "/v1.0/users",
		"https://[::ffff:7f00:1%25lo]:" + port + "/v1.0/users",
		"https://2130706433:" + port + "/v1.0/users",
		"https://0x7f.1:" + port + "/v1.0/users",
		"ftp://" + host + ":" + port + "/v1.0/users",
		"file:///etc/passwd",
		"javascript:alert(1)",
		"data:text/plain,x",
		" https://" + host + ":" + port + "/v1.0/users",
		"https://" + host + ":" + port + "#@" + foreign + "/",
		"https://" + host + ":" + port + "\r\nHost: " + foreign + "/",
		"\x00",
	}
}

func TestForeignNextLinks(t *testing.T) {
	t.Parallel()
	foreign := newCanary(t)
	foreignHost := strings.TrimPrefix(foreign.srv.URL, "https://")
	var link string
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"value":[{"id":"1"}],"@odata.nextLink":%q}`, link)
	})
	u, _ := url.Parse(f.srv.URL)
	c := f.client()
	for i, link := range hostileLinks(u.Hostname(), u.Port(), foreignHost) {
		info, err := c.follow(link)
		if strings.Contains(link, "#@") {
			continue // a fragment is not sent: the link leads to Graph
		}
		if err == nil {
			t.Errorf("form %d %q is taken: %v", i, link, info)
			continue
		}
		wantKind(t, err, ForeignHost)
		// Below the SDK the transport checks again, whatever was asked of it.
		if bad, err := url.Parse(link); err == nil {
			resp, err := c.send(context.Background(), requestTo(bad))
			if err == nil {
				resp.Body.Close()
				t.Errorf("form %d %q is sent", i, link)
			}
		}
	}
	link = foreign.srv.URL + "/v1.0/users?$skiptoken=" + canaryLink
	users, _, err := collect(c.Users)
	wantKind(t, err, ForeignHost)
	if len(users) != 1 {
		t.Errorf("%d users before the link", len(users))
	}
	for _, r := range f.requests() {
		if r.URL.Path != "/v1.0/users" || r.URL.RawQuery == "" {
			t.Errorf("request %s", r.URL)
		}
	}
	foreign.mustBeUntouched()
}

func TestOriginIsExact(t *testing.T) {
	t.Parallel()
	_, o, err := parseBase("https://Graph.Microsoft.com/")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"https://graph.microsoft.com/v1.0/users", "https://GRAPH.microsoft.com:443/v1.0/users?$skiptoken=a/b"} {
		if _, err := o.checkLink(link); err != nil {
			t.Errorf("%s: %v", link, err)
		}
	}
	for _, link := range hostileLinks("graph.microsoft.com", "8443", "evil.example") {
		if _, err := o.checkLink(link); err == nil && !strings.HasPrefix(link, "https://graph.microsoft.com:443/") && !strings.HasPrefix(link, "https://graph.microsoft.com/") {
			t.Errorf("%q is taken", link)
		}
	}
	for _, base := range []string{"http://graph.microsoft.com", "graph.microsoft.com", "https://a@graph.microsoft.com", "https://", "https://h/?q", "https://h/#f", "https:h", ":"} {
		if _, _, err := parseBase(base); err == nil {
			t.Errorf("base %q is taken", base)
		}
	}
}

// A redirect is never followed: the standard client would take the token along.
func TestRedirectOfAListIsNotFollowed(t *testing.T) {
	t.Parallel()
	foreign := newCanary(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, foreign.srv.URL+"/"+canaryLink, status)
		})
		_, _, err := collect(f.client().Users)
		wantKind(t, err, BadBody)
		if len(f.requests()) != 1 {
			t.Errorf("%d requests", len(f.requests()))
		}
	}
	foreign.mustBeUntouched()
}

func TestLoops(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(n int) string{
		"itself":      func(int) string { return "a" },
		"of three":    func(n int) string { return string("abc"[n%3]) },
		"empty pages": func(n int) string { return fmt.Sprint(n) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f *fake
			var pages atomic.Int64
			f = newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				n := int(pages.Add(1))
				items := `{"id":"1"}`
				if name == "empty pages" {
					items = ""
				}
				fmt.Fprintf(w, `{"value":[%s],"@odata.nextLink":"%s/v1.0/users?p=%s"}`, items, f.srv.URL, next(n))
			})
			_, _, err := collect(f.client().Users)
			wantKind(t, err, Loop)
			if n := pages.Load(); name != "empty pages" && n > 4 {
				t.Errorf("%d pages read", n)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	err := f.client().Users(ctx, func(Page[schemas.User]) error { return nil })
	e := wantKind(t, err, Cancelled)
	if e.Err != context.Canceled {
		t.Errorf("cause %v", e.Err)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	f := newFake(t, answer(200, `{"value":[]}`))
	f.srv.Config.ErrorLog = quiet
	cfg := f.config()
	cfg.CAFile = ""
	_, err := f.clientOf(cfg).Permissions(context.Background())
	if e := wantKind(t, err, Network); !strings.Contains(e.Remedy, "ca_file") {
		t.Errorf("remedy %q", e.Remedy)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := Config{Tenant: "t", ClientID: "c", Secret: func() (string, error) { panic("read in New") }}
	if c, err := New(good); err != nil || c.graph.host != "graph.microsoft.com" {
		t.Fatalf("%v", err)
	}
	for name, change := range map[string]func(*Config){
		"tenant": func(c *Config) { c.Tenant = "" }, "client": func(c *Config) { c.ClientID = "" }, "secret": func(c *Config) { c.Secret = nil },
		"cloud": func(c *Config) { c.Cloud = "mars" }, "graph": func(c *Config) { c.GraphURL = "http://x" }, "authority": func(c *Config) { c.AuthorityURL = "x" },
		"ca": func(c *Config) { c.CAFile = "/nowhere" },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, cl := range clouds {
		cfg := good
		cfg.Cloud = cl.name
		c, err := New(cfg)
		if err != nil || c.base != cl.graph {
			t.Errorf("%s: %v", cl.name, err)
		}
	}
}
