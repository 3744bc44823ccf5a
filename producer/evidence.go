package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// judge settles the status of a feed from how its reading ended.
func (u *run) judge(ev *schemas.Run, f feed, known int, readErr error) {
	switch {
	case readErr != nil:
		ev.Error = runError(readErr, u.now())
		ev.Status = schemas.RunIncomplete
		if ev.Pages == 0 && graph.KindOf(readErr) != graph.Throttled { // which is put off only
			ev.Status = schemas.RunFailed
		}
		var ge *graph.Error
		if ev.Pages == 0 && errors.As(readErr, &ge) && (ge.Kind == graph.Unsupported || ge.Kind == graph.Permission || ge.Kind == graph.TenantLicence) {
			ev.Status = schemas.RunUnavailable
		}
		level := zerolog.WarnLevel
		if excused(ev) {
			level = zerolog.DebugLevel // the run is complete without it; its evidence says why it is missing
		}
		u.log.WithLevel(level).Str("feed", f.name).Str("status", ev.Status).Str("code", ev.Error.Code).Msg("feed not complete")
	case f.neverEmpty && ev.Entities == 0 && known > 0:
		ev.Status = schemas.RunIncomplete
		ev.Error = &schemas.RunError{
			Code:    "EmptyListing",
			Message: fmt.Sprintf("Graph listed nothing where %d are known", known),
			Remedy:  "nothing was deleted; run again, and look at the tenant if it stays so",
		}
	default:
		ev.Status = schemas.RunComplete
		if ev.Entities == 0 {
			ev.Notes = append(ev.Notes, "nothing to read: Graph was asked and listed none")
		}
	}
}

// conclude publishes the evidence behind the records it is about and, once all are
// stored, moves the cursor where the feed was read whole.
func (u *run) conclude(ctx context.Context, c *collection, f feed, whole bool) error {
	ev := c.ev
	ev.FinishedAt = schemas.FormatTime(u.now())
	ev.Notes = append(ev.Notes, c.changes.notes()...)
	if err := u.evidence(c.pub, c.enc, ev); err != nil {
		c.pub.abort()
		return errors.Join(err, c.pub.err)
	}
	if err := c.pub.close(); err != nil {
		return err
	}
	u.results = append(u.results, ev)
	showEvidence(ev)
	u.log.Debug().Str("feed", f.name).Str("status", ev.Status).Int64("entities", ev.Entities).
		Int64("published", ev.Published).Int64("deleted", ev.Deleted).Msg("feed collected")
	if f.stored != nil {
		return f.stored(ctx)
	}
	if !whole {
		return nil
	}
	if err := lease.Check(ctx); err != nil {
		return err
	}
	return u.Stores.moveCursor(ctx, u.tenant, f.name, cursorOf(ev, u.now()))
}

func cursorOf(ev *schemas.Run, finished time.Time) cursor {
	return cursor{Run: ev.RunID, Finished: finished, Entities: ev.Entities, Refresh: ev.RefreshDate, Concealed: ev.ConcealedRows}
}

func (u *run) evidence(p *publisher, enc *schemas.Encoder, ev *schemas.Run) error {
	body, err := enc.Encode(ev)
	if err != nil {
		return err
	}
	return p.add(schemas.Record{
		Subject: schemas.Subject{Tenant: u.tenant, Kind: schemas.KindRun, Entity: ev.Entity()},
		Op:      schemas.Upsert, Run: u.id, Seen: u.attempt * attemptStride, Time: u.now(), Body: append([]byte(nil), body...),
	})
}

// finish publishes the evidence of the whole run.
func (u *run) finish(ctx context.Context) (*schemas.Run, error) {
	all := &schemas.Run{
		RunID: u.id, Connector: u.conn.Name, Feed: schemas.FeedAll, Status: schemas.RunComplete,
		Permissions: u.permissions, StartedAt: schemas.FormatTime(u.started), FinishedAt: schemas.FormatTime(u.now()), Notes: u.notes,
	}
	for _, ev := range u.results {
		all.Pages += ev.Pages
		all.Entities += ev.Entities
		all.Published += ev.Published
		all.Unchanged += ev.Unchanged
		all.Deleted += ev.Deleted
		all.Events += ev.Events
		all.Rejected += ev.Rejected
		all.ConcealedRows += ev.ConcealedRows
		if ev.DisplayConcealedNames != schemas.Unknown {
			all.DisplayConcealedNames = ev.DisplayConcealedNames
		}
		if ev.Status != schemas.RunComplete && !excused(ev) {
			all.Status = schemas.RunIncomplete
			note := ev.Feed + ": " + ev.Status
			if ev.Error != nil {
				note += ": " + ev.Error.Message
			}
			all.Notes = append(all.Notes, note)
		}
	}
	if u.cut != nil {
		all.Status = schemas.RunIncomplete
		all.Notes = append(all.Notes, "not finished: the next run goes on at "+u.cut.at)
	}
	p := u.publisher(ctx, u.log)
	if err := u.evidence(p, schemas.NewEncoder(), all); err != nil {
		p.abort()
		return nil, err
	}
	if err := p.close(); err != nil {
		return nil, err
	}
	switch {
	case u.cut == nil && u.Stores.Checkpoints != nil:
		if err := u.Stores.forget(ctx, u.JS, u.tenant); err != nil {
			return nil, err
		}
	case u.cut != nil && u.Unfinished != nil:
		u.Unfinished(u.cut.after)
	}
	u.log.Info().Str("tenant", u.tenant).Str("status", all.Status).Int64("entities", all.Entities).Int64("published", all.Published).
		Int64("unchanged", all.Unchanged).Int64("deleted", all.Deleted).Int64("events", all.Events).
		Dur("took", u.now().Sub(u.started)).Msg("run finished")
	return all, nil
}

const (
	// CodeFailed is the code of an error that comes from nowhere with codes of its own.
	CodeFailed = "Failed"
	// CodeTakenOver is the code of a run that lost its tenant to another producer.
	CodeTakenOver = "TakenOver"
)

// runError renders an error for the evidence: codes and remedies, no secrets, no URLs. What
// Microsoft put off says until when, by the producer's clock.
func runError(err error, now time.Time) *schemas.RunError {
	var ge *graph.Error
	if errors.Is(err, lease.ErrLost) {
		return &schemas.RunError{Code: CodeTakenOver, Message: err.Error(), Remedy: "nothing: the producer that took over goes on with the run"}
	}
	if !errors.As(err, &ge) {
		return &schemas.RunError{Code: CodeFailed, Message: err.Error()}
	}
	e := &schemas.RunError{Code: ge.Code, Message: ge.Message, Remedy: ge.Remedy}
	if ge.Kind == graph.Throttled && ge.RetryAfter > 0 {
		until := schemas.FormatTime(now.Add(min(ge.RetryAfter, graph.MaxPause)).Truncate(time.Second).Add(time.Second))
		e.Message += ", until " + until
		if e.Remedy == "" {
			e.Remedy = "run again after " + until + "; nothing was deleted"
		}
	}
	return e
}
