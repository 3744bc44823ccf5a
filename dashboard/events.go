package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// progress is one step of a run as the page follows it.
type progress struct {
	State    string `json:"state"`
	Command  uint64 `json:"command"`
	Feed     string `json:"feed,omitzero"`
	Entities int64  `json:"entities"`
	Pages    int64  `json:"pages"`
	Text     string `json:"text"`
	Stored   bool   `json:"stored"` // the run has ended, and the tables have what it published
}

const keepAlive = 15 * time.Second

// pausedState is the state of a connector that runs by command alone.
const pausedState = "paused"

// connectorEvents sends the steps of a connector's runs as server-sent events, until the
// browser goes away. What a run published is in the tables a little later than it ends:
// the last event of a run waits for that.
func connectorEvents(ctx context.Context, rq *request) error {
	c, err := rq.named(ctx)
	if err != nil {
		return err
	}
	out := http.NewResponseController(rq.w)
	rq.w.Header().Set("Content-Type", "text/event-stream")
	rq.w.WriteHeader(http.StatusOK)
	steps := make(chan producer.Status)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- rq.s.deps.Registry.Watch(watching, c.Name, func(st producer.Status) bool {
			select {
			case steps <- st:
				return true
			case <-watching.Done():
				return false
			}
		})
	}()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		text := ": still there\n\n"
		select {
		case st := <-steps:
			p := progressOf(st)
			if c.Paused && st.State != producer.StateRunning {
				p.State = pausedState
			}
			if st.State != producer.StateRunning {
				p.Stored = rq.stored(ctx)
			}
			body, err := schemas.NewEncoder().Encode(&p)
			if err != nil {
				return nil // the answer has begun: nothing can be said any more
			}
			text = "data: " + string(body) + "\n\n"
		case <-tick.C:
		case err := <-ended:
			if err != nil && !errors.Is(err, context.Canceled) {
				rq.s.log.Warn().Err(err).Str("connector", c.Name).Msg("events of a connector broke off")
			}
			return nil
		}
		if _, err := rq.w.Write([]byte(text)); err != nil {
			return nil
		}
		if err := out.Flush(); err != nil {
			return nil
		}
	}
}

func progressOf(st producer.Status) progress {
	p := progress{State: st.State, Command: st.Command}
	if st.Run != nil {
		p.Feed, p.Entities, p.Pages = st.Run.Feed, st.Run.Entities, st.Run.Pages
	}
	switch {
	case st.State == producer.StateFailed && st.Error != nil:
		p.Text = output.Line("failed: " + st.Error.Message + ". " + st.Error.Remedy)
	case st.State == producer.StateDone && st.Run != nil:
		p.Text = fmt.Sprintf("%s: %s entities, %s published, %s unchanged, %s deleted", st.Run.Status, count(st.Run.Entities), count(st.Run.Published), count(st.Run.Unchanged), count(st.Run.Deleted))
	case st.Run != nil:
		p.Text = output.Line(fmt.Sprintf("reading %s: %s entities", st.Run.Feed, count(st.Run.Entities)))
	default:
		p.Text = "begins"
	}
	return p
}

// stored waits until the consumer has stored what is in the stream, for half a minute at
// most.
func (rq *request) stored(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if lag, err := rq.s.deps.Consumer.Lag(ctx); err == nil && lag == 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
}
