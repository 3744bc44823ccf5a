package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// cut is a batch that ended before its boundary on the grid because its time was up. It
// is recorded before the batch is inserted: after a crash the same batch is cut again.
type cut struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// cuts are the latest cuts, oldest first. One batch is being stored while the next is
// cut, so the last two matter; a few more cost nothing.
type cuts []cut

// cutLog is the cuts with the revision they stand at.
type cutLog struct {
	cuts
	rev uint64
}

const keptCuts = 4

// find returns the cut at which a batch that begins at seq must end.
func (ks cuts) find(seq uint64) (cut, bool) {
	for _, k := range ks {
		if seq >= k.First && seq <= k.Last {
			return k, true
		}
	}
	return cut{}, false
}

func (c *Consumer) cutKey() string { return "cut." + c.cfg.Stream + "." + c.cfg.Durable }

// claimCuts reads the cuts of earlier owners and writes them again as they are. From then on
// an earlier owner that wakes cannot record another: the revision it knows has passed.
func (c *Consumer) claimCuts(ctx context.Context) (k cutLog, err error) {
	e, err := c.cursors.Get(ctx, c.cutKey())
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
	case err != nil:
		return k, fmt.Errorf("read last cuts: %w", err)
	default:
		k.rev = e.Revision()
		if err := schemas.Decode(e.Value(), &k.cuts); err != nil {
			return k, fmt.Errorf("read last cuts: %w", err)
		}
	}
	return k, c.writeCuts(ctx, &k)
}

// recordCut adds a cut. It fails where another owner has claimed the cuts meanwhile.
func (c *Consumer) recordCut(ctx context.Context, k *cutLog, add cut) error {
	k.cuts = append(k.cuts, add)
	k.cuts = k.cuts[max(0, len(k.cuts)-keptCuts):]
	return c.writeCuts(ctx, k)
}

func (c *Consumer) writeCuts(ctx context.Context, k *cutLog) error {
	b, err := schemas.NewEncoder().Encode(k.cuts)
	if err != nil {
		return fmt.Errorf("record cut: %w", err)
	}
	if k.rev, err = c.cursors.Update(ctx, c.cutKey(), b, k.rev); err != nil {
		return fmt.Errorf("record cut: %w", err)
	}
	return nil
}
