package clock

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m) }

// world is a server on the bubble's clock with the connector registry.
type world struct {
	t        *testing.T
	js       jetstream.JetStream
	registry *producer.Registry
}

// inBubble runs f with a nats-server whose clock begins at start. Nothing listens: clients
// connect through memory, since a wait for the network would stop the clock. It does not
// sync: a producer writes that it is there every five seconds, for days.
func inBubble(t *testing.T, start time.Time, f func(*world)) {
	t.Helper()
	dir := t.TempDir()
	// The server's cached access time would otherwise tick inside the bubble on a channel
	// of the package's, for which no bubble waits.
	ats.Register()
	defer ats.Unregister()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(start)) // a bubble begins on 1 January 2000
		srv, err := server.NewServer(&server.Options{
			ServerName: "clock", DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		if !srv.ReadyForConnections(time.Minute) {
			t.Fatal("server not ready")
		}
		nc, err := nats.Connect("", append(connect.Options("clock"), nats.InProcessServer(srv))...)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t}
		if w.js, err = connect.JetStream(t.Context(), nc, 1, 0); err != nil {
			t.Fatal(err)
		}
		stores, err := producer.OpenStores(t.Context(), w.js, 1)
		if err != nil {
			t.Fatal(err)
		}
		w.registry = &producer.Registry{JS: w.js, Stores: stores}
		f(w)
		nc.Close()
		srv.Shutdown()
		srv.WaitForShutdown()
	})
}

// produce starts a producer; stop ends it.
func (w *world) produce() (stop func()) {
	worker := &producer.Worker{Endpoint: producer.DefaultEndpoint, Parallel: 2, Registry: w.registry, Log: zerolog.Nop()}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := worker.Run(ctx); err != nil {
			w.t.Errorf("worker: %v", err)
		}
	}()
	return func() { cancel(); <-ended }
}

// simulated is a connector to a small tenant of a simulator outside every bubble.
func simulated(t *testing.T) producer.Connector {
	t.Helper()
	_, list := teststack.StartSim(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 7, Users: 12})
	return list[0]
}

// put stores a connector, which is new and so runs at once.
func (w *world) put(c producer.Connector) producer.Connector {
	w.t.Helper()
	if _, err := w.registry.Put(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
	c, err := w.registry.Get(w.t.Context(), c.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// runs are the times at which complete runs of the connector ended, by their evidence.
func (w *world) runs() []time.Time {
	w.t.Helper()
	stream, err := w.js.Stream(w.t.Context(), schemas.StreamM365.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []time.Time
	for seq, last := uint64(1), stream.CachedInfo().State.LastSeq; seq <= last; seq++ {
		m, err := stream.GetMsg(w.t.Context(), seq)
		if err != nil {
			w.t.Fatal(err)
		}
		s, err := schemas.ParseSubject(m.Subject)
		if err != nil {
			w.t.Fatal(err)
		}
		if s.Kind != schemas.KindRun || s.Entity != schemas.FeedAll {
			continue
		}
		var ev schemas.Run
		if err := schemas.Decode(m.Data, &ev); err != nil {
			w.t.Fatal(err)
		}
		if ev.Status != schemas.RunComplete {
			w.t.Errorf("run at %s: %s %v", m.Time, ev.Status, ev.Notes)
		}
		out = append(out, m.Time.UTC())
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// between counts the runs in a stretch of time, the end left out.
func between(runs []time.Time, from, to time.Time) (n int) {
	for _, at := range runs {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}
