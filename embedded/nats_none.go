//go:build noembedded

package embedded

import (
	"errors"

	"github.com/nats-io/nats.go"
)

// NATS is not in this build.
type NATS struct{}

// StartNATS always fails: this build has no server.
func StartNATS(NATSConfig) (*NATS, error) {
	return nil, errors.New("this build of seatstream has no embedded nats-server: set nats.url")
}

// URL is empty.
func (*NATS) URL() string { return "" }

// ID is empty.
func (*NATS) ID() string { return "" }

// Connect always fails.
func (*NATS) Connect(...nats.Option) (*nats.Conn, error) { return nil, nats.ErrNoServers }

// Stop does nothing.
func (*NATS) Stop() {}
