package producer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// Worker carries out the commands for one endpoint. Any number of workers share them.
type Worker struct {
	Endpoint string
	Parallel int // tenants that are worked on at once
	// Window is the longest time a run takes; what is left then is another run's. 0 for no end.
	Window   time.Duration
	Registry *Registry
	Log      zerolog.Logger
	// Limiter keeps all runs within Graph's limits; one is made where it is nil. Workers of
	// one process that read the same tenants share theirs.
	Limiter *graph.Limiter

	Secrets *Secrets // as the Runner's

	places places
}

// begunPerPlace bounds the runs that are begun: those that wait for Graph beside those at
// work. Each holds a feed's last state in memory.
const begunPerPlace = 16

const (
	commandWait = 30 * time.Second // a command whose worker died goes to another after this
	busyWait    = 5 * time.Second
)

// Run carries out commands until ctx is done, and then lets the runs in progress break
// off: a run that is cut short publishes no deletes, and the next one makes up for it.
func (w *Worker) Run(ctx context.Context) error {
	cons, err := w.Registry.JS.CreateOrUpdateConsumer(ctx, schemas.StreamCommands.Name, jetstream.ConsumerConfig{
		Durable: "producer-" + w.Endpoint, Description: "commands for producers of endpoint " + w.Endpoint,
		FilterSubject: schemas.CommandRun(w.Endpoint, "*"),
		AckPolicy:     jetstream.AckExplicitPolicy, AckWait: commandWait, MaxDeliver: -1, MaxAckPending: 1000,
	})
	if err != nil {
		return fmt.Errorf("serve endpoint %s: %w", w.Endpoint, err)
	}
	if err := w.catchUp(ctx, time.Now()); err != nil {
		return fmt.Errorf("serve endpoint %s: %w", w.Endpoint, err)
	}
	if err := w.showKnown(ctx); err != nil {
		w.Log.Warn().Err(err).Msg("age of feeds not known until they are read again")
	}
	if w.Limiter == nil {
		w.Limiter = graph.NewLimiter()
	}
	w.places = make(places, max(1, w.Parallel))
	begun := make(chan struct{}, begunPerPlace*cap(w.places))
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { w.present(ctx) })
	for ctx.Err() == nil {
		select {
		case begun <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		// A command is asked for when there is a place, which is not held while there is
		// none to carry out.
		free, err := w.places.take(ctx)
		if err != nil {
			return nil
		}
		free.leave()
		msg, err := cons.Next(jetstream.FetchContext(ctx))
		if err != nil {
			<-begun
			// A timeout is how the server says that there was no command.
			if ctx.Err() == nil && !errors.Is(err, jetstream.ErrNoMessages) && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) {
				w.Log.Warn().Err(err).Msg("commands not readable, trying again")
				pause(ctx, time.Second)
			}
			continue
		}
		wg.Go(func() {
			defer func() { <-begun }()
			w.carryOut(ctx, msg)
		})
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// carryOut runs one command and acknowledges it when the run is over. A run that failed
// is not repeated at once: the schedule comes round again.
func (w *Worker) carryOut(ctx context.Context, msg jetstream.Msg) {
	name := msg.Subject()[strings.LastIndexByte(msg.Subject(), '.')+1:]
	log := w.Log.With().Str("connector", name).Logger()
	stop := keepAlive(msg)
	defer stop()
	at, err := w.places.take(ctx)
	if err != nil {
		_ = msg.Nak() // another worker takes it up
		return
	}
	defer at.leave()
	c, err := w.Registry.Get(ctx, name)
	if errors.Is(err, ErrNoConnector) {
		_ = msg.Ack() // the connector was removed while its command waited
		return
	}
	var again time.Duration
	if err == nil {
		again, err = w.run(ctx, c, commandID(msg), at)
	}
	switch {
	case ctx.Err() != nil:
		_ = msg.Nak() // another worker takes it up
	case errors.Is(err, ErrBusy):
		_ = msg.NakWithDelay(busyWait)
	case errors.Is(err, lease.ErrLost):
		log.Warn().Err(err).Msg("run given up")
		_ = msg.NakWithDelay(busyWait) // should nobody have taken over, the run goes on then
	case err == nil && again > 0:
		_ = msg.NakWithDelay(again) // the run goes on then, and others have their turn until then
	default:
		if err != nil {
			log.Error().Err(err).Msg("run failed")
		}
		if err := msg.Ack(); err != nil {
			log.Warn().Err(err).Msg("command not acknowledged, it will run again")
		}
	}
}

func commandID(msg jetstream.Msg) uint64 {
	meta, err := msg.Metadata()
	if err != nil {
		return 0
	}
	return meta.Sequence.Stream
}

// keepAlive tells the server that the command is being worked on.
func keepAlive(msg jetstream.Msg) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(commandWait / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_ = msg.InProgress() // the next one may get through
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// run runs a connector and keeps its status up to date. A run that did not finish is
// continued after that time.
func (w *Worker) run(ctx context.Context, c Connector, command uint64, at *place) (again time.Duration, err error) {
	st := Status{Command: command, State: StateRunning, Started: time.Now().UTC()}
	var told uint64 // revision of the status
	report := func() {
		st.Updated = time.Now().UTC()
		revision, err := w.Registry.Stores.tell(context.WithoutCancel(ctx), c.Name, &st)
		if told = max(told, revision); err != nil {
			w.Log.Warn().Err(err).Str("connector", c.Name).Msg("status not stored")
		}
	}
	runner := &Runner{
		JS: w.Registry.JS, Stores: w.Registry.Stores, Log: w.Log, Limiter: w.Limiter, Secrets: w.Secrets, Yield: at.yield,
		Window: w.Window, Begun: report,
	}
	runner.Unfinished = func(after time.Duration) { again = after }
	runner.Progress = func(_ string, ev *schemas.Run) {
		if time.Since(st.Updated) > 500*time.Millisecond {
			st.Run = ev
			report()
		}
	}
	runsBegun.Inc()
	all, err := runner.Run(ctx, c)
	runsBegun.Dec()
	if errors.Is(err, ErrBusy) || ctx.Err() != nil {
		return 0, err
	}
	if errors.Is(err, lease.ErrLost) {
		st.State, st.Error, st.Updated = StateFailed, runError(err, time.Now()), time.Now().UTC()
		if body, encodeErr := schemas.NewEncoder().Encode(&st); encodeErr == nil {
			// Where the producer that took over has told its status, that stands.
			_, _ = w.Registry.Stores.Status.Update(ctx, c.Name, body, told)
		}
		return 0, err
	}
	st.Run, st.State = all, StateDone
	if err != nil {
		st.State, st.Error = StateFailed, runError(err, time.Now())
		runsEnded.WithLabelValues(schemas.RunFailed).Inc()
	} else if again == 0 {
		runsEnded.WithLabelValues(all.Status).Inc()
	}
	report()
	if err := w.Registry.Schedule(ctx, c, time.Now()); err != nil {
		return 0, err
	}
	return again, err
}
