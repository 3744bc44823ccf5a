// Package consumer moves records from JetStream into ClickHouse: it reads in order, cuts
// batches that a crash repeats, inserts them, and acknowledges what is stored.
package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/schemas"
)

// Config says what is read and how it is cut.
type Config struct {
	Stream  string        // stream to read; M365 where empty
	Durable string        // durable consumer; clickhouse where empty
	Grid    uint64        // a batch ends where the stream sequence passes a multiple of Grid; 20,000 where 0
	Linger  time.Duration // a batch that is not full is stored after this time; 500 ms where 0
	MaxSize int           // bytes of bodies that close a batch early; 64 MB where 0
}

// Consumer feeds ClickHouse from one stream.
type Consumer struct {
	cfg     Config
	js      jetstream.JetStream
	db      driver.Conn
	leases  jetstream.KeyValue
	cursors jetstream.KeyValue
	log     zerolog.Logger
	health  health
	set     *Set   // nil where the process has one stream and no share to keep
	salt    string // sets the tokens of a replay apart from the live ones
	// database has the tables that are inserted into; another than the product's while tables
	// are made anew.
	database string
}

// Deps are the connections a consumer works with.
type Deps struct {
	JS      jetstream.JetStream
	DB      driver.Conn
	Leases  jetstream.KeyValue
	Cursors jetstream.KeyValue
	Log     zerolog.Logger
}

// New returns a consumer. It starts nothing.
func New(cfg Config, d Deps) *Consumer {
	if cfg.Stream == "" {
		cfg.Stream = schemas.StreamM365.Name
	}
	if cfg.Durable == "" {
		cfg.Durable = schemas.ConsumerName
	}
	if cfg.Grid == 0 {
		cfg.Grid = 20_000
	}
	if cfg.Linger == 0 {
		cfg.Linger = 500 * time.Millisecond
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = 64 << 20
	}
	log := d.Log.With().Str("stream", cfg.Stream).Logger()
	return &Consumer{cfg: cfg, js: d.JS, db: d.DB, leases: d.Leases, cursors: d.Cursors, log: log, database: schemas.Database}
}

// Run consumes until ctx is done, and then stores what it holds. Whatever goes wrong, it
// begins again behind the last record that is known to be stored.
func (c *Consumer) Run(ctx context.Context) error {
	for wait := time.Duration(0); ; wait = time.Second {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		if err := c.own(ctx); err != nil && ctx.Err() == nil {
			if errors.Is(err, errShare) {
				c.log.Info().Err(err).Msg("stream given up")
				continue
			}
			c.health.failing(transient, err)
			c.log.Warn().Err(err).Msg("consumer begins again")
		}
	}
}

// own takes the stream, where no other consumer has it, and reads it until something
// breaks. Where another has it, this one stands by.
func (c *Consumer) own(ctx context.Context) error {
	if c.set != nil {
		if !c.set.enter(c) {
			return nil
		}
		defer c.set.leave(c)
	}
	held, release, err := lease.Take(ctx, c.leases, "consumer."+c.cfg.Stream+"."+c.cfg.Durable, schemas.NewRunID(time.Now()))
	if errors.Is(err, lease.ErrHeld) {
		c.health.healthy() // whatever it was, it is the owner's now
		return nil
	}
	if err != nil {
		return err
	}
	defer release()
	held, end := context.WithCancelCause(held)
	defer end(nil)
	if c.set != nil {
		c.set.owns(c, end)
	}
	c.log.Info().Msg("stream owned")
	return c.session(held)
}

// session reads the stream from behind the last stored record until something breaks.
func (c *Consumer) session(ctx context.Context) error {
	stream, err := c.js.Stream(ctx, c.cfg.Stream)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", c.cfg.Stream, err)
	}
	if err := c.durable(ctx, stream); err != nil {
		return err
	}
	if err := c.belongs(ctx); err != nil {
		return err
	}
	cuts, err := c.claimCuts(ctx)
	if err != nil {
		return err
	}
	// What an earlier owner fetched and did not store comes again, in order.
	if _, err := stream.ResetConsumer(ctx, c.cfg.Durable); err != nil {
		return fmt.Errorf("reset consumer %s: %w", c.cfg.Durable, err)
	}
	cons, err := stream.Consumer(ctx, c.cfg.Durable)
	if err != nil {
		return fmt.Errorf("open consumer %s: %w", c.cfg.Durable, err)
	}
	// The reset starts the consumer's own sequence again: the first message is number 1.
	// Another number means that what came before went to somebody else.
	r := &reader{c: c, cons: cons, acked: cons.CachedInfo().AckFloor.Stream, next: 1, cuts: cuts}
	c.health.healthy()
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { c.watch(watching) })
	defer watch.Wait()
	defer stop()
	return r.run(ctx)
}

// durable creates the durable consumer or brings its settings up to date. Nothing is
// ever given up (MaxDeliver -1). Redelivery by time plays no part: a reader that misses
// anything resets the consumer to its last acknowledgement, so AckWait is long.
func (c *Consumer) durable(ctx context.Context, stream jetstream.Stream) error {
	_, err := stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: c.cfg.Durable, Description: "stores records in ClickHouse",
		AckPolicy: jetstream.AckAllPolicy, AckWait: time.Hour, MaxDeliver: -1, MaxAckPending: -1,
		DeliverPolicy: jetstream.DeliverAllPolicy,
	})
	if err != nil {
		return fmt.Errorf("create consumer %s: %w", c.cfg.Durable, err)
	}
	return nil
}

// Lag is how many records of the stream are not stored yet.
func (c *Consumer) Lag(ctx context.Context) (uint64, error) {
	cons, err := c.js.Consumer(ctx, c.cfg.Stream, c.cfg.Durable)
	if err != nil {
		return 0, fmt.Errorf("read lag: %w", err)
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("read lag: %w", err)
	}
	lag := info.NumPending + uint64(info.NumAckPending)
	if lag == 0 && info.Delivered.Stream == 0 {
		// In the moment of its creation the server says that nothing is pending.
		stream, err := c.js.Stream(ctx, c.cfg.Stream)
		if err != nil {
			return 0, fmt.Errorf("read lag: %w", err)
		}
		lag = stream.CachedInfo().State.Msgs
	}
	return lag, nil
}

// Healthy returns nil where the last insert succeeded, or the error that holds it up.
func (c *Consumer) Healthy() error { return c.health.err() }
