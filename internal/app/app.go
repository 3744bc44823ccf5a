// Package app puts the parts together: it opens what the configuration names, starts the
// embedded parts for what it leaves out, and runs the roles on them.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/config"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/telemetry"
	"github.com/seatstream/seatstream/producer"
)

// App opens each part when it is first asked for and closes all of them in the end.
type App struct {
	Config *config.Config
	Log    zerolog.Logger
	Name   string // the command, shown as the connection's name on the NATS server
	// Version of the program, for the metrics and the page.
	Version string

	mu      sync.Mutex
	closers []func()
	parts   Endpoints
	nc      *nats.Conn
	js      jetstream.JetStream
	stores  *producer.Stores
	ch      driver.Conn
	dsn     string // of ch, with its password
	// owns is set where the embedded parts must be this process's own: it does not join
	// an instance that is up on the data directory, but is refused by its lock.
	owns                       bool
	starts                     bool // Start was called: what is missing is made
	startedNATS, startedEngine bool
	telemetry                  *telemetry.Server // nil where none is configured
	consumers                  *consumer.Set     // nil where this process has none
}

// New returns an App. It opens nothing.
func New(cfg *config.Config, log zerolog.Logger, name string) *App {
	return &App{Config: cfg, Log: log, Name: name}
}

// Close closes what was opened, last first.
func (a *App) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}

func (a *App) onClose(f func()) { a.closers = append(a.closers, f) }

// NATS returns the connection to the stream's server.
func (a *App) NATS() (*nats.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nats()
}

func (a *App) nats() (*nats.Conn, error) {
	if a.nc != nil {
		return a.nc, nil
	}
	nc, err := a.connectNATS()
	if err != nil {
		return nil, err
	}
	a.nc = nc
	a.onClose(nc.Close)
	return nc, nil
}

func (a *App) connectNATS() (*nats.Conn, error) {
	c := a.Config.NATS
	if !c.Embedded() {
		a.parts.NATS = config.Redact(c.URL)
		return connect.NATS(connect.NATSConfig{URL: c.URL, Creds: c.Creds, PasswordFile: c.PasswordFile, Context: c.Context}, a.Name)
	}
	if running := a.running(); running.NATS != "" {
		if nc, err := connect.NATS(connect.NATSConfig{URL: running.NATS}, a.Name); err == nil {
			if nc.ConnectedServerId() == running.NATSID {
				a.parts.NATS = running.NATS
				return nc, nil
			}
			nc.Close()
		}
	}
	if err := a.makeDataDir(); err != nil {
		return nil, err
	}
	srv, err := embedded.StartNATS(embedded.NATSConfig{Dir: filepath.Join(a.Config.DataDir, "nats"), Port: c.Port, Log: a.Log})
	if err != nil {
		return nil, a.inUse(err)
	}
	a.onClose(srv.Stop)
	a.startedNATS, a.parts.NATS, a.parts.NATSID = true, srv.URL(), srv.ID()
	return srv.Connect(connect.Options(a.Name)...)
}

// inUse says what to do where another instance has the data directory.
func (a *App) inUse(err error) error {
	if !errors.Is(err, embedded.ErrInUse) {
		return err
	}
	return fmt.Errorf("data_dir %s belongs to another instance that is up: end it, or give --data-dir another folder: %w", a.Config.DataDir, err)
}

// JetStream returns JetStream with the product's streams in place.
func (a *App) JetStream(ctx context.Context) (jetstream.JetStream, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.jetStream(ctx)
}

func (a *App) jetStream(ctx context.Context) (jetstream.JetStream, error) {
	if a.js != nil {
		return a.js, nil
	}
	nc, err := a.nats()
	if err != nil {
		return nil, err
	}
	a.js, err = connect.JetStream(ctx, nc, 1, 0)
	return a.js, err
}

// Stores returns the key-value buckets.
func (a *App) Stores(ctx context.Context) (*producer.Stores, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stores != nil {
		return a.stores, nil
	}
	js, err := a.jetStream(ctx)
	if err != nil {
		return nil, err
	}
	stores, err := producer.OpenStores(ctx, js, 1)
	if err != nil {
		return nil, err
	}
	if a.startedNATS {
		// Whoever held a lease on this server ended with it, or has to take it anew: without
		// this, a start after a crash would wait until the leases of the dead run out.
		if err := stores.ClearLeases(ctx); err != nil {
			return nil, err
		}
	}
	a.stores = stores
	return stores, nil
}

// Registry returns the connectors.
func (a *App) Registry(ctx context.Context) (*producer.Registry, error) {
	stores, err := a.Stores(ctx)
	if err != nil {
		return nil, err
	}
	return &producer.Registry{JS: a.js, Stores: stores}, nil
}

// ClickHouse returns a connection to the tables. Where this process starts the engine,
// it also brings the tables up to date.
func (a *App) ClickHouse(ctx context.Context) (driver.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ch != nil {
		return a.ch, nil
	}
	dsn, err := a.clickHouseDSN(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := connect.ClickHouse(ctx, dsn)
	if err != nil {
		return nil, err
	}
	a.ch, a.dsn, a.parts.ClickHouse = conn, dsn, config.Redact(dsn)
	a.onClose(func() { _ = conn.Close() }) // nothing is under way any more
	return conn, nil
}

func (a *App) clickHouseDSN(ctx context.Context) (string, error) {
	if c := a.Config.ClickHouse; c.PasswordFile != "" {
		return connect.WithPassword(c.DSN, c.PasswordFile)
	} else if !c.Embedded() {
		return c.DSN, nil
	}
	if running := a.running(); running.ClickHouse != "" {
		if id, err := embedded.InstanceAt(ctx, running.ClickHouse); err == nil && id == running.ClickHouseID {
			a.parts.ClickHouseHTTP = running.ClickHouseHTTP
			return running.ClickHouse, nil
		}
	}
	if !a.starts && !a.anyData() {
		return "", fmt.Errorf("nothing is collected in %s yet: start seatstream up or seatstream demo, or name the folder with --data-dir", a.Config.DataDir)
	}
	engine, err := a.startEngine(ctx)
	if err != nil {
		return "", err
	}
	a.startedEngine, a.parts.ClickHouseHTTP, a.parts.ClickHouseID = true, engine.HTTPURL(), engine.Instance()
	return engine.DSN(), Migrate(ctx, engine.DSN())
}

// anyData tells whether an instance has ever been up on the data directory. A question
// in the wrong folder is better refused than answered with nothing.
func (a *App) anyData() bool {
	for _, part := range []string{"nats", "clickhouse"} {
		if _, err := os.Stat(filepath.Join(a.Config.DataDir, part)); err == nil {
			return true
		}
	}
	return false
}

// startEngine starts the engine and waits until it answers. Should another program take
// one of its ports in this moment, it starts on others.
func (a *App) startEngine(ctx context.Context) (*embedded.Engine, error) {
	c := a.Config.ClickHouse
	cfg := embedded.EngineConfig{
		Dir: filepath.Join(a.Config.DataDir, "clickhouse"), TCPPort: c.TCPPort, HTTPPort: c.HTTPPort, Log: a.Log,
	}
	if err := a.makeDataDir(); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		engine, err := a.runEngine(ctx, cfg)
		if err == nil || try == 5 || !errors.Is(err, embedded.ErrPortTaken) {
			return engine, a.inUse(err)
		}
		cfg.TCPPort, cfg.HTTPPort = 0, 0
	}
}

func (a *App) runEngine(ctx context.Context, cfg embedded.EngineConfig) (*embedded.Engine, error) {
	engine, err := embedded.NewEngine(cfg)
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- engine.Run(run) }()
	if err := engine.Ready(ctx); err != nil {
		stop()
		if cause := <-done; cause != nil {
			err = cause // Ready words it at more length
		}
		return nil, fmt.Errorf("start the embedded ClickHouse: %w", err)
	}
	a.onClose(func() {
		stop()
		if err := <-done; err != nil {
			a.Log.Error().Err(err).Msg("embedded ClickHouse engine stopped with an error")
		}
	})
	return engine, nil
}

// migrateTries is how often migrations are begun. A connection may break beneath them: a
// server restarts, or the embedded engine ends with a client that gave up its login and
// is started again.
const migrateTries = 5

// Migrate brings the tables and views of a server up to date. What a broken connection cut
// short is begun again: every migration may run twice.
func Migrate(ctx context.Context, dsn string) error {
	for try := 1; ; try++ {
		err := migrate(ctx, dsn)
		if err == nil || try == migrateTries || !connect.Broken(err) {
			return err
		}
		select {
		case <-time.After(time.Duration(try) * 200 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

func migrate(ctx context.Context, dsn string) error {
	server, product, err := connect.Databases(dsn)
	if err != nil {
		return err
	}
	err = consumer.Migrate(ctx, server, product)
	return errors.Join(err, server.Close(), product.Close())
}

// makeDataDir makes the data directory once something embedded needs it.
func (a *App) makeDataDir() error {
	if err := os.MkdirAll(a.Config.DataDir, 0o700); err != nil {
		return fmt.Errorf("make data_dir: %w: name a folder that can be written with --data-dir", err)
	}
	return nil
}
