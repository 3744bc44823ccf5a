package producer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// presenceTTL is how long a producer counts as there after it was last heard of.
const presenceTTL = 15 * time.Second

// present keeps saying that a producer serves the endpoint, until ctx is done.
func (w *Worker) present(ctx context.Context) {
	key := w.Endpoint + "." + nuid.Next()
	tick := time.NewTicker(presenceTTL / 3)
	defer tick.Stop()
	for {
		if _, err := w.Registry.Stores.Producers.Put(ctx, key, nil); err != nil && ctx.Err() == nil {
			w.Log.Warn().Err(err).Msg("presence not stored, trying again")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = w.Registry.Stores.Producers.Purge(last, key) // it would end by itself
			return
		}
	}
}

// Served counts the producers that are there, by endpoint. A connector whose endpoint has
// none waits, and should be reported as waiting for that.
func (r *Registry) Served(ctx context.Context) (map[string]int, error) {
	keys, err := r.Stores.Producers.ListKeys(ctx)
	if errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list producers: %w", err)
	}
	n := map[string]int{}
	for key := range keys.Keys() {
		endpoint, _, _ := strings.Cut(key, ".")
		n[endpoint]++
	}
	return n, nil
}

// catchUp commands the runs that were missed while no producer was there or the server
// was down, once each.
func (w *Worker) catchUp(ctx context.Context, now time.Time) error {
	list, err := w.Registry.List(ctx)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Endpoint != w.Endpoint || c.Paused {
			continue
		}
		st, err := w.Registry.Status(ctx, c.Name)
		if err != nil {
			return err
		}
		if st == nil || now.Sub(st.Started) <= c.missedAfter(now) {
			continue // its first command waits in the stream, or nothing was missed
		}
		w.Log.Info().Str("connector", c.Name).Time("last", st.Started).Msg("missed a run, making up for it")
		if _, err := w.Registry.RunNow(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// missedAfter is how long after its last run a connector must have missed one. A cron
// pattern's next time is the server's to know: a day is allowed for.
func (c *Connector) missedAfter(now time.Time) time.Duration {
	if c.Schedule.Cron != "" {
		return 24 * time.Hour
	}
	return c.interval(now)
}
