package dashboard

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/schemas"
)

// act is one change that somebody made. It names people by object id alone, so that an
// erasure leaves nothing of them here.
type act struct {
	Time   time.Time `json:"time"`
	Who    string    `json:"who"`
	Role   string    `json:"role"`
	From   string    `json:"from"` // address of the client
	Act    string    `json:"act"`  // connector-added, exclusion-removed and so on
	Target string    `json:"target"`
	Tenant string    `json:"tenant,omitzero"`
	Detail string    `json:"detail,omitzero"`
}

// audit writes down what was done: a log line, and a record in the audit stream. The act is
// done by then, so a stream that cannot take it is an error in the log and nothing else.
func (rq *request) audit(ctx context.Context, what, target, tenant, detail string) {
	a := act{Time: rq.s.now().UTC(), Who: rq.scope.Name, Role: rq.scope.Role.String(), From: rq.r.RemoteAddr, Act: what, Target: target, Tenant: tenant, Detail: detail}
	rq.s.log.Info().Str("who", a.Who).Str("role", a.Role).Str("from", a.From).Str("act", a.Act).Str("target", a.Target).Str("tenant", a.Tenant).Str("detail", a.Detail).Msg("audit")
	body, err := schemas.NewEncoder().Encode(&a)
	if err == nil {
		_, err = rq.s.deps.Registry.JS.PublishMsg(context.WithoutCancel(ctx), &nats.Msg{Subject: schemas.AuditOf(what), Data: body})
	}
	if err != nil {
		rq.s.log.Error().Err(err).Str("act", what).Msg("the audit stream does not take an act: it stands in the log alone")
	}
}

// acts returns the last acts, newest first.
func (s *Server) acts(ctx context.Context, most uint64) ([]act, error) {
	stream, err := s.deps.Registry.JS.Stream(ctx, schemas.StreamAudit.Name)
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	from := uint64(1)
	if last := stream.CachedInfo().State.LastSeq; last > most {
		from = last - most + 1
	}
	var all []act
	err = consumer.Each(ctx, s.deps.Registry.JS, schemas.StreamAudit.Name, consumer.Range{From: from}, func(msg jetstream.Msg, _ *jetstream.MsgMetadata) error {
		var a act
		if schemas.Decode(msg.Data(), &a) == nil { // else written by another version, and still in the stream
			all = append(all, a)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	slices.Reverse(all)
	return all, nil
}
