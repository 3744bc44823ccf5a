package producer_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// workshop is a simulator, a server and the connectors between.
type workshop struct {
	t   *testing.T
	n   *teststack.NATS
	sim *graphsim.Server
	r   *producer.Registry
	c   []producer.Connector
	// tenants are the directory ids, in the order of the connectors.
	tenants []string
}

func startWorkshop(t *testing.T, domains ...string) *workshop {
	t.Helper()
	w := &workshop{t: t, n: teststack.StartNATS(t)}
	w.r = &producer.Registry{JS: w.n.JS, Stores: w.n.Stores}
	var cfgs []graphsim.TenantConfig
	for i, d := range domains {
		cfgs = append(cfgs, graphsim.TenantConfig{Domain: d, Seed: uint64(i + 1), Users: 12})
	}
	sim, list := teststack.StartSim(t, cfgs...)
	w.sim, w.c = sim, list
	for _, info := range sim.Tenants() {
		w.tenants = append(w.tenants, info.ID)
	}
	return w
}

// work starts a worker that ends with the test or by stop.
func (w *workshop) work() (stop func()) { return w.workLogging(zerolog.Nop()) }

func (w *workshop) workLogging(log zerolog.Logger) (stop func()) {
	worker := &producer.Worker{Endpoint: producer.DefaultEndpoint, Parallel: 2, Registry: w.r, Log: log}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := worker.Run(ctx); err != nil {
			w.t.Errorf("worker: %v", err)
		}
	}()
	stop = func() { cancel(); <-ended }
	w.t.Cleanup(stop)
	return stop
}

// state is what became of a connector's command.
func (w *workshop) state(name string, command uint64) string {
	st, err := w.r.Status(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	if st == nil || st.Command != command {
		return ""
	}
	return st.State
}

// idle waits until no command waits or is worked on.
func (w *workshop) idle() {
	w.t.Helper()
	teststack.Until(w.t, "no command left", func() bool {
		cons, err := w.n.JS.Consumer(w.t.Context(), schemas.StreamCommands.Name, "producer-"+producer.DefaultEndpoint)
		if err != nil {
			return false
		}
		info := cons.CachedInfo()
		return info.NumPending == 0 && info.NumAckPending == 0
	})
}

// runs counts the runs of a tenant that left evidence.
func (w *workshop) runs(tenant string) int {
	w.t.Helper()
	stream, err := w.n.JS.Stream(w.t.Context(), schemas.StreamM365.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	subject := schemas.Subject{Tenant: tenant, Kind: schemas.KindRun, Entity: schemas.FeedAll}.String()
	info, err := stream.Info(w.t.Context(), jetstream.WithSubjectFilter(subject))
	if err != nil {
		w.t.Fatal(err)
	}
	return int(info.State.Subjects[subject])
}

func TestWorkersShareCommandsAndRunEachOnce(t *testing.T) {
	t.Parallel()
	w := startWorkshop(t, "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com", "northwind.onmicrosoft.com")
	w.work()
	w.work()
	const rounds = 2
	for round := range rounds {
		commands := make([]uint64, len(w.c))
		for i, c := range w.c {
			var err error
			if round == 0 {
				commands[i], err = w.r.Put(t.Context(), c)
			} else {
				commands[i], err = w.r.RunNow(t.Context(), c)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range w.c {
			teststack.Until(t, "run done", func() bool { return w.state(c.Name, commands[i]) == producer.StateDone })
		}
	}
	w.idle()
	for i, id := range w.tenants {
		if got := w.runs(id); got != rounds {
			t.Errorf("%s: %d runs of %d commands", w.c[i].Name, got, rounds)
		}
	}
	served, err := w.r.Served(t.Context())
	if err != nil || served[producer.DefaultEndpoint] != 2 {
		t.Errorf("producers that are there: %v, %v", served, err)
	}
}

func TestCommandOfARemovedConnectorIsDropped(t *testing.T) {
	t.Parallel()
	w := startWorkshop(t, "contoso.onmicrosoft.com")
	// Removed between the command and the worker: Remove itself takes commands back.
	if _, err := w.r.RunNow(t.Context(), connector("gone")); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.idle()
	stream, err := w.n.JS.Stream(t.Context(), schemas.StreamCommands.Name)
	if err != nil {
		t.Fatal(err)
	}
	teststack.Until(t, "the command is gone", func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.Msgs == 0
	})
}

func TestBusyTenantsCommandComesAgain(t *testing.T) {
	t.Parallel()
	w := startWorkshop(t, "contoso.onmicrosoft.com")
	_, release, err := producer.Lease(t.Context(), w.n.Stores, w.tenants[0], "somebody-else")
	if err != nil {
		t.Fatal(err)
	}
	put := make(chan *nats.Msg, 16)
	sub, err := w.n.Conn.ChanSubscribe("$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.>", put)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	inProgress := producer.Status{Command: 0, State: producer.StateRunning, Started: time.Now(), Run: &schemas.Run{Feed: "users"}}
	if err := producer.PutStatus(t.Context(), w.n.Stores, w.c[0].Name, inProgress); err != nil {
		t.Fatal(err)
	}
	w.work()
	command, err := w.r.Put(t.Context(), w.c[0])
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-put: // the worker met the other run and handed the command back
	case <-time.After(time.Minute):
		t.Fatal("a command whose tenant is busy was not handed back")
	}
	if got := w.runs(w.tenants[0]); got != 0 {
		t.Errorf("%d runs beside another run of the tenant", got)
	}
	if st, err := w.r.Status(t.Context(), w.c[0].Name); err != nil || st.Command != 0 || st.Run == nil || st.Run.Feed != "users" {
		t.Errorf("status %+v, %v: that of the run in progress must stand", st, err)
	}
	release()
	teststack.Until(t, "run done", func() bool { return w.state(w.c[0].Name, command) == producer.StateDone })
	if got := w.runs(w.tenants[0]); got != 1 {
		t.Errorf("%d runs", got)
	}
}

func TestFailedRunIsToldAndNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	w := startWorkshop(t, "contoso.onmicrosoft.com")
	c := w.c[0]
	path := string(c.ClientSecret)[len("file:"):]
	if err := os.WriteFile(path, []byte("wrong-secret-canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.work()
	command, err := w.r.Put(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	teststack.Until(t, "run failed", func() bool { return w.state(c.Name, command) == producer.StateFailed })
	w.idle() // acknowledged: the schedule comes round again
	st, err := w.r.Status(t.Context(), c.Name)
	if err != nil || st.Error == nil || st.Error.Code == "" || st.Error.Remedy == "" {
		t.Errorf("status %+v, %v; want a code and a remedy", st, err)
	}
}

func TestCatchUpMakesUpOnce(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	now := time.Now().UTC()
	w := &producer.Worker{Endpoint: "berlin", Registry: r, Log: zerolog.Nop()}
	for name, tc := range map[string]struct {
		endpoint, cron string
		paused         bool
		last           time.Duration // since the last run began; 0: it never ran
	}{
		"missed":         {endpoint: "berlin", last: 26 * time.Hour},
		"not-due":        {endpoint: "berlin", last: 59 * time.Minute},
		"never":          {endpoint: "berlin"},
		"paused":         {endpoint: "berlin", last: 26 * time.Hour, paused: true},
		"elsewhere":      {endpoint: "seattle", last: 26 * time.Hour},
		"cron-missed":    {endpoint: "berlin", last: 25 * time.Hour, cron: "0 6 * * *"},
		"cron-not-known": {endpoint: "berlin", last: 23 * time.Hour, cron: "0 6 * * *"},
	} {
		c := connector(name)
		c.Endpoint, c.Schedule.Cron = tc.endpoint, tc.cron
		put(t, r, c)
		if err := r.Pause(t.Context(), name, tc.paused); err != nil {
			t.Fatal(err)
		}
		if tc.last > 0 {
			if err := producer.PutStatus(t.Context(), r.Stores, name, producer.Status{Started: now.Add(-tc.last)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSubject("seatstream.command.>")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // two workers that start together
		if err := producer.CatchUp(t.Context(), w, now); err != nil {
			t.Fatal(err)
		}
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("seatstream.command.>"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{schemas.CommandRun("berlin", "missed"): 1, schemas.CommandRun("berlin", "cron-missed"): 1}
	for subject, n := range info.State.Subjects {
		if n != want[subject] {
			t.Errorf("%d commands on %s, want %d", n, subject, want[subject])
		}
	}
	if len(info.State.Subjects) != len(want) {
		t.Errorf("commands on %v", info.State.Subjects)
	}
}
