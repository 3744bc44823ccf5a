package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/schemas"
)

// selection is what subscribe and replay take to choose records.
type selection struct {
	tenant, kind string
	since, until string
}

func (s *selection) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.tenant, "tenant", "", "tenants, with commas: connector name, domain or directory id; left out: all")
	cmd.Flags().StringVar(&s.kind, "kind", "", "kinds, with commas: user, group, member, sku, subscription, organization, report, licence, run")
	cmd.Flags().StringVar(&s.since, "since", "", "from this time on: 2026-11-23T06:00:00Z, or a duration ago such as 2h")
}

// parts reads tenants and kinds, each one or several with commas; none for all.
func (s *selection) parts(ctx context.Context, a *app.App) (tenants []string, kinds []schemas.Kind, err error) {
	for _, name := range list(s.kind) {
		kind, err := schemas.ParseKind(name)
		if err != nil {
			return nil, nil, usagef("--kind: %w", err)
		}
		kinds = append(kinds, kind)
	}
	for _, name := range list(s.tenant) {
		id := schemas.GUID(name)
		if !schemas.IsGUID(id) {
			db, err := a.ClickHouse(ctx)
			if err != nil {
				return nil, nil, err
			}
			if id, err = answer.Tenant(ctx, db, name); err != nil {
				return nil, nil, err
			}
		}
		tenants = append(tenants, id)
	}
	return tenants, kinds, nil
}

// filters returns the subject filters of the selection.
func (s *selection) filters(ctx context.Context, a *app.App) ([]string, error) {
	tenants, kinds, err := s.parts(ctx, a)
	if err != nil {
		return nil, err
	}
	return consumer.Filters(tenants, kinds), nil
}

// consumerFor returns the consumer of a stream by its name, or where none is given of the only
// one that takes the records of the tenants.
func consumerFor(ctx context.Context, a *app.App, stream string, tenants []string) (*consumer.Consumer, error) {
	consumers, err := a.ConsumersOf(ctx, tenants...)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range consumers {
		if names = append(names, c.Stream()); c.Stream() == stream || stream == "" && len(consumers) == 1 {
			return c, nil
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no stream of consumer.streams takes the records of these tenants")
	}
	return nil, usagef("--stream %q: name one of %s", stream, strings.Join(names, ", "))
}

// list splits at commas; nothing is an empty list.
func list(s string) (parts []string) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// moment reads a time, or a duration before now.
func moment(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return time.Now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--%s %q: give a time such as 2026-11-23T06:00:00Z or 2026-11-23, or a duration ago such as 2h", flag, s)
}
