package producer

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/schemas"
)

// Stores are the key-value buckets that producers share. Nothing is kept on local disk,
// so any number of producers run side by side.
type Stores struct {
	Connectors, Cursors, Checkpoints, Leases, Producers, Status jetstream.KeyValue
}

// OpenStores creates the buckets that are missing and opens them all.
func OpenStores(ctx context.Context, js jetstream.JetStream, replicas int) (*Stores, error) {
	s := &Stores{}
	for _, b := range []struct {
		kv   *jetstream.KeyValue
		name string
		ttl  time.Duration
		desc string
	}{
		{&s.Connectors, schemas.BucketConnectors, 0, "connectors: how each tenant is reached; secrets by reference only"},
		{&s.Cursors, schemas.BucketCursors, 0, "last complete listing per tenant and feed, digest keys"},
		{&s.Checkpoints, schemas.BucketCheckpoints, checkpointTTL, "unfinished runs: how far each listing came"},
		{&s.Status, schemas.BucketStatus, 0, "what the last command of each connector came to"},
		{&s.Producers, schemas.BucketProducers, presenceTTL, "producers that are there, by endpoint"},
		{&s.Leases, schemas.BucketLeases, lease.TTL, "one run per tenant at a time"},
	} {
		kv, err := openBucket(ctx, js, b.name, b.desc, b.ttl, replicas)
		if err != nil {
			return nil, fmt.Errorf("open bucket %s: %w", b.name, err)
		}
		*b.kv = kv
	}
	return s, nil
}

// openBucket opens a bucket, and creates it where it is missing: as the client library does,
// but so that an entry can be overwritten on disk. A link to a page may hold a principal name,
// and the library's buckets deny that to erase.
func openBucket(ctx context.Context, js jetstream.JetStream, name, description string, ttl time.Duration, replicas int) (jetstream.KeyValue, error) {
	duplicates := 2 * time.Minute
	if ttl > 0 {
		duplicates = min(ttl, duplicates)
	}
	cfg := jetstream.StreamConfig{
		Name: "KV_" + name, Description: description, Subjects: []string{"$KV." + name + ".>"}, Storage: jetstream.FileStorage, Replicas: replicas,
		MaxMsgsPerSubject: 1, MaxBytes: -1, MaxMsgs: -1, MaxMsgSize: -1, MaxConsumers: -1, MaxAge: ttl, Duplicates: duplicates,
		AllowRollup: true, AllowDirect: true, Discard: jetstream.DiscardNew,
	}
	stream, err := js.Stream(ctx, cfg.Name)
	if err == nil {
		cfg.DenyDelete = stream.CachedInfo().Config.DenyDelete // the server lets nobody take that back
	} else if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, err
	}
	if _, err := js.CreateOrUpdateStream(ctx, cfg); err != nil {
		return nil, err
	}
	return js.KeyValue(ctx, name)
}

// ClearLeases ends all leases. A holder that is alive notices at its next renewal and ends.
func (s *Stores) ClearLeases(ctx context.Context) error {
	keys, err := s.Leases.ListKeys(ctx)
	if err != nil {
		return fmt.Errorf("clear leases: %w", err)
	}
	for key := range keys.Keys() {
		if err := s.Leases.Purge(ctx, key); err != nil {
			return fmt.Errorf("clear lease %s: %w", key, err)
		}
	}
	return nil
}

// digest returns the keyed digest of the tenant's report rows: 32 hex digits. The key
// lives in the bucket of cursors, so that subjects cannot be guessed from a list of names.
func (s *Stores) digest(ctx context.Context, tenant string) (func(string) string, error) {
	name := tenant + ".digest"
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails since Go 1.24
	_, err := s.Cursors.Create(ctx, name, key)
	if errors.Is(err, jetstream.ErrKeyExists) {
		var e jetstream.KeyValueEntry
		if e, err = s.Cursors.Get(ctx, name); err == nil {
			key = e.Value()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open digest key of tenant %s: %w", tenant, err)
	}
	mac := hmac.New(sha256.New, key)
	var sum [sha256.Size]byte
	return func(s string) string {
		mac.Reset()
		mac.Write([]byte(s))
		return hex.EncodeToString(mac.Sum(sum[:0])[:16])
	}, nil
}

// ErrBusy says that another run holds the tenant.
var ErrBusy = errors.New("another run of this tenant is in progress")

// lease takes the tenant for a run.
func (s *Stores) lease(ctx context.Context, tenant, run string) (context.Context, func(), error) {
	held, release, err := lease.Take(ctx, s.Leases, tenant, run)
	if errors.Is(err, lease.ErrHeld) {
		return nil, nil, ErrBusy
	}
	return held, release, err
}

// takenOver says who has a tenant whose run lost its lease.
func (s *Stores) takenOver(ctx context.Context, tenant, run string, lost error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if e, err := s.Leases.Get(ctx, tenant); err == nil && string(e.Value()) != run {
		return fmt.Errorf("another producer took over this tenant with run %s: %w", e.Value(), lost)
	}
	return fmt.Errorf("another producer may have taken over this tenant: %w", lost)
}

// rememberTenant keeps which directory a connector reads, so that a run that cannot even
// sign in still leaves its evidence with the tenant.
func (s *Stores) rememberTenant(ctx context.Context, connector, tenant string) error {
	if _, err := s.Cursors.Put(ctx, "connector."+connector, []byte(tenant)); err != nil {
		return fmt.Errorf("remember tenant of connector %s: %w", connector, err)
	}
	return nil
}

// tenantOf returns the directory id of a connector, or nothing where it is not known yet.
func (s *Stores) tenantOf(ctx context.Context, c Connector) string {
	if id := schemas.GUID(c.Tenant); schemas.IsGUID(id) {
		return id
	}
	e, err := s.Cursors.Get(ctx, "connector."+c.Name)
	if err != nil || !schemas.IsGUID(string(e.Value())) {
		return ""
	}
	return string(e.Value())
}
