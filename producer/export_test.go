package producer

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/schemas"
)

// The real parts of a test import this package, so the tests are outside of it; what they
// need of its inside is named here.

// Publisher is the publisher of batches.
type Publisher = publisher

var (
	ErrTooLarge = errTooLarge
	MaxBatch    = maxBatch
)

// NewPublisher returns a publisher that gives a batch up after a time.
func NewPublisher(ctx context.Context, js jetstream.JetStream, log zerolog.Logger, giveUp time.Duration) *Publisher {
	p := newPublisher(ctx, js, log)
	p.giveUp = giveUp
	return p
}

func (p *publisher) Add(records ...schemas.Record) error { return p.add(records...) }
func (p *publisher) Flush() error                        { return p.flush() }
func (p *publisher) Close() error                        { return p.close() }
func (p *publisher) Abort()                              { p.abort() }
func (p *publisher) Store(batch []*nats.Msg) error       { return p.store(batch) }

// Messages turns records into the messages of a batch.
func Messages(records ...schemas.Record) []*nats.Msg {
	msgs := make([]*nats.Msg, len(records))
	for i, r := range records {
		msgs[i] = &nats.Msg{Subject: r.Subject.String(), Header: r.Headers(), Data: r.Body}
	}
	return msgs
}

// LoadState returns the hashes of the entities that exist under filter.
func LoadState(ctx context.Context, js jetstream.JetStream, filter string) (map[string]string, error) {
	st, _, err := loadState(ctx, js, filter, func(string) bool { return false })
	m := map[string]string{}
	for id, e := range st {
		m[id] = schemas.FormatHash(e.hash)
	}
	return m, err
}

// Feed is what a run reads in a test in the place of Graph.
type Feed struct {
	Name       string
	Kind       schemas.Kind
	Report     string
	Again      int
	NeverEmpty bool
	Read       func(page func(entities ...schemas.Entity) error) error
}

// RunFeed collects one feed of a tenant as a run of its own and returns its evidence.
func RunFeed(ctx context.Context, r *Runner, tenant string, feeds ...Feed) ([]*schemas.Run, error) {
	u := &run{Runner: r, conn: Connector{Name: "test"}, started: r.now(), tenant: tenant, log: r.Log, id: schemas.NewRunID(r.now())}
	for _, f := range feeds {
		err := u.feed(ctx, feed{
			name: f.Name, kind: f.Kind, report: f.Report, again: f.Again, neverEmpty: f.NeverEmpty,
			read: func(_ context.Context, _ *schemas.Run, page pageFunc) error {
				return f.Read(func(entities ...schemas.Entity) error { return page(u.now(), entities) })
			},
		})
		if err != nil {
			return u.results, err
		}
	}
	return u.results, nil
}

// Cursor returns the run that last listed a feed completely; none where there was none.
func Cursor(ctx context.Context, s *Stores, tenant, feed string) (string, error) {
	c, err := s.cursor(ctx, tenant, feed)
	if errors.Is(err, errNoCursor) {
		return "", nil
	}
	return c.Run, err
}

// Lease takes a tenant for a run.
func Lease(ctx context.Context, s *Stores, tenant, run string) (context.Context, func(), error) {
	return s.lease(ctx, tenant, run)
}

// Pattern is what the server's scheduling is told at a moment.
func Pattern(c Connector, now time.Time) (pattern, zone string) { return c.pattern(now) }

// Offset is a connector's place within an interval.
func Offset(c Connector, interval time.Duration) time.Duration { return c.offset(interval) }

// CatchUp commands the runs that were missed.
func CatchUp(ctx context.Context, w *Worker, now time.Time) error { return w.catchUp(ctx, now) }

// PutStatus stores a status, as a worker does.
func PutStatus(ctx context.Context, s *Stores, name string, st Status) error {
	body, err := json.Marshal(st)
	if err != nil {
		return err
	}
	_, err = s.Status.Put(ctx, name, body)
	return err
}

// GiveUp sets how long a runner tries to store one batch.
func (r *Runner) GiveUp(d time.Duration) { r.giveUp = d }

// Rest sets how long a run may have been at rest to be taken up again.
func (r *Runner) Rest(d time.Duration) { r.rest = &d }

// EachLast calls f with the last message of every subject under filter.
func EachLast(ctx context.Context, js jetstream.JetStream, filter string, f func(jetstream.Msg) error) error {
	return eachLast(ctx, js, filter, true, f)
}
