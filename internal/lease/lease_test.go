package lease_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/internal/teststack"
)

func TestMain(m *testing.M) { teststack.Main(m) }

// bucket makes a bucket whose entries expire after ttl.
func bucket(t *testing.T, js jetstream.JetStream, name string, ttl time.Duration) jetstream.KeyValue {
	t.Helper()
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: name, TTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func TestOneHolderAndReleaseGivesBackAtOnce(t *testing.T) {
	t.Parallel()
	kv := bucket(t, teststack.StartNATS(t).JS, "L", lease.TTL)
	held, release, err := lease.Take(t.Context(), kv, "tenant", "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := lease.Take(t.Context(), kv, "tenant", "two"); !errors.Is(err, lease.ErrHeld) {
		t.Errorf("a second holder: %v", err)
	}
	_, other, err := lease.Take(t.Context(), kv, "another-tenant", "two")
	if err != nil {
		t.Errorf("another name: %v", err)
	} else {
		other()
	}
	if held.Err() != nil {
		t.Errorf("the holder's context ended: %v", context.Cause(held))
	}
	release()
	if held.Err() == nil {
		t.Error("the holder's context goes on after release")
	}
	_, release, err = lease.Take(t.Context(), kv, "tenant", "two")
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	release()
}

func TestManyWantIt(t *testing.T) {
	t.Parallel()
	kv := bucket(t, teststack.StartNATS(t).JS, "L", lease.TTL)
	results := make(chan error)
	releases := make(chan func(), 1) // a second holder would block here
	for range 8 {
		go func() {
			_, release, err := lease.Take(t.Context(), kv, "tenant", "me")
			if err == nil {
				releases <- release
			}
			results <- err
		}()
	}
	won := 0
	for range 8 {
		select {
		case err := <-results:
			if err == nil {
				won++
			} else if !errors.Is(err, lease.ErrHeld) {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("more than one holder")
		}
	}
	if won != 1 {
		t.Errorf("%d holders", won)
	}
	(<-releases)()
}

func TestLostLeaseEndsItsHolder(t *testing.T) {
	t.Parallel()
	kv := bucket(t, teststack.StartNATS(t).JS, "L", lease.TTL)
	held, release, err := lease.Take(t.Context(), kv, "tenant", "one")
	if err != nil {
		t.Fatal(err)
	}
	// The holder was thought dead, its entry ran out, and another took the name.
	if err := kv.Purge(t.Context(), "tenant"); err != nil {
		t.Fatal(err)
	}
	second, releaseSecond, err := lease.Take(t.Context(), kv, "tenant", "two")
	if err != nil {
		t.Fatal(err)
	}
	defer releaseSecond()
	select {
	case <-held.Done():
	case <-time.After(lease.TTL / 2): // at the next renewal, not when renewals have failed for long
		t.Fatal("the first holder acts beside its successor")
	}
	if cause := context.Cause(held); cause == nil || errors.Is(cause, context.Canceled) {
		t.Errorf("cause %v: it must say that the lease is lost", cause)
	}
	release() // must not take the name from its new holder
	if _, _, err := lease.Take(t.Context(), kv, "tenant", "three"); !errors.Is(err, lease.ErrHeld) {
		t.Errorf("the loser's release freed the name: %v", err)
	}
	if second.Err() != nil {
		t.Errorf("the second holder ended: %v", context.Cause(second))
	}
}

func TestHolderThatCannotRenewEndsBeforeItsEntryDoes(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	kv := bucket(t, n.JS, "L", lease.TTL)
	held, release, err := lease.Take(t.Context(), kv, "tenant", "one")
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	n.Stop()
	select {
	case <-held.Done():
	case <-time.After(lease.TTL):
		t.Errorf("still acting after %s: another may have the name by now", time.Since(begun))
	}
	n.Conn.Close() // release has nobody to tell
	release()
}

func TestTakenOverWhenTheHolderDied(t *testing.T) {
	t.Parallel()
	kv := bucket(t, teststack.StartNATS(t).JS, "L", 500*time.Millisecond)
	// What a holder that died leaves behind: an entry that nobody renews.
	if _, err := kv.Create(t.Context(), "tenant", []byte("dead")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lease.Take(t.Context(), kv, "tenant", "two"); !errors.Is(err, lease.ErrHeld) {
		t.Fatalf("taken from a holder whose time was not up: %v", err)
	}
	teststack.Until(t, "the name is free again", func() bool {
		_, release, err := lease.Take(t.Context(), kv, "tenant", "two")
		if err == nil {
			release()
		}
		return err == nil
	})
}

func TestHeldLongerThanItsTTL(t *testing.T) {
	t.Parallel()
	// Renewals come every tenth of lease.TTL, so this entry lives by renewal alone.
	kv := bucket(t, teststack.StartNATS(t).JS, "L", lease.TTL*2/5)
	held, release, err := lease.Take(t.Context(), kv, "tenant", "one")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	first, err := kv.Get(t.Context(), "tenant")
	if err != nil {
		t.Fatal(err)
	}
	teststack.Until(t, "two renewals", func() bool {
		e, err := kv.Get(t.Context(), "tenant")
		return err != nil || e.Revision() >= first.Revision()+2
	})
	if held.Err() != nil {
		t.Errorf("lost a lease that is renewed: %v", context.Cause(held))
	}
	if _, _, err := lease.Take(t.Context(), kv, "tenant", "two"); !errors.Is(err, lease.ErrHeld) {
		t.Errorf("a second holder: %v", err)
	}
}

// TestRenewalWithoutAnswer: a renewal reached the server, and its answer never came. The name
// is still its holder's.
func TestRenewalWithoutAnswer(t *testing.T) {
	t.Parallel()
	kv := bucket(t, teststack.StartNATS(t).JS, "L", lease.TTL)
	held, release, err := lease.Take(t.Context(), kv, "tenant", "one")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	rev, err := kv.Put(t.Context(), "tenant", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	teststack.Until(t, "the next renewal", func() bool {
		e, err := kv.Get(t.Context(), "tenant")
		return held.Err() != nil || err == nil && e.Revision() > rev
	})
	if held.Err() != nil {
		t.Errorf("the holder ended: %v", context.Cause(held))
	}
}
