package embedded

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"
)

// EngineConfig configures an [Engine]. Dir is required.
type EngineConfig struct {
	Dir      string // everything lives below: tables, configuration, log, lock
	Host     string // 127.0.0.1 unless set
	TCPPort  int    // preferred port of the native protocol; 0 or taken: a free one
	HTTPPort int    // preferred port of the HTTP interface; 0 or taken: a free one
	// Library is the path of libchdb or of a clickhouse binary. Left out, the
	// engine is looked for: the variable SEATSTREAM_ENGINE, clickhouse on
	// PATH, the cache that `make engine` fills.
	Library   string
	MaxMemory int64 // cap of the server's memory in bytes; 2 GiB unless set
	// Users are further users. The default user has all rights, no password
	// and no way in from another machine.
	Users []User
	Log   zerolog.Logger
}

var errStopped = errors.New("engine stopped")

const (
	defaultHost      = "127.0.0.1"
	defaultMaxMemory = 2 << 30
	// instanceMacro holds the name by which Ready knows its own engine.
	instanceMacro = "seatstream_instance"
	// readyPoll paces the attempts to reach an engine that is starting; one
	// refused connection on loopback costs microseconds.
	readyPoll = 10 * time.Millisecond
	pingLimit = 5 * time.Second
)

// Engine is a ClickHouse server in a child process.
type Engine struct {
	cfg      EngineConfig
	program  program
	instance string

	started atomic.Bool
	pid     atomic.Int64
	done    chan struct{} // closed when Run has returned
	err     error         // what Run returned; valid once done is closed
}

// NewEngine finds the engine to run and settles its ports, so that the
// addresses are known before anything runs. It starts nothing and holds
// nothing; [Engine.Run] does. Without an engine on this machine the error is
// [ErrNoEngine].
func NewEngine(cfg EngineConfig) (*Engine, error) {
	if cfg.Dir == "" {
		return nil, errors.New("create engine: no directory given")
	}
	if cfg.Host == "" {
		cfg.Host = defaultHost
	}
	if cfg.MaxMemory <= 0 {
		cfg.MaxMemory = defaultMaxMemory
	}
	if err := checkUsers(cfg.Users); err != nil {
		return nil, fmt.Errorf("create engine: %w", err)
	}
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fmt.Errorf("create engine: %w", err)
	}
	found, err := findProgram(cfg.Library)
	if err != nil {
		return nil, fmt.Errorf("create engine: %w", err)
	}
	if cfg.TCPPort, err = choosePort(cfg.Host, cfg.TCPPort); err != nil {
		return nil, fmt.Errorf("create engine: %w", err)
	}
	if cfg.HTTPPort, err = choosePort(cfg.Host, cfg.HTTPPort, cfg.TCPPort); err != nil {
		return nil, fmt.Errorf("create engine: %w", err)
	}
	return &Engine{cfg: cfg, program: found, instance: rand.Text(), done: make(chan struct{})}, nil
}

// DSN is the address of the native protocol for clickhouse-go. It stays the
// same across restarts of the engine.
func (e *Engine) DSN() string {
	return "clickhouse://" + e.address(e.cfg.TCPPort) + "/default"
}

// HTTPURL is the address of the HTTP interface.
func (e *Engine) HTTPURL() string {
	return "http://" + e.address(e.cfg.HTTPPort)
}

// Instance is the name by which [InstanceAt] knows this engine.
func (e *Engine) Instance() string { return e.instance }

// InstanceAt asks the engine that serves at an address for its name.
func InstanceAt(ctx context.Context, dsn string) (string, error) {
	options, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return "", fmt.Errorf("parse dsn: %w", err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return "", fmt.Errorf("open connection: %w", err)
	}
	defer func() { _ = conn.Close() }()
	return instanceOf(ctx, conn)
}

// PID is the process id of the child that runs now, and 0 between two.
func (e *Engine) PID() int { return int(e.pid.Load()) }

func (e *Engine) address(port int) string {
	return net.JoinHostPort(reachable(e.cfg.Host), strconv.Itoa(port))
}

// Ready blocks until the engine answers a query over the native protocol. It
// may be called again to wait out a restart. When Run ends first, Ready returns
// the reason.
func (e *Engine) Ready(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
		case <-e.done:
			cancel(cmp.Or(e.err, errStopped))
		}
	}()
	err := e.reach(ctx)
	cancel(nil)
	<-watched
	if err != nil {
		return fmt.Errorf("reach engine: %w", err)
	}
	return nil
}

// reach pings the engine until it answers or ctx ends.
func (e *Engine) reach(ctx context.Context) error {
	options, err := clickhouse.ParseDSN(e.DSN())
	if err != nil {
		return fmt.Errorf("parse dsn: %w", err)
	}
	options.MaxOpenConns = 1
	options.DialTimeout = pingLimit
	conn, err := clickhouse.Open(options)
	if err != nil {
		return fmt.Errorf("open connection: %w", err)
	}
	defer func() { _ = conn.Close() }()

	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		last := e.ping(ctx, conn)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last attempt: %w)", context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}

// ping asks for the instance name: on a port that was lost to another program
// in the moment before the start, another engine may well answer.
func (e *Engine) ping(ctx context.Context, conn clickhouse.Conn) error {
	instance, err := instanceOf(ctx, conn)
	if err != nil {
		return err
	}
	if instance != e.instance {
		return errors.New("another engine answers on this port")
	}
	return nil
}

func instanceOf(ctx context.Context, conn clickhouse.Conn) (instance string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	err = conn.QueryRow(ctx, "SELECT getMacro('"+instanceMacro+"')").Scan(&instance)
	return instance, err
}
