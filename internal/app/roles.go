package app

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/producer"
)

// Roles says what a process does.
type Roles struct {
	Producer, Consumer, Dashboard bool
	// OnPage is told the address of the page once it is served.
	OnPage func(url string)
}

// Start opens what the roles need and announces the instance. Run then does the work.
// It fails before anything is written where a part cannot be reached.
func (a *App) Start(ctx context.Context, roles Roles) error {
	// Producer or consumer alone may join an instance; two whole ones on one directory
	// would each take the other's addresses for its own.
	a.owns, a.starts = roles.Producer && roles.Consumer, roles.Producer || roles.Consumer
	if roles.Dashboard { // refused before anything is started
		if _, err := a.page(roles.Producer); err != nil {
			return err
		}
	}
	registry, err := a.Registry(ctx)
	if err != nil {
		return err
	}
	if roles.Consumer {
		if _, err := a.ClickHouse(ctx); err != nil {
			return err
		}
		if !a.Config.ClickHouse.Embedded() {
			if err := Migrate(ctx, a.dsn); err != nil {
				return err
			}
		}
	}
	if err := a.observe(ctx, roles); err != nil {
		return err
	}
	if err := a.announce(); err != nil {
		return err
	}
	if !roles.Producer {
		return nil
	}
	return put(ctx, registry, a.Config.Connectors)
}

func put(ctx context.Context, registry *producer.Registry, connectors []producer.Connector) error {
	for _, c := range connectors {
		if _, err := registry.Put(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Reload takes new and changed connectors over; the rest of a configuration needs a start.
// A connector that is no longer in the file stays: connector remove takes it away.
func (a *App) Reload(ctx context.Context, connectors []producer.Connector) error {
	registry, err := a.Registry(ctx)
	if err != nil {
		return err
	}
	return put(ctx, registry, connectors)
}

// Run does the work of the roles until ctx is done, and drains. Consumers end after
// producers, so that what a last run published is stored where time allows.
func (a *App) Run(ctx context.Context, roles Roles) error {
	g, ctx := errgroup.WithContext(ctx)
	if roles.Producer {
		registry, err := a.Registry(ctx)
		if err != nil {
			return err
		}
		w := &producer.Worker{
			Endpoint: a.Config.Producer.Endpoint, Parallel: a.Config.Producer.Parallel, Window: a.Config.Producer.Window,
			Registry: registry, Log: a.Log, Secrets: a.Secrets(),
		}
		g.Go(func() error { return w.Run(ctx) })
	}
	if roles.Consumer {
		g.Go(func() error { return a.consumers.Run(ctx) })
	}
	if a.telemetry != nil {
		g.Go(func() error { return a.telemetry.Run(ctx) })
	}
	if roles.Dashboard {
		page, err := a.Dashboard(ctx, roles.Producer)
		if err != nil {
			return err
		}
		g.Go(func() error { return page.Run(ctx, roles.OnPage) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// Secrets returns what finds the secrets of connectors.
func (a *App) Secrets() *producer.Secrets {
	return &producer.Secrets{AgeIdentity: a.Config.AgeIdentity}
}

// Consumer returns the consumer of the product's own stream.
func (a *App) Consumer(ctx context.Context) (*consumer.Consumer, error) {
	deps, err := a.consumerDeps(ctx)
	if err != nil {
		return nil, err
	}
	return consumer.New(consumer.Config{}, deps), nil
}

// ConsumersOf returns the consumers of the streams configured that take the records of a tenant,
// of all of them where none is named.
func (a *App) ConsumersOf(ctx context.Context, tenants ...string) (list []*consumer.Consumer, err error) {
	s, err := a.Consumers(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range s.Consumers() {
		takes := len(tenants) == 0
		for _, tenant := range tenants {
			ok, err := c.Takes(ctx, tenant)
			if err != nil {
				return nil, err
			}
			takes = takes || ok
		}
		if takes {
			list = append(list, c)
		}
	}
	return list, nil
}

// Consumers returns the consumers that feed ClickHouse, one for each stream configured.
func (a *App) Consumers(ctx context.Context) (*consumer.Set, error) {
	deps, err := a.consumerDeps(ctx)
	if err != nil {
		return nil, err
	}
	return consumer.NewSet(consumer.Config{}, a.Config.Consumer.Streams, deps), nil
}

func (a *App) consumerDeps(ctx context.Context) (consumer.Deps, error) {
	stores, err := a.Stores(ctx)
	if err != nil {
		return consumer.Deps{}, err
	}
	db, err := a.ClickHouse(ctx)
	if err != nil {
		return consumer.Deps{}, err
	}
	return consumer.Deps{JS: a.js, DB: db, Leases: stores.Leases, Cursors: stores.Cursors, Log: a.Log}, nil
}
