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
// to run at once: command is then the command's id, and 0 otherwise.
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
		c.CreatedAt = old.CreatedAt
	}
	body, err := schemas.NewEncoder().Encode(&c)
	if err != nil {
		return 0, err
	}
	if _, err := r.Stores.Connectors.Put(ctx, c.Name, body); err != nil {
		return 0, fmt.Errorf("store connector %s: %w", c.Name, err)
	}
	if err := r.Schedule(ctx, c, time.Now()); err != nil {
		return 0, err
	}
	if !created {
		return 0, nil
	}
	return r.RunNow(ctx, c)
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
	for _, subject := range []string{schemas.ScheduleRun(c.Endpoint, name), schemas.CommandRun(c.Endpoint, name)} {
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return fmt.Errorf("remove schedule of connector %s: %w", name, err)
		}
	}
	for _, kv := range []jetstream.KeyValue{r.Stores.Status, r.Stores.Connectors} {
		if err := kv.Purge(ctx, name); err != nil {
			return fmt.Errorf("remove connector %s: %w", name, err)
		}
	}
	return nil
}

// interval is how often the connector runs at a given moment.
func (c *Connector) interval(now time.Time) time.Duration {
	if now.Sub(c.CreatedAt) < 24*time.Hour {
		return c.Schedule.FirstDay
	}
	return c.Schedule.Then
}

// Schedule leaves the connector's schedule with the server, which fires the commands. A
// schedule that stands already is left alone: a new one would begin its interval anew.
func (r *Registry) Schedule(ctx context.Context, c Connector, now time.Time) error {
	every := "@every " + c.interval(now).String()
	stream, err := r.JS.Stream(ctx, schemas.StreamCommands.Name)
	if err != nil {
		return fmt.Errorf("schedule connector %s: %w", c.Name, err)
	}
	old, err := stream.GetLastMsgForSubject(ctx, schemas.ScheduleRun(c.Endpoint, c.Name))
	if err == nil && old.Header.Get(schemas.HeaderSchedule) == every {
		return nil
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("schedule connector %s: %w", c.Name, err)
	}
	msg := &nats.Msg{Subject: schemas.ScheduleRun(c.Endpoint, c.Name), Header: nats.Header{
		schemas.HeaderSchedule:       {every},
		schemas.HeaderScheduleTarget: {schemas.CommandRun(c.Endpoint, c.Name)},
	}}
	if _, err := r.JS.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("schedule connector %s: %w", c.Name, err)
	}
	return nil
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

// States of a command.
const (
	StateRunning = "running"
	StateDone    = "done"
	StateFailed  = "failed"
)

// Status is what the last command of a connector came to, or is about.
type Status struct {
	Command uint64            `json:"command"` // ids grow: a later command makes up for an earlier one
	State   string            `json:"state"`
	Started time.Time         `json:"started"`
	Updated time.Time         `json:"updated"`
	Run     *schemas.Run      `json:"run,omitempty"` // feed in progress, or the whole run
	Error   *schemas.RunError `json:"error,omitempty"`
}

// Status returns what is known of a connector's last command; nil where it never ran.
func (r *Registry) Status(ctx context.Context, name string) (*Status, error) {
	e, err := r.Stores.Status.Get(ctx, name)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read status of connector %s: %w", name, err)
	}
	var s Status
	return &s, schemas.Decode(e.Value(), &s)
}

// Watch calls f with every status of a connector until f returns false or ctx is done.
func (r *Registry) Watch(ctx context.Context, name string, f func(Status) bool) error {
	w, err := r.Stores.Status.Watch(ctx, name)
	if err != nil {
		return fmt.Errorf("watch connector %s: %w", name, err)
	}
	defer func() { _ = w.Stop() }() // the watch ends with ctx otherwise
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case e := <-w.Updates():
			if e == nil || e.Operation() != jetstream.KeyValuePut {
				continue
			}
			var s Status
			if err := schemas.Decode(e.Value(), &s); err != nil {
				return err
			}
			if !f(s) {
				return nil
			}
		}
	}
}
