package graph

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Canaries: no error and no log line may ever hold one of these.
const (
	canarySecret      = "canary8Q~secret"
	canaryToken       = "canarytoken"
	canaryLink        = "canarylink"
	canaryDescription = "canarydescription"
)

const testTenant = "11111111-aaaa-bbbb-cccc-222222222222"

// fake is the sign-in service and Graph on one TLS port.
type fake struct {
	t   *testing.T
	srv *httptest.Server

	mu     sync.Mutex
	graph  http.HandlerFunc
	signIn http.HandlerFunc
	issued int
	forms  []string // secrets seen by the token endpoint
	seen   []*http.Request
	roles  []string
	logged lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newFake(t *testing.T, graph http.HandlerFunc) *fake {
	f := &fake{t: t, graph: graph, roles: []string{"User.Read.All", "Directory.Read.All"}}
	f.srv = httptest.NewTLSServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() {
		f.srv.Close()
		clean := noCanary(f.logged.String())
		if clean != nil {
			t.Errorf("log: %v", clean)
		}
	})
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		base := f.srv.URL + "/" + testTenant
		fmt.Fprintf(w, `{"token_endpoint":"%s/oauth2/v2.0/token","authorization_endpoint":"%s/oauth2/v2.0/authorize","issuer":"%s/v2.0"}`, base, base, base)
	case strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"):
		f.token(w, r)
	default:
		f.mu.Lock()
		f.seen = append(f.seen, r.Clone(r.Context()))
		f.mu.Unlock()
		f.graph(w, r)
	}
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.mu.Lock()
	f.forms = append(f.forms, r.PostForm.Get("client_secret"))
	f.issued++
	n, h := f.issued, f.signIn
	f.mu.Unlock()
	if h != nil {
		h(w, r)
		return
	}
	fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":"%s"}`, f.jwt(n))
}

// jwt is the n-th token: canaries in all three parts.
func (f *fake) jwt(n int) string {
	payload := fmt.Sprintf(`{"roles":["%s"],"n":%d}`, strings.Join(f.roles, `","`), n)
	return canaryToken + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + fmt.Sprint(n)
}

func (f *fake) config() Config {
	ca := filepath.Join(f.t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.srv.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return Config{
		Tenant: testTenant, ClientID: "33333333-aaaa-bbbb-cccc-222222222222",
		Secret:   func() (string, error) { return canarySecret, nil },
		GraphURL: f.srv.URL, AuthorityURL: f.srv.URL, CAFile: ca,
		Log: zerolog.New(&f.logged), MaxWait: time.Second,
	}
}

func (f *fake) client() *Client { return f.clientOf(f.config()) }

func (f *fake) clientOf(cfg Config) *Client {
	c, err := New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	c.retry.base = time.Millisecond
	f.t.Cleanup(c.Close)
	return c
}

func (f *fake) requests() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*http.Request(nil), f.seen...)
}

func noCanary(text string) error {
	for _, c := range []string{canarySecret, canaryToken, canaryLink, canaryDescription} {
		if strings.Contains(text, c) {
			return fmt.Errorf("holds %q: %s", c, text)
		}
	}
	return nil
}

// wantKind checks an error's kind and that no form of it shows a canary.
func wantKind(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T %v, want kind %s", err, err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("kind is %s, want %s: %v", e.Kind, kind, err)
	}
	for _, form := range []string{"%v", "%+v", "%#v"} {
		if bad := noCanary(fmt.Sprintf(form, err) + fmt.Sprintf(form, e) + fmt.Sprintf(form, *e)); bad != nil {
			t.Fatal(bad)
		}
	}
	return e
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

var quiet = log.New(io.Discard, "", 0)
