package consumer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
)

// TestReplayKilledAndResumedLeavesEachRecordOnce: it dies after every commit, before its
// position is kept. Raw tables, in which nothing is merged, show what was inserted twice.
func TestReplayKilledAndResumedLeavesEachRecordOnce(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	publishUsers(t, n.JS, 0, 1000, "r1")
	plan := replayer(t, n, ch.Conn) // batches of 300
	st, err := plan.NewReplay(t.Context(), consumer.Range{})
	if err != nil {
		t.Fatal(err)
	}
	kills := 0
	for name := "test"; ; {
		ctx, kill := context.WithCancel(t.Context())
		sends := 0
		db := &faultyDB{Conn: ch.Conn, send: func(_ string, insert func() error) error {
			err := insert()
			if sends++; err == nil && sends == 2 {
				kill()
				err = errLost
			}
			return err
		}}
		err := replayer(t, n, db).Continue(ctx, name, st, nil)
		kill()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if kills++; kills > 10 {
			t.Fatal("it does not get on")
		}
		if st, err = plan.Paused(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if kills < 2 || st.Rows != 1000 {
		t.Errorf("%d kills, %d records", kills, st.Rows)
	}
	expect(t, ch.Conn, "raw", users(1000))
	if _, err := plan.Paused(t.Context(), "test"); !errors.Is(err, consumer.ErrNoReplay) {
		t.Errorf("a replay that is done can be resumed: %v", err)
	}
}

func TestReplayOfASequenceRange(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	publishUsers(t, n.JS, 0, 1000, "r1")
	rows, err := replayer(t, n, ch.Conn).Replay(t.Context(), consumer.Range{From: 250, To: 700}, nil)
	if err != nil || rows != 451 {
		t.Errorf("%d rows, %v", rows, err)
	}
	expect(t, ch.Conn, "tables", map[string]string{"SELECT (min(stream_seq), max(stream_seq), count()) FROM m365.user_changes FINAL": "(250,700,451)"})
	if n, err := consumer.Count(t.Context(), n.JS, "M365", consumer.Range{From: 250, To: 700}); err != nil || n != 451 {
		t.Errorf("counts %d, %v", n, err)
	}
}
