package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// Registry keeps the connectors, and the schedules and commands that make them run.
type Registry struct {
	JS     jetstream.JetStream
	Stores *Stores
}

// ErrNoConnector says that no connector has that name.
var ErrNoConnector = errors.New("no such connector")

// Put stores a connector, new or changed, and its schedule. A new connector is also told
// to run at once: command is then the command's id. So it is where a command waited at the
// endpoint that a connector leaves, and 0 otherwise.
func (r *Registry) Put(ctx context.Context, c Connector) (command uint64, err error) {
	c.Default()
	if err := c.Validate(); err != nil {
		return 0, err
	}
	created := false
	old, err := r.Get(ctx, c.Name)
	switch {
	case errors.Is(err, ErrNoConnector):
		created, c.CreatedAt = true, time.Now().UTC()
	case err != nil:
		return 0, err
	default:
		c.CreatedAt, c.Paused = old.CreatedAt, old.Paused
	}
	// The schedule comes first: a cron pattern that the server refuses is not kept.
	if err := r.Schedule(ctx, c, time.Now()); err != nil {
		return 0, err
	}
	if err := r.store(ctx, c); err != nil {
		return 0, err
	}
	if !created {
		return r.moved(ctx, old, c)
	}
	return r.RunNow(ctx, c)
}

func (r *Registry) store(ctx context.Context, c Connector) error {
	body, err := schemas.NewEncoder().Encode(&c)
	if err != nil {
		return err
	}
	if _, err := r.Stores.Connectors.Put(ctx, c.Name, body); err != nil {
		return fmt.Errorf("store connector %s: %w", c.Name, err)
	}
	return nil
}

// moved takes the schedule back from an endpoint that a connector leaves. A command that
// waits there moves along: a new connector would otherwise wait for its schedule.
func (r *Registry) moved(ctx context.Context, old, c Connector) (command uint64, err error) {
	if old.Endpoint == c.Endpoint {
		return 0, nil
	}
	stream, err := r.JS.Stream(ctx, schemas.StreamCommands.Name)
	if err != nil {
		return 0, fmt.Errorf("move connector %s to endpoint %s: %w", c.Name, c.Endpoint, err)
	}
	_, err = stream.GetLastMsgForSubject(ctx, schemas.CommandRun(old.Endpoint, old.Name))
	if err == nil {
		command, err = r.RunNow(ctx, c)
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, fmt.Errorf("move connector %s to endpoint %s: %w", c.Name, c.Endpoint, err)
	}
	return command, r.unschedule(ctx, stream, old)
}

// Get returns a connector.
func (r *Registry) Get(ctx context.Context, name string) (Connector, error) {
	var c Connector
	e, err := r.Stores.Connectors.Get(ctx, name)
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
		return c, fmt.Errorf("connector %q: %w: seatstream connector list shows all", name, ErrNoConnector)
	}
	if err != nil {
		return c, fmt.Errorf("read connector %s: %w", name, err)
	}
	return c, schemas.Decode(e.Value(), &c)
}

// List returns all connectors by name.
func (r *Registry) List(ctx context.Context) ([]Connector, error) {
	keys, err := r.Stores.Connectors.ListKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list connectors: %w", err)
	}
	var out []Connector
	for name := range keys.Keys() {
		c, err := r.Get(ctx, name)
		if errors.Is(err, ErrNoConnector) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Connector) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Remove deletes a connector with its schedule and waiting commands. What it collected
// stays in the stream and the tables.
func (r *Registry) Remove(ctx context.Context, name string) error {
	c, err := r.Get(ctx, name)
	if err != nil {
		return err
	}
	stream, err := r.JS.Stream(ctx, schemas.StreamCommands.Name)
	if err != nil {
		return fmt.Errorf("remove connector %s: %w", name, err)
	}
	if err := r.unschedule(ctx, stream, c); err != nil {
		return err
	}
	for _, kv := range []jetstream.KeyValue{r.Stores.Status, r.Stores.Connectors} {
		if err := kv.Purge(ctx, name); err != nil {
			return fmt.Errorf("remove connector %s: %w", name, err)
		}
	}
	return nil
}

// Schedule leaves the connector's schedule with the server, which fires the commands. A
// schedule that stands already is left alone, and a paused connector has none.
func (r *Registry) Schedule(ctx context.Context, c Connector, now time.Time) error {
	stream, err := r.JS.Stream(ctx, schemas.StreamCommands.Name)
	if err != nil {
		return fmt.Errorf("schedule connector %s: %w", c.Name, err)
	}
	if c.Paused {
		return r.unschedule(ctx, stream, c)
	}
	subject := schemas.ScheduleRun(c.Endpoint, c.Name)
	pattern, zone := c.pattern(now)
	old, err := stream.GetLastMsgForSubject(ctx, subject)
	if err == nil && old.Header.Get(schemas.HeaderSchedule) == pattern && old.Header.Get(schemas.HeaderScheduleZone) == zone {
		return nil
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("schedule connector %s: %w", c.Name, err)
	}
	msg := &nats.Msg{Subject: subject, Header: nats.Header{
		schemas.HeaderSchedule:       {pattern},
		schemas.HeaderScheduleTarget: {schemas.CommandRun(c.Endpoint, c.Name)},
	}}
	if zone != "" {
		msg.Header.Set(schemas.HeaderScheduleZone, zone)
	}
	if _, err := r.JS.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("schedule connector %s by %q: %w", c.Name, pattern, err)
	}
	return nil
}

// unschedule takes back the connector's schedule and a command that waits.
func (r *Registry) unschedule(ctx context.Context, stream jetstream.Stream, c Connector) error {
	for _, subject := range []string{schemas.ScheduleRun(c.Endpoint, c.Name), schemas.CommandRun(c.Endpoint, c.Name)} {
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return fmt.Errorf("unschedule connector %s: %w", c.Name, err)
		}
	}
	return nil
}

// Pause stops a connector's schedule until Resume. Commands still run it.
func (r *Registry) Pause(ctx context.Context, name string, paused bool) error {
	c, err := r.Get(ctx, name)
	if err != nil {
		return err
	}
	c.Paused = paused
	if err := r.store(ctx, c); err != nil {
		return err
	}
	return r.Schedule(ctx, c, time.Now())
}

// RunNow tells a producer of the connector's endpoint to run it, and returns the command's
// id, under which its status is found.
func (r *Registry) RunNow(ctx context.Context, c Connector) (uint64, error) {
	ack, err := r.JS.PublishMsg(ctx, &nats.Msg{Subject: schemas.CommandRun(c.Endpoint, c.Name), Data: []byte("{}")})
	if err != nil {
		return 0, fmt.Errorf("command a run of connector %s: %w", c.Name, err)
	}
	return ack.Sequence, nil
}
