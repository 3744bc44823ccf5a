package doctor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/doctor"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m) }

func examine(t *testing.T, s doctor.Subject) map[string]doctor.Check {
	t.Helper()
	checks, err := doctor.Examine(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]doctor.Check{}
	for _, c := range checks {
		if c.Found == "" || c.Wanted == "" || c.Why == "" || c.Status == "" || c.Status != doctor.OK && c.Remedy == "" {
			t.Errorf("check says too little: %+v", c)
		}
		if c.Status != doctor.OK {
			m[c.Part+" "+c.Name] = c
		}
	}
	return m
}

func TestDoctorOnRealParts(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	c, stop := n.Consume(t, consumer.Config{}, ch.Conn)
	teststack.Until(t, "the consumer is there", func() bool { _, err := c.Lag(t.Context()); return err == nil })
	stop()
	s := doctor.Subject{NATS: n.Conn, EmbeddedNATS: true, DB: ch.Conn}
	// The disk of the machine that runs the test is its own.
	healthy := examine(t, s)
	delete(healthy, "ClickHouse disk")
	if len(healthy) != 0 {
		t.Errorf("embedded parts: %+v", healthy)
	}
	s.EmbeddedNATS = false // another server, whose user is not of the system account
	if got := examine(t, s)["NATS sync_interval"]; got.Status != doctor.Unseen || !strings.Contains(got.Remedy, "--monitor") {
		t.Errorf("sync of a server that does not tell: %+v", got)
	}

	// What the server says of itself, as its monitoring port gives it.
	monitor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		v, err := n.Server().Varz(nil)
		if err != nil {
			t.Error(err)
		}
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}))
	defer monitor.Close()
	s.Monitor = monitor.URL
	if got, wrong := examine(t, s)["NATS sync_interval"]; wrong {
		t.Errorf("sync of a server that tells: %+v", got)
	}

	// Every setting on which the guarantee rests, turned wrong.
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxAge, cfg.Duplicates, cfg.AllowAtomicPublish = 24*3600e9, 1e9, false
	if _, err := n.JS.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if err := n.JS.DeleteStream(t.Context(), schemas.StreamDLQ.Name); err != nil {
		t.Fatal(err)
	}
	cons, err := stream.Consumer(t.Context(), schemas.ConsumerName)
	if err != nil {
		t.Fatal(err)
	}
	cc := cons.CachedInfo().Config
	cc.MaxDeliver = 5
	if _, err := stream.UpdateConsumer(t.Context(), cc); err != nil {
		t.Fatal(err)
	}
	if err := ch.Conn.Exec(t.Context(), "ALTER TABLE m365.users MODIFY SETTING non_replicated_deduplication_window = 0"); err != nil {
		t.Fatal(err)
	}
	got := examine(t, s)
	for _, name := range []string{
		"M365 settings", "M365 duplicate window", "M365 limits", "M365_DLQ stream", "M365 consumer clickhouse",
		"ClickHouse non_replicated_deduplication_window",
	} {
		if got[name].Status != doctor.Fail {
			t.Errorf("%s is not seen to be wrong: %+v", name, got[name])
		}
	}
}
