package embedded

import "github.com/rs/zerolog"

// NATSConfig configures a [NATS]. Dir is required.
type NATSConfig struct {
	Dir  string // streams and lock live below
	Host string // 127.0.0.1 unless set
	// Port is the preferred port; 0, or a port that is taken, means a free one.
	Port int
	// StoreMaxBytes caps what all streams keep on disk; 0 leaves the server's
	// own limit, three quarters of the free space.
	StoreMaxBytes int64
	Log           zerolog.Logger
}
