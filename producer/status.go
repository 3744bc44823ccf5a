package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

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

// tell stores a status and returns its revision, 0 where a later command has told its own: a
// run that ends while the next one begins must not cover what that came to, for which
// somebody waits.
func (s *Stores) tell(ctx context.Context, name string, st *Status) (revision uint64, err error) {
	body, err := schemas.NewEncoder().Encode(st)
	if err != nil {
		return 0, err
	}
	for {
		var old Status
		e, err := s.Status.Get(ctx, name)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			revision, err = s.Status.Create(ctx, name, body)
		case err != nil:
			return 0, err
		case schemas.Decode(e.Value(), &old) == nil && old.Command > st.Command && !old.Started.Before(st.Started):
			return 0, nil
		default:
			revision, err = s.Status.Update(ctx, name, body, e.Revision())
		}
		if !errors.Is(err, jetstream.ErrKeyExists) && !errors.Is(err, jetstream.ErrKeyRevisionMismatch) { // another was faster: look again
			return revision, err
		}
	}
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
