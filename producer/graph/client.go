package graph

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	khttp "github.com/microsoft/kiota-http-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/rs/zerolog"
)

// Config says which tenant to read and how to reach it.
type Config struct {
	Tenant   string // directory id or a verified domain
	ClientID string // application id of the app registration
	// Secret returns the client secret. It is called for every token, about once an
	// hour, so a rotated secret works without a restart.
	Secret func() (string, error)
	// Credential is another way to sign in, in place of Secret: a Certificate, a
	// WorkloadIdentity or a ManagedIdentity.
	Credential Credential
	Cloud      string // global (the default, also GCC), usgov (GCC High), dod or china

	GraphURL     string // replaces the cloud's Graph, for a proxy or the simulator
	AuthorityURL string // replaces the cloud's sign-in service
	CAFile       string // PEM certificates trusted besides the system's

	// AssignedPlans asks for the service plans of every user as well. A holder of
	// Microsoft 365 E5 has some sixty of them, ten times the rest of the record.
	AssignedPlans bool

	Log zerolog.Logger
	// Now is the clock that says when a page was read; time.Now if nil.
	Now func() time.Time
	// MaxWait is the longest wait within one request, for a Retry-After or for a limit of
	// Graph's, 2 minutes if zero. A longer one ends the listing with a Throttled error
	// that carries it.
	MaxWait time.Duration
	// Limiter keeps the clients of a process within Graph's limits; give all of them the
	// same one. Without one the client has its own.
	Limiter *Limiter
	// Yield, if set, is called when a request begins to wait for longer than a moment: for
	// a limit, for what Retry-After asked, for an answer that is slow. It must not block.
	// What it returns is called when the wait is over, and may itself wait until the caller
	// has room again.
	Yield func() (resume func())
}

// Client reads one tenant. It may be used by several goroutines at once; they share a
// token and the pauses that Graph asks for.
type Client struct {
	log        zerolog.Logger
	now        func() time.Time
	cloud      cloud
	base       string // of Graph, without version
	graph      origin
	app        string // as the limiter knows it
	tenant     string
	limiter    *Limiter
	tokens     *tokens
	credential Credential
	retry      *retrier
	files      *downloader
	skew       skew
	plans      bool
	batch      int   // report rows handed over at once
	maxPage    int64 // of a decompressed page, in bytes
	idle       []*http.Transport
	adapter    abs.RequestAdapter
}

// New makes a client. It reads the CA file and nothing else: no network, no secret.
func New(cfg Config) (*Client, error) { return newClient(cfg, nil) }

// newClient is New with a stand-in for the network.
func newClient(cfg Config, network http.RoundTripper) (*Client, error) {
	cred, err := credentialOf(cfg)
	if err != nil {
		return nil, err
	}
	cl, err := cloudNamed(cfg.Cloud)
	if err != nil {
		return nil, err
	}
	c := &Client{
		log: cfg.Log.With().Str("tenant", cfg.Tenant).Logger(), now: cfg.Now, cloud: cl, app: cfg.ClientID, tenant: cfg.Tenant, credential: cred,
		limiter: cfg.Limiter, plans: cfg.AssignedPlans, batch: reportBatch, maxPage: maxPage,
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.limiter == nil {
		c.limiter = NewLimiter()
	}
	s := &signer{tenant: cfg.Tenant, clientID: cfg.ClientID, credential: cred, scope: cl.graph + "/.default", skew: &c.skew}
	if err := c.endpoints(cfg, s); err != nil {
		return nil, err
	}
	tlsConfig, err := trust(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	c.retry = &retrier{maxWait: cfg.MaxWait, base: time.Second, log: c.log, yield: cfg.Yield}
	if c.retry.maxWait <= 0 {
		c.retry.maxWait = 2 * time.Minute
	}
	s.next, s.machine, s.retry = c.networks(network, tlsConfig, cfg.GraphURL == ""), network, c.retry
	if s.machine == nil {
		s.machine = newMachineTransport()
	}
	c.tokens = newTokens(s.token)
	return c, c.connect(s.next)
}

// networks makes the connection pools, unless there is a stand-in, and returns the one
// for Graph and the sign-in service.
func (c *Client) networks(network http.RoundTripper, tlsConfig *tls.Config, public bool) http.RoundTripper {
	c.files = &downloader{retry: c.retry, limit: maxReport, direct: network, proxied: network}
	if network != nil {
		return network
	}
	pool := newHTTPTransport(tlsConfig)
	c.files.direct, c.files.proxied, c.idle = downloadTransports(tlsConfig, public)
	c.idle = append(c.idle, pool)
	return pool
}

// endpoints settles where Graph and the sign-in service are.
func (c *Client) endpoints(cfg Config, s *signer) error {
	var err error
	graphURL, authority := cfg.GraphURL, cfg.AuthorityURL
	if graphURL == "" {
		graphURL = c.cloud.graph
	}
	if authority == "" {
		authority = c.cloud.authority
		if c.cloud.tokenHost != "" {
			_, o, err := parseBase(c.cloud.tokenHost)
			if err != nil {
				return err
			}
			s.hosts = append(s.hosts, o)
		}
	}
	if c.base, c.graph, err = parseBase(graphURL); err != nil {
		return fmt.Errorf("read graph_url: %w", err)
	}
	var o origin
	if s.authority, o, err = parseBase(authority); err != nil {
		return fmt.Errorf("read authority_url: %w", err)
	}
	s.hosts = append([]origin{o}, s.hosts...)
	return nil
}

// connect builds the SDK's adapter on top of our transport. Of the SDK's middleware the
// retries and the redirects are left out: our transport does the first, and the second
// must not happen. The SDK attaches no token either: the transport does, after it has
// checked where the request goes. The SDK's root client is not used, because making one
// changes registries of the whole process without a lock, and tenants come and go.
func (c *Client) connect(network http.RoundTripper) error {
	var options core.GraphClientOptions
	t := &transport{next: network, graph: c.graph, tokens: c.tokens, retry: c.retry, skew: &c.skew, limit: c.maxPage}
	t.turn = func(u *url.URL) *turn {
		pass := c.limiter.turn(c.app, c.tenant, u, c.retry.maxWait)
		pass.yield = c.retry.yield
		return pass
	}
	httpClient := &http.Client{
		Transport: khttp.NewCustomTransportWithParentTransport(t,
			core.NewGraphTelemetryHandler(&options),
			khttp.NewParametersNameDecodingHandler(),
		),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	adapter, err := core.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		&authentication.AnonymousAuthenticationProvider{}, options, nil, nil, httpClient)
	if err != nil {
		return fmt.Errorf("build graph client: %w", err)
	}
	adapter.SetBaseUrl(c.base + "/v1.0")
	c.adapter = adapter
	return nil
}

// trust returns TLS settings with the system's roots and those of the file.
func trust(file string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if file == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read ca_file: %s holds no certificate", file)
	}
	cfg.RootCAs = roots
	return cfg, nil
}

// Close gives idle connections back. Requests under way are not touched.
func (c *Client) Close() {
	for _, t := range c.idle {
		t.CloseIdleConnections()
	}
}

// Permissions signs in anew and returns the application permissions that the token
// carries, sorted; none if it carries none. Consent given since the last sign-in counts.
// The token's signature is not verified: Graph does that.
func (c *Client) Permissions(ctx context.Context) ([]string, error) {
	token, err := c.tokens.fresh(ctx)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	said, err := claimsOf(token)
	if err != nil {
		return nil, fmt.Errorf("read permissions: %w", err)
	}
	return said.Roles, nil
}

// Directory is the id of the directory that the token is for, empty where it does not say.
func (c *Client) Directory(ctx context.Context) (string, error) {
	token, err := c.tokens.get(ctx)
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	said, err := claimsOf(token)
	if err != nil {
		return "", fmt.Errorf("read the token's directory: %w", err)
	}
	return said.Tenant, nil
}

// send lets the SDK send a request and hands over the raw response, whatever its status.
func (c *Client) send(ctx context.Context, info *abs.RequestInformation) (*http.Response, error) {
	var resp *http.Response
	take := abs.NewRequestHandlerOption()
	take.SetResponseHandler(func(r any, _ abs.ErrorMappings) (any, error) {
		resp, _ = r.(*http.Response)
		return nil, nil
	})
	info.AddRequestOptions([]abs.RequestOption{take})
	_, err := c.adapter.SendPrimitive(ctx, info, "[]byte", nil)
	if err != nil {
		return nil, asError(ctx, err)
	}
	if resp == nil {
		return nil, &Error{Kind: Network, Message: "no answer"}
	}
	return resp, nil
}

// path starts a request builder of the SDK's. Each has a map of its own: the adapter
// writes to it.
func (c *Client) path(parameters ...string) (map[string]string, abs.RequestAdapter) {
	m := map[string]string{"baseurl": c.base + "/v1.0"}
	for i := 0; i+1 < len(parameters); i += 2 {
		m[parameters[i]] = parameters[i+1]
	}
	return m, c.adapter
}
