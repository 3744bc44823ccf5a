package producer_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// An organization that cannot be read is the organization's evidence, not the run's end: the
// token says whose directory the other feeds are of.
func TestOrganizationThatIsNotReadEndsNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault        graphsim.Fault
		status, code string
		directory    string // status of the other feeds of the directory
	}{
		"throttled":           {graphsim.Throttle("0.2"), schemas.RunIncomplete, "TooManyRequests", schemas.RunComplete},
		"throttled for long":  {graphsim.Throttle("600"), schemas.RunIncomplete, "TooManyRequests", schemas.RunIncomplete}, // Graph throttles the tenant's whole directory
		"a page of a network": {graphsim.HTML200(), schemas.RunFailed, "", schemas.RunComplete},
		"slow":                {graphsim.Stall(30 * time.Second), schemas.RunComplete, "", schemas.RunComplete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWorkshop(t, "contoso.onmicrosoft.com")
			w.sim.On("GET /organization").Do(tc.fault)
			r := newRunner(t, w.n)
			r.Log = zerolog.Nop()
			all, err := r.Run(t.Context(), w.c[0])
			if err != nil {
				t.Fatal(err)
			}
			if whole := tc.status == schemas.RunComplete; whole != (all.Status == schemas.RunComplete) {
				t.Errorf("the run is %s: %v", all.Status, all.Notes)
			}
			want := map[string]string{"organization": tc.status, "users": tc.directory, "skus": tc.directory, "getOffice365ActiveUserDetail": schemas.RunComplete}
			for feed, status := range want {
				ev := evidenceOf(t, w.n, w.tenants[0], feed)
				if ev.Status != status || (ev.Error == nil) != (status == schemas.RunComplete) {
					t.Errorf("%s is %s: %+v", feed, ev.Status, ev.Error)
				}
				if feed == "organization" && ev.Error != nil && tc.code != "" && ev.Error.Code != tc.code {
					t.Errorf("%s: %+v", feed, ev.Error)
				}
				if status == schemas.RunComplete && ev.Entities == 0 {
					t.Errorf("%s: nothing was read", feed)
				}
			}
			w.sim.ClearFaults()
			if tc.directory != schemas.RunComplete {
				return // until the time that Graph asked for has passed
			}
			if all, err = r.Run(t.Context(), w.c[0]); err != nil || all.Status != schemas.RunComplete {
				t.Errorf("the next run: %+v, %v", all, err)
			}
		})
	}
}

// logged is what a worker logs.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// A run that loses its tenant says that another producer took over, leaves the stream and
// the other's status alone, and hands its command back.
func TestRunThatLosesItsTenant(t *testing.T) {
	t.Parallel()
	w := startWorkshop(t, "contoso.onmicrosoft.com")
	w.sim.On("GET /users").Times(1).Do(graphsim.Stall(5 * time.Minute))
	var log logged
	w.workLogging(zerolog.New(&log))
	command, err := w.r.Put(t.Context(), w.c[0])
	if err != nil {
		t.Fatal(err)
	}
	teststack.Until(t, "the run has the tenant", func() bool { return w.state(w.c[0].Name, command) == producer.StateRunning })
	before := w.n.LastSeq(t)
	if err := w.n.Stores.Leases.Purge(t.Context(), w.tenants[0]); err != nil {
		t.Fatal(err)
	}
	_, release, err := producer.Lease(t.Context(), w.n.Stores, w.tenants[0], "the-other-run")
	if err != nil {
		t.Fatal(err)
	}
	teststack.Until(t, "the run has given up", func() bool { return w.state(w.c[0].Name, command) == producer.StateFailed })
	st, err := w.r.Status(t.Context(), w.c[0].Name)
	const said = "another producer took over this tenant with run the-other-run"
	if err != nil || st.Error == nil || st.Error.Code != producer.CodeTakenOver || !strings.Contains(st.Error.Message, said) || strings.Contains(st.Error.Message, "context canceled") {
		t.Errorf("status %+v, %+v, %v", st, st.Error, err)
	}
	teststack.Until(t, "the log says so", func() bool { return strings.Contains(log.String(), said) })
	if text := log.String(); strings.Contains(text, "context canceled") {
		t.Errorf("log:\n%s", text)
	}
	stream, err := w.n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	failed := schemas.Subject{Tenant: w.tenants[0], Kind: schemas.KindRun, Entity: schemas.FeedAll}.String()
	if info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(failed)); err != nil || info.State.Subjects[failed] != 0 {
		t.Errorf("a run that lost its tenant left evidence of a whole run behind sequence %d: %v", before, err)
	}
	release()
	teststack.Until(t, "the command is carried out", func() bool { return w.state(w.c[0].Name, command) == producer.StateDone })
}
