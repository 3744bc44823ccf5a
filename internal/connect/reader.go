package connect

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// Reader makes the durable consumer of a reader, or gives an existing one its tenants. from
// is where a new one begins: all, last or new.
func Reader(ctx context.Context, js jetstream.JetStream, r schemas.Reader, from string) error {
	policy := map[string]jetstream.DeliverPolicy{
		"all": jetstream.DeliverAllPolicy, "last": jetstream.DeliverLastPerSubjectPolicy, "new": jetstream.DeliverNewPolicy,
	}[from]
	if old, err := js.Consumer(ctx, schemas.StreamM365.Name, r.Durable()); err == nil {
		policy = old.CachedInfo().Config.DeliverPolicy // it cannot be changed
	}
	_, err := js.CreateOrUpdateConsumer(ctx, schemas.StreamM365.Name, jetstream.ConsumerConfig{
		Durable: r.Durable(), Description: "records of the tenants of reader " + r.Name,
		FilterSubjects: r.Filters(), DeliverPolicy: policy, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 10_000,
	})
	if err != nil {
		return fmt.Errorf("make consumer %s: %w", r.Durable(), err)
	}
	return nil
}
