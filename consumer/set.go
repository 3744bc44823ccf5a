package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/schemas"
)

// Set feeds ClickHouse from several streams, of which it owns a fair share: as many as there
// are streams for each process that is there, rounded up. The rest belongs to the others,
// and comes here when they end.
type Set struct {
	members   jetstream.KeyValue
	id        string
	consumers []*Consumer

	mu    sync.Mutex
	share int
	held  map[*Consumer]context.CancelCauseFunc // nil while a stream is being asked for
}

// memberKey begins the keys in the bucket of leases by which the processes count each other.
const memberKey = "consumers."

// recount is how often the processes are counted.
const recount = 2 * time.Second

// errShare ends a session that another process is to have.
var errShare = errors.New("another consumer is here to share the streams")

// NewSet returns a set of consumers, one a stream. It starts nothing.
func NewSet(cfg Config, streams []string, d Deps) *Set {
	s := &Set{members: d.Leases, id: schemas.NewRunID(time.Now()), share: len(streams), held: map[*Consumer]context.CancelCauseFunc{}}
	for _, name := range streams {
		cfg.Stream = name
		c := New(cfg, d)
		c.set = s
		s.consumers = append(s.consumers, c)
	}
	return s
}

// Consumers are the consumers of the set, in the order of the streams.
func (s *Set) Consumers() []*Consumer { return s.consumers }

// Healthy returns nil where nothing holds up any stream that this process owns.
func (s *Set) Healthy() error {
	var errs []error
	for _, c := range s.consumers {
		if err := c.Healthy(); err != nil {
			errs = append(errs, fmt.Errorf("stream %s: %w", c.cfg.Stream, err))
		}
	}
	return errors.Join(errs...)
}

// Run consumes until ctx is done.
func (s *Set) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if len(s.consumers) > 1 { // a single stream is no matter of shares
		g.Go(func() error { s.count(ctx); return nil })
	}
	for _, c := range s.consumers {
		g.Go(func() error { return c.Run(ctx) })
	}
	return g.Wait()
}

// count keeps this process counted until ctx is done.
func (s *Set) count(ctx context.Context) {
	for ctx.Err() == nil {
		member, release, err := lease.Take(ctx, s.members, memberKey+s.id, s.id)
		if err != nil { // counted still, or no server answers
			select {
			case <-time.After(recount):
			case <-ctx.Done():
			}
			continue
		}
		s.countOthers(member)
		release()
	}
}

// countOthers counts the other processes while this one is counted, and gives up what is
// more than its share. Where the count fails the share stays.
func (s *Set) countOthers(ctx context.Context) {
	for {
		if n, err := s.others(ctx); err == nil {
			s.divide(n)
		}
		select {
		case <-time.After(recount):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Set) others(ctx context.Context) (n int, err error) {
	keys, err := s.members.ListKeysFiltered(ctx, memberKey+"*")
	if err != nil {
		return 0, err
	}
	for key := range keys.Keys() {
		if strings.TrimPrefix(key, memberKey) != s.id {
			n++
		}
	}
	return n, nil
}

// divide sets the share among so many others, and ends the sessions beyond it.
func (s *Set) divide(others int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := others + 1
	s.share = (len(s.consumers) + all - 1) / all
	over := len(s.held) - s.share
	for _, c := range s.consumers {
		if end := s.held[c]; end != nil && over > 0 {
			end(errShare)
			over--
		}
	}
}

// enter reports whether the process may have one more stream, and counts it.
func (s *Set) enter(c *Consumer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) >= s.share {
		return false
	}
	s.held[c] = nil
	return true
}

func (s *Set) owns(c *Consumer, end context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[c] = end
}

func (s *Set) leave(c *Consumer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, c)
}
