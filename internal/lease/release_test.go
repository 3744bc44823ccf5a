package lease_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/internal/teststack"
)

// slowAnswer is a bucket that renews at once and answers late.
type slowAnswer struct {
	jetstream.KeyValue
	renewed chan struct{} // closed when the bucket has the renewal
	gone    chan struct{} // closed when the caller did not wait for the answer
	answer  chan struct{} // lets the answer through
}

func (b *slowAnswer) Update(ctx context.Context, key string, value []byte, last uint64) (uint64, error) {
	rev, err := b.KeyValue.Update(ctx, key, value, last)
	close(b.renewed)
	select {
	case <-b.answer:
		return rev, err
	case <-ctx.Done():
		close(b.gone)
		return 0, ctx.Err()
	}
}

// TestReleaseDuringRenewal: a run that ends while its lease is being renewed must not leave
// its tenant busy until the lease expires.
func TestReleaseDuringRenewal(t *testing.T) {
	t.Parallel()
	kv, err := teststack.StartNATS(t).JS.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "RELEASE", TTL: lease.TTL})
	if err != nil {
		t.Fatal(err)
	}
	slow := &slowAnswer{KeyValue: kv, renewed: make(chan struct{}), gone: make(chan struct{}), answer: make(chan struct{})}
	_, release, err := lease.Take(t.Context(), slow, "tenant", "one")
	if err != nil {
		t.Fatal(err)
	}
	<-slow.renewed
	released := make(chan struct{})
	go func() { release(); close(released) }()
	select {
	case <-slow.gone:
	case <-time.After(200 * time.Millisecond): // long enough for a caller that gives up
	}
	close(slow.answer)
	<-released
	_, release, err = lease.Take(t.Context(), kv, "tenant", "two")
	if err != nil {
		t.Fatalf("take the released name: %v", err)
	}
	release()
}
