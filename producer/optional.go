package producer

import (
	"context"
	"errors"
	"fmt"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

const feedSignIns = "sign_ins"

// signInsAtOnce is how many users' sign-ins Graph gives within a minute: ten requests of
// five hundred.
const signInsAtOnce = 5000

// signIns reads the times of sign-ins where the token and the tenant allow it. A tenant
// that takes minutes to read is read once a day, as its reports are.
func (u *run) signIns(ctx context.Context, ev *schemas.Run, page pageFunc) error {
	if err := graph.SignInsGranted(u.permissions); err != nil {
		return err
	}
	last, err := u.Stores.cursor(ctx, u.tenant, feedSignIns)
	if err != nil && !errors.Is(err, errNoCursor) {
		return &streamError{err}
	}
	if last.Entities > signInsAtOnce && u.now().Sub(last.Finished) < rereadReport {
		ev.Entities, ev.Unchanged = last.Entities, last.Entities
		ev.Notes = append(ev.Notes, "not read again: Graph gives sign-ins of 5000 users a minute, and run "+last.Run+" has read them today")
		return errSameReport
	}
	return u.current.book.restarted("", func(string, *bool) error {
		return u.client.SignInActivity(ctx, pages[schemas.SignIn](page))
	})
}

// reportSettings publishes whether the tenant conceals names in its reports, or why that is
// not known.
func (u *run) reportSettings(ctx context.Context) error {
	ev := &schemas.Run{
		RunID: u.id, Connector: u.conn.Name, Feed: schemas.FeedReportSettings, Status: schemas.RunComplete,
		StartedAt: schemas.FormatTime(u.now()), Permissions: u.permissions,
	}
	err := graph.ReportSettingsGranted(u.permissions)
	if err == nil {
		var hidden bool
		if hidden, err = u.client.ReportSettings(ctx); err == nil {
			ev.DisplayConcealedNames = schemas.TristateOf(hidden)
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		u.judge(ev, feed{name: ev.Feed}, 0, err)
	}
	ev.FinishedAt = schemas.FormatTime(u.now())
	p := u.publisher(ctx, u.log)
	if err := u.evidence(p, schemas.NewEncoder(), ev); err != nil {
		p.abort()
		return fmt.Errorf("publish report settings: %w", err)
	}
	u.results = append(u.results, ev)
	return p.close()
}

// excused tells whether a feed that is not complete leaves its run complete: a capability
// that a connector works without, and days of the past that later runs read. Its own
// evidence says so.
func excused(ev *schemas.Run) bool {
	if ev.Error != nil && ev.Error.Code == codePending {
		return true
	}
	return ev.Status == schemas.RunUnavailable && (ev.Feed == feedSignIns || ev.Feed == schemas.FeedReportSettings)
}
