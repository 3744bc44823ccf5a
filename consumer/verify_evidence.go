package consumer

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// EvidenceFinding compares what the last run says that Graph listed with what the stream
// has: the entities of the feed whose last record is no delete.
type EvidenceFinding struct {
	Tenant, Feed string
	Run          string
	Status       string
	Listed       int64 // entities of the listing
	Live         int64 // entities of the stream
	Since        int64 // entities with a record behind the listing's evidence
	Rejected     int64
	Differs      bool
	Note         string
	sequence     uint64
}

// feedKinds are the feeds of a run that list a kind; the others are report functions.
var feedKinds = map[string]schemas.Kind{
	"organization": schemas.KindOrganization, "skus": schemas.KindSKU, "subscriptions": schemas.KindSubscription,
	"groups": schemas.KindGroup, "members": schemas.KindMember, "users": schemas.KindUser, "deleted_users": schemas.KindDeletedUser,
	"sign_ins": schemas.KindSignIn,
}

// feedFilter is the filter of a feed's records; empty where the feed lists no kind.
func (v *verifier) feedFilter(tenant, feed string) string {
	kind, report := feedKinds[feed], ""
	if _, err := schemas.ReportNamed(feed); err == nil {
		kind, report = schemas.KindReport, feed
	}
	for _, k := range v.kinds() {
		if k == kind {
			return schemas.Filter(tenant, kind, report)
		}
	}
	return ""
}

// evidence checks the stream against Graph, by the last evidence of every feed.
func (v *verifier) evidence(ctx context.Context) error {
	var last []EvidenceFinding
	erased := map[string]uint64{} // tenant: the last erasure
	runs := Range{Filters: Filters(v.opt.Tenants, []schemas.Kind{schemas.KindRun}), Last: true}
	err := Each(ctx, v.c.js, v.c.cfg.Stream, runs, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		s, err := schemas.ParseSubject(msg.Subject())
		var run schemas.Run
		if err == nil {
			err = schemas.Decode(msg.Data(), &run)
		}
		if err != nil {
			return nil //nolint:nilerr // a dead letter keeps it, and the comparison above has said so
		}
		if s.Entity == schemas.FeedErase {
			erased[s.Tenant] = meta.Sequence.Stream
		}
		last = append(last, EvidenceFinding{
			Tenant: s.Tenant, Feed: s.Entity, Run: run.RunID, Status: run.Status, Listed: run.Entities, Rejected: run.Rejected,
			sequence: meta.Sequence.Stream,
		})
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range last {
		filter := v.feedFilter(e.Tenant, e.Feed)
		if filter == "" || e.Feed == "sign_ins" && e.Status == schemas.RunUnavailable { // most tenants do not grant it
			continue
		}
		if e.Status != schemas.RunComplete {
			e.Note = "the last listing is not complete: nothing to compare with"
			v.out.Evidence = append(v.out.Evidence, e)
			continue
		}
		if err := v.live(ctx, filter, &e); err != nil {
			return err
		}
		e.judge(erased[e.Tenant])
		v.out.Evidence = append(v.out.Evidence, e)
	}
	return nil
}

// live counts the entities whose last record is no delete.
func (v *verifier) live(ctx context.Context, filter string, e *EvidenceFinding) error {
	return Each(ctx, v.c.js, v.c.cfg.Stream, Range{Filters: []string{filter}, Last: true, HeadersOnly: true},
		func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
			if meta.Sequence.Stream > e.sequence {
				e.Since++
			}
			if msg.Headers().Get(schemas.HeaderOp) != string(schemas.Delete) {
				e.Live++
			}
			return nil
		})
}

// judge tells a difference from what later records and refused entities explain.
func (e *EvidenceFinding) judge(erased uint64) {
	short := e.Listed - e.Live
	switch {
	case short == 0:
	case short > 0 && short <= e.Rejected:
		e.Note = fmt.Sprintf("%d entities were refused: see the run's notes", short)
	case max(short, -short) <= e.Since:
		e.Note = fmt.Sprintf("%d entities have changed since the listing: inconclusive", e.Since)
	case short > 0 && erased > e.sequence:
		e.Note = fmt.Sprintf("%d entities were erased since the listing", short)
	default:
		e.Differs = true
		e.Note = "the stream does not have what Graph listed: run the connector again, which publishes what is missing"
	}
}
