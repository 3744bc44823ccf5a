package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

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
	cmd.Flags().StringVar(&s.tenant, "tenant", "", "one tenant: connector name, domain or directory id")
	cmd.Flags().StringVar(&s.kind, "kind", "", "one kind: user, group, member, sku, subscription, organization, report, licence, run")
	cmd.Flags().StringVar(&s.since, "since", "", "from this time on: 2026-11-23T06:00:00Z, or a duration ago such as 2h")
}

// filter returns the subject filter of the selection.
func (s *selection) filter(ctx context.Context, a *app.App) (string, error) {
	var kind schemas.Kind
	if s.kind != "" {
		var err error
		if kind, err = schemas.ParseKind(s.kind); err != nil {
			return "", usagef("--kind: %w", err)
		}
	}
	id := schemas.GUID(s.tenant)
	if s.tenant != "" && !schemas.IsGUID(id) {
		db, err := a.ClickHouse(ctx)
		if err != nil {
			return "", err
		}
		if id, err = answer.Tenant(ctx, db, s.tenant); err != nil {
			return "", err
		}
	}
	return schemas.Filter(id, kind, ""), nil
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
