package producer_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

func registry(t *testing.T) (*producer.Registry, jetstream.Stream) {
	t.Helper()
	n := teststack.StartNATS(t)
	stream, err := n.JS.Stream(t.Context(), schemas.StreamCommands.Name)
	if err != nil {
		t.Fatal(err)
	}
	return &producer.Registry{JS: n.JS, Stores: n.Stores}, stream
}

// put stores a connector and returns it as it is stored.
func put(t *testing.T, r *producer.Registry, c producer.Connector) producer.Connector {
	t.Helper()
	if _, err := r.Put(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c, err := r.Get(t.Context(), c.Name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// last returns the last message of a subject of the command stream, nil where there is none.
func last(t *testing.T, stream jetstream.Stream, subject string) *jetstream.RawStreamMsg {
	t.Helper()
	m, err := stream.GetLastMsgForSubject(t.Context(), subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRegistryRoundTrip(t *testing.T) {
	t.Parallel()
	r, _ := registry(t)
	if list, err := r.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("an empty registry lists %v, %v", list, err)
	}
	c := connector("contoso")
	c.Cloud, c.Endpoint, c.GraphURL, c.AuthorityURL = "usgov", "berlin", "https://g.example.net", "https://l.example.net"
	c.CAFile, c.Reports = "ca.pem", []string{activeUsers}
	c.Schedule = producer.Schedule{FirstDay: 90 * time.Minute, Then: 36*time.Hour + 5*time.Second, Cron: "0 6 * * *", TimeZone: "Europe/Berlin"}
	got := put(t, r, c)
	if got.CreatedAt.IsZero() || time.Since(got.CreatedAt) > time.Minute {
		t.Errorf("created at %v", got.CreatedAt)
	}
	c.CreatedAt = got.CreatedAt
	if !reflect.DeepEqual(got, c) {
		t.Errorf("put %+v\n got %+v", c, got)
	}
	put(t, r, connector("adatum"))
	list, err := r.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "adatum" || !reflect.DeepEqual(list[1], c) {
		t.Errorf("list %+v, %v", list, err)
	}
	c.Schedule.Then = time.Hour
	if again := put(t, r, c); !again.CreatedAt.Equal(got.CreatedAt) || again.Schedule.Then != time.Hour {
		t.Errorf("changed: %+v; the day of its making must stay", again)
	}
	if err := r.Remove(t.Context(), "contoso"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"contoso", "never", "a.b.>", ""} {
		if _, err := r.Get(t.Context(), name); !errors.Is(err, producer.ErrNoConnector) {
			t.Errorf("get %q: %v", name, err)
		}
		if err := r.Remove(t.Context(), name); !errors.Is(err, producer.ErrNoConnector) {
			t.Errorf("remove %q: %v", name, err)
		}
	}
}

func TestRemoveTakesScheduleCommandAndStatus(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	c, other := put(t, r, connector("contoso")), put(t, r, connector("adatum"))
	if err := producer.PutStatus(t.Context(), r.Stores, c.Name, producer.Status{State: producer.StateDone}); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), c.Name); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{schemas.ScheduleRun(c.Endpoint, c.Name), schemas.CommandRun(c.Endpoint, c.Name)} {
		if last(t, stream, subject) != nil {
			t.Errorf("%s is still there", subject)
		}
	}
	if st, err := r.Status(t.Context(), c.Name); st != nil || err != nil {
		t.Errorf("status %+v, %v", st, err)
	}
	if last(t, stream, schemas.ScheduleRun(other.Endpoint, other.Name)) == nil {
		t.Error("another connector lost its schedule")
	}
}

func TestPutRefusesWhatIsInvalid(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	bad := connector("contoso")
	bad.ClientSecret = "hunter2hunter2"
	if _, err := r.Put(t.Context(), bad); err == nil {
		t.Error("stored")
	}
	if list, err := r.List(t.Context()); err != nil || len(list) != 0 || stream.CachedInfo().State.Msgs != 0 {
		t.Errorf("something of a refused connector is stored: %v, %v", list, err)
	}
}

func TestNewConnectorRunsAtOnce(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	command, err := r.Put(t.Context(), connector("contoso"))
	if err != nil || command == 0 {
		t.Fatalf("command %d, %v", command, err)
	}
	m := last(t, stream, schemas.CommandRun(producer.DefaultEndpoint, "contoso"))
	if m == nil || m.Sequence != command {
		t.Errorf("message %+v, want the command %d", m, command)
	}
	if again, err := r.Put(t.Context(), connector("contoso")); again != 0 || err != nil {
		t.Errorf("a changed connector: command %d, %v; its schedule will do", again, err)
	}
}

func TestWatchSeesEveryStatus(t *testing.T) {
	t.Parallel()
	r, _ := registry(t)
	store := func(command uint64, state string) {
		if err := producer.PutStatus(t.Context(), r.Stores, "contoso", producer.Status{Command: command, State: state}); err != nil {
			t.Error(err)
		}
	}
	store(1, producer.StateRunning)
	var seen []string
	err := r.Watch(t.Context(), "contoso", func(st producer.Status) bool {
		seen = append(seen, st.State)
		if st.Command == 1 { // the watch stands: what comes now must reach it
			store(2, producer.StateDone)
		}
		return st.Command != 2
	})
	if err != nil {
		t.Error(err)
	}
	equal(t, "statuses", seen, []string{producer.StateRunning, producer.StateDone})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Watch(ctx, "contoso", func(producer.Status) bool { return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("a watch that is cancelled ends with %v", err)
	}
}

// A connector that moves before its first run takes the command with it.
func TestWaitingCommandMovesAlong(t *testing.T) {
	t.Parallel()
	r, stream := registry(t)
	c := connector("contoso")
	first := put(t, r, c)
	c.Endpoint = "berlin"
	command, err := r.Put(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if m := last(t, stream, schemas.CommandRun("berlin", c.Name)); m == nil || m.Sequence != command {
		t.Errorf("command %d, at the new endpoint: %+v", command, m)
	}
	if m := last(t, stream, schemas.CommandRun(first.Endpoint, c.Name)); m != nil {
		t.Errorf("a command is left at the old endpoint: %+v", m)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSubject("seatstream.command.>")); err != nil { // it has run
		t.Fatal(err)
	}
	c.Endpoint = "seattle"
	if command, err := r.Put(t.Context(), c); err != nil || command != 0 || last(t, stream, schemas.CommandRun("seattle", c.Name)) != nil {
		t.Errorf("command %d, %v: nothing waited", command, err)
	}
}
