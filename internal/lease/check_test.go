package lease_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/internal/teststack"
)

// stuck is a bucket whose renewals do not return: so a process that is stopped meets it.
type stuck struct {
	jetstream.KeyValue
	end chan struct{}
}

func (b *stuck) Update(context.Context, string, []byte, uint64) (uint64, error) {
	<-b.end
	return 0, errors.New("stopped")
}

func TestCheckEndsAHolderThatWasNotRenewed(t *testing.T) {
	t.Parallel()
	if err := lease.Check(t.Context()); err != nil {
		t.Errorf("without a lease: %v", err)
	}
	kv := &stuck{KeyValue: bucket(t, teststack.StartNATS(t).JS, "CHECK", lease.TTL), end: make(chan struct{})}
	held, release, err := lease.Take(t.Context(), kv, "tenant", "one")
	if err != nil {
		t.Fatal(err)
	}
	below, cancel := context.WithCancel(held) // as a publisher has it
	defer cancel()
	if err := lease.Check(below); err != nil {
		t.Errorf("a fresh lease: %v", err)
	}
	teststack.Until(t, "the lease is too old to act under", func() bool { return lease.Check(below) != nil })
	if err := lease.Check(below); !strings.Contains(err.Error(), "lost lease tenant") {
		t.Errorf("%v: must say what is lost", err)
	}
	if _, err := kv.Get(t.Context(), "tenant"); err != nil {
		t.Errorf("the holder found out after its entry had run out: %v", err)
	}
	close(kv.end)
	release()
}
