//go:build !noembedded

package embedded

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// natsReadyLimit is generous: a large store is read before clients are taken.
const (
	natsReadyLimit = 2 * time.Minute
	natsReadyStep  = 100 * time.Millisecond
)

// NATS is a nats-server with JetStream inside this process.
type NATS struct {
	server *server.Server
	host   string
	port   int
	lock   *os.File
}

// StartNATS starts a server and returns when it takes clients. A message that
// it has acked is on disk: every write is synced before the ack. It leaves the
// process's signals alone. A directory that another server uses is refused with
// [ErrInUse].
func StartNATS(cfg NATSConfig) (*NATS, error) {
	if cfg.Dir == "" {
		return nil, errors.New("start nats: no directory given")
	}
	if cfg.Host == "" {
		cfg.Host = defaultHost
	}
	lock, err := lockOwner(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start nats: %w", err)
	}
	n := &NATS{host: cfg.Host, lock: lock}
	if err := n.listen(cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("start nats: %w", err), lock.Close())
	}
	cfg.Log.Info().Str("url", n.URL()).Str("dir", cfg.Dir).Msg("nats started")
	return n, nil
}

// listen starts the server. Between finding a port free and listening on it another
// program may take it, such as an instance started at the same moment: then any other
// port does.
func (n *NATS) listen(cfg NATSConfig) error {
	for try := 1; ; try++ {
		var err error
		if n.port, err = choosePort(cfg.Host, cfg.Port); err != nil {
			return err
		}
		if n.server, err = startServer(cfg, n.port); err == nil {
			return nil
		}
		if try == maxPortTries || portFree(cfg.Host, n.port) {
			return err
		}
		cfg.Port = 0
	}
}

func startServer(cfg NATSConfig, port int) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName:        "seatstream",
		Host:              cfg.Host,
		Port:              port,
		JetStream:         true,
		StoreDir:          filepath.Join(cfg.Dir, "store"),
		JetStreamMaxStore: cfg.StoreMaxBytes,
		SyncAlways:        true,
		NoSigs:            true,
	})
	if err != nil {
		return nil, fmt.Errorf("create server: %w", err)
	}
	log := &natsLog{log: cfg.Log}
	srv.SetLoggerV2(log, false, false, false)
	srv.Start()
	ready := false
	for begun := time.Now(); !ready && log.fatal.Load() == nil && time.Since(begun) < natsReadyLimit; {
		ready = srv.ReadyForConnections(natsReadyStep) // does not notice a failed start by itself
	}
	if !ready || !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		if reason := log.fatal.Load(); reason != nil {
			return nil, fmt.Errorf("start server: %s", *reason)
		}
		return nil, fmt.Errorf("start server: not ready after %s", natsReadyLimit)
	}
	log.up.Store(true)
	return srv, nil
}

// URL is the address for clients outside this process.
func (n *NATS) URL() string {
	return "nats://" + net.JoinHostPort(reachable(n.host), strconv.Itoa(n.port))
}

// Connect opens a connection through memory rather than through the network.
func (n *NATS) Connect(opts ...nats.Option) (*nats.Conn, error) {
	conn, err := nats.Connect("", append(opts, nats.InProcessServer(n.server))...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats in process: %w", err)
	}
	return conn, nil
}

// Server is the server itself, for its monitoring calls.
func (n *NATS) Server() *server.Server { return n.server }

// ID is the server's own name for itself, new at every start.
func (n *NATS) ID() string { return n.server.ID() }

// Stop shuts the server down and waits until its files are closed. Connections
// are cut; drain them first.
func (n *NATS) Stop() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
	_ = n.lock.Close()
}
