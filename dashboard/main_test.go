package dashboard

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
)

func TestMain(m *testing.M) { teststack.Main(m) }

// stack is everything that a page shows: two collected tenants, and a third that no
// connector reads yet.
type stack struct {
	nats     *teststack.NATS
	db       *teststack.ClickHouse
	sim      *graphsim.Server
	registry *producer.Registry
	deps     Deps
	secrets  string // directory of pasted secrets
	url      string // of a page without tokens
	server   *Server
}

const prices = `INSERT INTO m365.prices (tenant_id, sku_id, price, currency, term, valid_from, imported_at, imported_by, deleted) VALUES
('00000000-0000-0000-0000-000000000000', '06ebc4ee-1bb5-47dd-8120-11324bc54e06', 50, 'EUR', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'test', 0),
('00000000-0000-0000-0000-000000000000', '05e9a617-0261-4cee-bb44-138d3ef5d965', 35, 'EUR', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'test', 0),
('00000000-0000-0000-0000-000000000000', 'c5928f49-12ba-48f7-ada3-0d743a3601d5', 13, 'USD', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'test', 0)`

// within waits for a condition, for as long as a machine that is busy may take.
func within(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// run runs something until the test ends.
func run(t testing.TB, what string, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	})
}

func start(t *testing.T) *stack {
	t.Helper()
	s := &stack{nats: teststack.StartNATS(t), db: teststack.StartClickHouse(t), secrets: filepath.Join(t.TempDir(), "secrets")}
	var err error
	s.sim, err = graphsim.New(graphsim.Config{Dir: t.TempDir(), Tenants: []graphsim.TenantConfig{
		{Domain: "contoso.onmicrosoft.com", Name: "Contoso", Seed: 1, Users: 90},
		{Domain: "fabrikam.onmicrosoft.com", Name: "Fabrikam", Seed: 2, Users: 20},
		{Domain: "northwind.onmicrosoft.com", Name: "Northwind Traders", Seed: 3, Users: 12},
	}})
	if err != nil {
		t.Fatal(err)
	}
	run(t, "simulator", s.sim.Run)
	s.registry = &producer.Registry{JS: s.nats.JS, Stores: s.nats.Stores}
	w := &producer.Worker{Endpoint: producer.DefaultEndpoint, Parallel: 2, Window: producer.DefaultWindow, Registry: s.registry, Log: teststack.Log(t), Secrets: &producer.Secrets{}}
	run(t, "producer", w.Run)
	c, _ := s.nats.Consume(t, consumer.Config{}, s.db.Conn)
	for _, tenant := range s.sim.Tenants()[:2] {
		s.collect(t, tenant)
	}
	within(t, "all records stored", func() bool { lag, err := c.Lag(t.Context()); return err == nil && lag == 0 })
	if err := s.db.Conn.Exec(t.Context(), prices); err != nil {
		t.Fatal(err)
	}
	s.deps = Deps{DB: s.db.Conn, Registry: s.registry, Consumer: c, Secrets: &producer.Secrets{}, Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)}
	if s.server, err = New(Config{Listen: "127.0.0.1:0", SecretDir: s.secrets, Version: "test"}, s.deps); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	run(t, "page", func(ctx context.Context) error { return s.server.Run(ctx, func(url string) { ready <- url }) })
	select {
	case url := <-ready:
		s.url = strings.TrimSuffix(url, "/")
	case <-time.After(time.Minute):
		t.Fatal("the page is not served")
	}
	return s
}

// collect adds a connector and waits for its first run.
func (s *stack) collect(t *testing.T, tenant graphsim.TenantInfo) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(tenant.ClientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(tenant.Domain, ".")
	c := producer.Connector{Name: name, Tenant: tenant.Domain, ClientID: tenant.ClientID, ClientSecret: producer.SecretRef("file:" + secret),
		GraphURL: s.sim.URL(), AuthorityURL: s.sim.AuthorityURL(), CAFile: s.sim.CAFile(), Backfill: new(0)}
	if _, err := s.registry.Put(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	within(t, "first run of "+name, func() bool {
		st, err := s.registry.Status(t.Context(), name)
		if err == nil && st != nil && st.State == producer.StateFailed {
			t.Fatalf("run of %s failed: %+v", name, st.Error)
		}
		return err == nil && st != nil && st.State == producer.StateDone
	})
}

// asked is a request to a handler, and its answer.
func asked(t *testing.T, h http.Handler, method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	r.Host = "127.0.0.1"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// get reads an address of the page that is served.
func (s *stack) get(t *testing.T, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v\n%.500s", path, res.StatusCode, err, body)
	}
	return string(body)
}

// TestDashboard runs everything on one stack: to start it takes longer than any of it.
func TestDashboard(t *testing.T) {
	t.Parallel()
	s := start(t)
	t.Run("tenants are apart", s.testTenantsApart)
	t.Run("roles", s.testRoles)
	t.Run("acts are audited", s.testActs)
	t.Run("figures are sums of the answers", s.testFigures)
	t.Run("views of answers", s.testViews)
	t.Run("answers are those of the command line", s.testAnswers)
	t.Run("browser", s.testBrowser)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
}

func (s *stack) count(t *testing.T, sql string, args ...any) (n uint64) {
	t.Helper()
	if err := s.db.Conn.QueryRow(t.Context(), fmt.Sprintf(sql, args...)).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
