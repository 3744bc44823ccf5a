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

func (c *Consumer) lastCuts(ctx context.Context) (cuts, error) {
	e, err := c.cursors.Get(ctx, c.cutKey())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read last cuts: %w", err)
	}
	var ks cuts
	return ks, schemas.Decode(e.Value(), &ks)
}

func (c *Consumer) recordCut(ctx context.Context, ks cuts, k cut) (cuts, error) {
	ks = append(ks, k)
	ks = ks[max(0, len(ks)-keptCuts):]
	b, err := schemas.NewEncoder().Encode(ks)
	if err != nil {
		return ks, err
	}
	if _, err := c.cursors.Put(ctx, c.cutKey(), b); err != nil {
		return ks, fmt.Errorf("record cut at sequence %d: %w", k.Last, err)
	}
	return ks, nil
}
