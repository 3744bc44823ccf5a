package producer

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/schemas"
)

// Publish stores records as a run does: in atomic batches, in their order, each batch sent
// again until its outcome is known. It returns nil when every record is acknowledged, and
// so on disk. After an error some of the records may be stored.
func Publish(ctx context.Context, js jetstream.JetStream, log zerolog.Logger, records ...schemas.Record) error {
	p := newPublisher(ctx, js, log)
	for _, r := range records {
		if err := p.add(r); err != nil {
			p.abort()
			return err
		}
	}
	return p.close()
}
