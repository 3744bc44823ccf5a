package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"github.com/seatstream/seatstream/schemas"
)

func TestGapEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, pairs := range map[string][][2]uint64{
		"in the middle": {{1, 1}, {2, 2}, {4, 4}, {5, 5}},
		"at the start":  {{3, 3}, {4, 4}},
		"turned back":   {{1, 1}, {2, 2}, {2, 2}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer()
			s.send(pairs...)
			err := s.readAll(t, Config{Linger: time.Millisecond}, &reader{next: 1}, time.Minute)
			if !errors.Is(err, errGap) {
				t.Errorf("%s: ended with %v, want %v", name, err, errGap)
			}
			for _, ack := range s.acks {
				if ack > 2 {
					t.Errorf("%s: %d is acknowledged, and with it what never came", name, ack)
				}
			}
		})
	}
}

func TestGapOfTheStreamIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // records that were purged leave holes in the stream only
		s := newServer()
		s.send([2]uint64{1, 1}, [2]uint64{7, 2}, [2]uint64{9, 3})
		if err := s.readAll(t, Config{Linger: 50 * time.Millisecond}, &reader{next: 1}, time.Second); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(s.inserts, s.acks) != "[[1 7 9]] [9]" {
			t.Errorf("inserted %v, acknowledged %v", s.inserts, s.acks)
		}
	})
}

func TestWhatIsStoredAlreadyIsIgnored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.send([2]uint64{4, 1}, [2]uint64{5, 2}, [2]uint64{6, 3}, [2]uint64{6, 4}, [2]uint64{5, 5}, [2]uint64{7, 6})
		if err := s.readAll(t, Config{Linger: 50 * time.Millisecond}, &reader{next: 1, acked: 5}, time.Second); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(s.inserts, s.acks) != "[[6 7]] [7]" {
			t.Errorf("inserted %v, acknowledged %v; want 6 and 7 once", s.inserts, s.acks)
		}
	})
}

func TestLostMessageIsNoticedWithoutALaterOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.send(seqs(1, 3)...)
		s.sent = 4 // the server sent a fourth, to nobody
		if err := s.readAll(t, Config{Linger: time.Millisecond}, &reader{next: 1}, time.Minute); !errors.Is(err, errGap) {
			t.Errorf("ended with %v, want %v", err, errGap)
		}
	})
}

// TestAcksKeepTheOrder: while an insert fails nothing behind it is stored or acknowledged.
func TestAcksKeepTheOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		failures := 0
		insert := s.insert
		s.insert = func() error {
			if s.rows[0] == 11 && failures < 5 {
				if failures++; slices.Max(s.acks) != 10 {
					t.Errorf("acknowledged %v while the batch from 11 is not stored", s.acks)
				}
				return io.ErrUnexpectedEOF
			}
			return insert()
		}
		s.send(seqs(1, 35)...)
		if err := s.readAll(t, Config{Linger: 50 * time.Millisecond, Grid: 10}, &reader{next: 1}, time.Minute); err != nil {
			t.Fatal(err)
		}
		if failures != 5 || fmt.Sprint(s.acks) != "[10 20 30 35]" {
			t.Errorf("%d failures, acknowledged %v", failures, s.acks)
		}
		if got := string(s.cuts); got != `[{"first":31,"last":35}]` {
			t.Errorf("cuts %s: only what ends off the grid is recorded", got)
		}
	})
}

// TestNothingIsAcknowledgedThatFailsForEver: a consumer that is stopped while its insert
// fails has acknowledged nothing of it.
func TestNothingIsAcknowledgedThatFailsForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.insert = func() error { return io.ErrUnexpectedEOF }
		s.send(seqs(1, 35)...)
		if err := s.readAll(t, Config{Linger: 50 * time.Millisecond, Grid: 10}, &reader{next: 1}, time.Hour); err != nil {
			t.Fatal(err)
		}
		if len(s.acks) != 0 {
			t.Errorf("acknowledged %v", s.acks)
		}
	})
}

// TestCutOfBeforeTheCrashIsKept: what is on its way when the time is up must be waited for
// where the batch of before the crash had it, and what has come since must stay out.
func TestCutOfBeforeTheCrashIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.total = 9
		s.send(seqs(1, 4)...)
		go func() {
			<-time.After(time.Second) // twenty times the linger
			s.send(seqs(5, 9)...)
		}()
		r := &reader{next: 1, cuts: cutLog{cuts: cuts{{First: 1, Last: 6}}}}
		if err := s.readAll(t, Config{Linger: 50 * time.Millisecond}, r, 3*time.Second); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(s.inserts) != "[[1 2 3 4 5 6] [7 8 9]]" {
			t.Errorf("inserted %v", s.inserts)
		}
	})
}

// TestSlowBatchEndsOnTheGridAgain: before a crash this batch reached the grid. Now its
// messages come slowly, and the time that is up in between must not cut it elsewhere.
func TestSlowBatchEndsOnTheGridAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.total = 12
		go func() {
			for _, p := range seqs(1, 12) {
				<-time.After(200 * time.Millisecond) // four times the linger
				s.send(p)
			}
		}()
		if err := s.readAll(t, Config{Linger: 50 * time.Millisecond, Grid: 10}, &reader{next: 1}, time.Minute); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(s.inserts) != "[[1 2 3 4 5 6 7 8 9 10] [11 12]]" {
			t.Errorf("inserted %v", s.inserts)
		}
	})
}

// TestWhatWasToComeIsDeleted: the last message said that more is to come, and then that was
// deleted. What is in hand must be stored all the same.
func TestWhatWasToComeIsDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.total = 12
		s.send(seqs(1, 3)...)
		s.total = 3
		if err := s.readAll(t, Config{Linger: 50 * time.Millisecond}, &reader{next: 1}, time.Minute); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(s.inserts, s.acks) != "[[1 2 3]] [3]" {
			t.Errorf("inserted %v, acknowledged %v", s.inserts, s.acks)
		}
	})
}

func TestTokensDifferWithTheRows(t *testing.T) {
	t.Parallel()
	token := func(mail string, ids ...uint64) string {
		b, s := newBatch(), newServer()
		for _, id := range ids {
			s.send([2]uint64{id, id})
			m := <-s.msgs
			env, err := schemas.ParseEnvelope(m.Subject(), m.Headers().Get)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.add(&env, id, []byte(`{"id":"x","mail":"`+mail+`"}`)); err != nil {
				t.Fatal(err)
			}
		}
		return b.tables[schemas.KindUser].token("M365")
	}
	if first, again := token("a", 1, 2, 3), token("a", 1, 2, 3); first != again {
		t.Error("the same rows have two tokens")
	}
	seen := map[string]bool{token("b", 1, 2, 3): true}
	for _, ids := range [][]uint64{{1, 2, 3}, {1, 2}, {1, 3}, {2, 3}, {1, 2, 3, 4}, {1}} {
		seen[token("a", ids...)] = true
	}
	if len(seen) != 7 {
		t.Errorf("%d tokens of 7 batches", len(seen))
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for code, want := range map[int32]outcome{
		60: operator, 81: operator, 16: operator, 497: operator, 516: operator, 164: operator, 243: operator,
		252: transient, 241: transient, 242: transient, 159: transient, 202: transient, 210: transient, 209: transient, 319: transient, 999: transient,
		6: poison, 27: poison, 53: poison, 70: poison, 321: poison, 349: poison, 469: poison,
		0: unknown, 1001: unknown, 31337: unknown,
	} {
		err := fmt.Errorf("insert 3 rows: %w", &clickhouse.Exception{Code: code, Message: "Too many parts (3000 with average size of 1.00 KiB)"})
		if got := classify(err); got != want {
			t.Errorf("code %d is %s, want %s", code, got, want)
		}
	}
	partitions := &clickhouse.Exception{Code: 252, Message: "Too many partitions for single INSERT block (more than 100)"}
	if got := classify(partitions); got != operator {
		t.Errorf("too many partitions is %s: the same block is refused for ever, and no row is at fault", got)
	}
	if got := classify(&rowError{&column.ColumnConverterError{Op: "Append", To: "String", From: "[]uuid.UUID"}}); got != operator {
		t.Errorf("a column of another type is %s: no row is at fault", got)
	}
	if got := classify(&rowError{errors.New("unknown element")}); got != poison {
		t.Errorf("a value that no column takes is %s", got)
	}
	for _, err := range []error{io.EOF, io.ErrUnexpectedEOF, context.DeadlineExceeded, errors.New("dial tcp: connection refused")} {
		if got := classify(err); got != transient {
			t.Errorf("%v is %s: it may work later", err, got)
		}
	}
	var h health
	h.failing(operator, &clickhouse.Exception{Code: 60, Message: "no table"})
	if err := h.err(); err == nil || !strings.HasPrefix(err.Error(), "operator: ") {
		t.Errorf("health %v", err)
	}
	if h.healthy(); h.err() != nil {
		t.Errorf("healthy: %v", h.err())
	}
}

// TestAcksThatDoNotCount: an earlier owner's acknowledgement has a higher number of its own,
// and the server takes those of this session for old ones. The session must begin again.
func TestAcksThatDoNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.send(seqs(1, 5)...)
		insert := s.insert
		s.insert = func() error { s.frozen = true; return insert() }
		if err := s.readAll(t, Config{Linger: time.Millisecond}, &reader{next: 1}, time.Minute); !errors.Is(err, errFloor) {
			t.Errorf("ended with %v, want %v", err, errFloor)
		}
	})
}
