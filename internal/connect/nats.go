// Package connect opens the connections that every role works with and makes sure that
// streams, buckets and tables are there.
package connect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/nats-io/jsm.go/natscontext"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/config"
	"github.com/seatstream/seatstream/schemas"
)

// NATSConfig says how a NATS server is reached.
type NATSConfig struct {
	URL   string
	Creds string // credentials file
	// PasswordFile has the password of the user in URL. It is read at every connection, so
	// that a password that was rotated works without a restart.
	PasswordFile string
	Context      string // a context of the nats CLI; takes the place of URL and Creds
}

// NATS connects, and connects again for as long as the program runs. An error names the
// server and what to do; it never holds a password.
func NATS(cfg NATSConfig, name string) (*nats.Conn, error) {
	opts := append(Options(name), nats.RetryOnFailedConnect(false))
	if cfg.Context != "" {
		nc, err := natscontext.Connect(cfg.Context, opts...)
		if err != nil {
			return nil, fmt.Errorf("connect to NATS by context %q (nats.context): %w", cfg.Context, err)
		}
		return nc, nil
	}
	if cfg.Creds != "" {
		opts = append(opts, nats.UserCredentials(cfg.Creds))
	}
	if cfg.PasswordFile != "" {
		password, err := fromFile(cfg.URL, cfg.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("connect to NATS: %w", err)
		}
		opts = append(opts, password)
	}
	nc, err := nats.Connect(cfg.URL, opts...)
	switch {
	case err == nil:
		return nc, nil
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired):
		return nil, fmt.Errorf("connect to NATS at %s: refused: check nats.creds or the user in nats.url: %w", config.Redact(cfg.URL), err)
	}
	return nil, fmt.Errorf("connect to NATS at %s: %w: check that nats.url is right and the server is up, or leave nats.url out to use the embedded server", config.Redact(cfg.URL), err)
}

// fromFile gives the user of an address the password in a file.
func fromFile(address, file string) (nats.Option, error) {
	u, err := url.Parse(strings.TrimSpace(strings.Split(address, ",")[0]))
	if err != nil {
		return nil, fmt.Errorf("nats.url: not an address such as nats://user@host:4222")
	}
	if _, err := Password(file); err != nil {
		return nil, fmt.Errorf("nats.password_file: %w", err)
	}
	return nats.UserInfoHandler(func() (user, password string) {
		password, _ = Password(file) // without one the server refuses, and it is read again
		return u.User.Username(), password
	}), nil
}

// Password reads a file that holds a password, with or without a line's end.
func Password(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// Options are the connection options of every NATS connection of the product.
func Options(name string) []nats.Option {
	return []nats.Option{
		nats.Name("seatstream " + name), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.Timeout(5 * time.Second), nats.PingInterval(20 * time.Second),
	}
}

// JetStream opens JetStream on a connection and creates the streams that are missing or
// differ. history is how many records of each entity M365 keeps, 0 for all; the last one
// always survives.
func JetStream(ctx context.Context, nc *nats.Conn, replicas, history int) (jetstream.JetStream, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	for _, spec := range schemas.StreamSpecs {
		if err := ensure(ctx, js, streamConfig(spec, replicas, history)); err != nil {
			if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
				return nil, fmt.Errorf("open stream %s: %w: enable JetStream on the server, or for the account of nats.creds", spec.Name, err)
			}
			return nil, fmt.Errorf("open stream %s: %w", spec.Name, err)
		}
	}
	return js, nil
}

// ensure creates a stream, or gives an existing one what the product needs and leaves the
// rest, such as replicas, placement and limits, as its operator set it.
func ensure(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return nil // another process was faster
		}
		return err
	}
	if err != nil {
		return err
	}
	have := stream.CachedInfo().Config
	cfg := have
	cfg.Description, cfg.Subjects, cfg.Duplicates = want.Description, want.Subjects, want.Duplicates
	cfg.AllowAtomicPublish, cfg.AllowDirect, cfg.AllowMsgSchedules = want.AllowAtomicPublish, want.AllowDirect, want.AllowMsgSchedules
	if want.MaxMsgsPerSubject > 0 {
		cfg.MaxMsgsPerSubject = want.MaxMsgsPerSubject
	}
	if reflect.DeepEqual(have, cfg) {
		return nil
	}
	_, err = js.UpdateStream(ctx, cfg)
	return err
}

func streamConfig(spec schemas.StreamSpec, replicas, history int) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: spec.Name, Description: spec.Description, Subjects: spec.Subjects, Storage: jetstream.FileStorage,
		Replicas: max(1, replicas), Duplicates: spec.Duplicates, AllowAtomicPublish: spec.Atomic, AllowDirect: spec.Direct,
		AllowMsgSchedules: spec.Schedules, MaxMsgsPerSubject: -1,
	}
	if spec.WorkQueue {
		c.Retention = jetstream.WorkQueuePolicy
	}
	if spec.PerSubject > 0 {
		c.MaxMsgsPerSubject = spec.PerSubject
	}
	// Not with replicas: nats-server 2.15.2 cannot cut a compressed block back when a replica
	// starts after a crash ("smb.truncate: ... s2: corrupt input"). The replica then stays
	// behind for good, and with two of them the stream stands still.
	if spec.Compress && c.Replicas == 1 {
		c.Compression = jetstream.S2Compression
	}
	if spec.Name == schemas.StreamM365.Name && history > 0 {
		c.MaxMsgsPerSubject = int64(history)
	}
	return c
}
