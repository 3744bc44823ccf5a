package producer

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/embedded"
)

// TestLaterCommandKeepsItsStatus: a run that ends late does not cover what the command after
// it came to, however the two interleave.
func TestLaterCommandKeepsItsStatus(t *testing.T) {
	t.Parallel()
	srv, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Stop)
	nc, err := srv.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stores, err := OpenStores(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := &Registry{JS: js, Stores: stores}
	start := time.Now().UTC()
	first := Status{Command: 7, State: StateFailed, Started: start}
	second := Status{Command: 8, State: StateDone, Started: start.Add(time.Millisecond)}
	for range 50 {
		var both sync.WaitGroup
		for _, st := range []Status{first, second} {
			both.Go(func() {
				if _, err := stores.tell(t.Context(), "contoso", &st); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if got, err := r.Status(t.Context(), "contoso"); err != nil || got.Command != 8 {
			t.Fatalf("status %+v, %v", got, err)
		}
		if err := stores.Status.Purge(t.Context(), "contoso"); err != nil {
			t.Fatal(err)
		}
	}
	// Commands that are counted anew, since their stream was made again, are told all the same.
	if _, err := stores.tell(t.Context(), "contoso", &second); err != nil {
		t.Fatal(err)
	}
	again := Status{Command: 1, State: StateRunning, Started: start.Add(time.Hour)}
	if _, err := stores.tell(t.Context(), "contoso", &again); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Status(t.Context(), "contoso"); err != nil || got.Command != 1 {
		t.Errorf("status %+v, %v", got, err)
	}
}
