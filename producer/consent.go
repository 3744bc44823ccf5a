package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// consentChanges compares the permissions in the token with those of the run before and
// says what was granted and what withdrawn. A tenant's first run has nothing to compare.
func (s *Stores) consentChanges(ctx context.Context, tenant string, now []string) ([]string, error) {
	name := tenant + ".permissions"
	e, err := s.Cursors.Get(ctx, name)
	known := err == nil
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("read permissions of the run before: %w", err)
	}
	var before []string
	if known {
		before = strings.Fields(string(e.Value()))
	}
	if known && slices.Equal(before, now) {
		return nil, nil
	}
	if _, err := s.Cursors.Put(ctx, name, []byte(strings.Join(now, " "))); err != nil {
		return nil, fmt.Errorf("keep permissions of this run: %w", err)
	}
	if !known {
		return nil, nil
	}
	var notes []string
	for _, p := range now {
		if !slices.Contains(before, p) {
			notes = append(notes, "permission granted since the run before: "+p)
		}
	}
	for _, p := range before {
		if !slices.Contains(now, p) {
			notes = append(notes, "permission withdrawn since the run before: "+p)
		}
	}
	return notes, nil
}
