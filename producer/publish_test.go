package producer_test

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// batches counts the messages of every atomic batch in the stream, in the order of their
// commits, and fails where messages of one batch do not stand together and in sequence.
func batches(t *testing.T, msgs []*jetstream.RawStreamMsg) []int {
	t.Helper()
	var sizes []int
	id := ""
	for _, m := range msgs {
		if got := m.Header.Get(jetstreamext.BatchIDHeader); got != id || got == "" {
			id = got
			sizes = append(sizes, 0)
		}
		sizes[len(sizes)-1]++
		if seq := m.Header.Get(jetstreamext.BatchSeqHeader); seq != strconv.Itoa(sizes[len(sizes)-1]) {
			t.Fatalf("message %d of a batch has sequence %q", sizes[len(sizes)-1], seq)
		}
	}
	return sizes
}

func TestPublishInOrderAndInBatches(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	p := producer.NewPublisher(t.Context(), n.JS, teststack.Log(t), time.Minute)
	const records = 2503
	for i := range records {
		if err := p.Add(userRecord(i, "run-1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	msgs := stored(t, n.JS)
	if len(msgs) != records {
		t.Fatalf("%d messages of %d records", len(msgs), records)
	}
	for i, m := range msgs {
		if want := userRecord(i, "run-1"); m.Subject != want.Subject.String() || !bytes.Equal(m.Data, want.Body) || m.Header.Get(schemas.HeaderID) != want.ID() {
			t.Fatalf("message %d is %s %s", i+1, m.Subject, m.Header.Get(schemas.HeaderID))
		}
	}
	if sizes := batches(t, msgs); len(sizes) != 3 || sizes[0] != producer.MaxBatch || sizes[1] != producer.MaxBatch {
		t.Errorf("batches of %v", sizes)
	}
}

func TestRecordsAddedTogetherStayTogether(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	p := producer.NewPublisher(t.Context(), n.JS, teststack.Log(t), time.Minute)
	// 7 does not divide 1000: a batch must end early rather than split a group.
	const together, groups = 7, 300
	for g := range groups {
		var records []schemas.Record
		for i := range together {
			records = append(records, userRecord(g*together+i, "run-1"))
		}
		if err := p.Add(records...); err != nil {
			t.Fatal(err)
		}
	}
	var tooMany []schemas.Record
	for i := range producer.MaxBatch + 1 {
		tooMany = append(tooMany, userRecord(10_000+i, "run-1"))
	}
	if err := p.Add(tooMany...); err == nil {
		t.Error("1,001 records that belong together were taken: no batch holds them")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for i, size := range batches(t, stored(t, n.JS)) {
		if size%together != 0 || size > producer.MaxBatch {
			t.Errorf("batch %d has %d messages: a group was split", i+1, size)
		}
	}
}

func TestFlushWaitsForTheAck(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	p := producer.NewPublisher(t.Context(), n.JS, teststack.Log(t), time.Minute)
	defer p.Abort()
	for i := range 3 {
		if err := p.Add(userRecord(i, "run-1")); err != nil {
			t.Fatal(err)
		}
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := n.LastSeq(t); got != uint64(i+1) {
			t.Fatalf("%d records stored after flush %d", got, i+1)
		}
	}
}

func TestLostAckIsSettledByReading(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	batch := producer.Messages(userRecord(1, "run-1"), userRecord(2, "run-1"), userRecord(3, "run-1"))
	// The batch was committed and its answer never came back.
	if _, err := jetstreamext.PublishMsgBatch(t.Context(), n.JS, batch); err != nil {
		t.Fatal(err)
	}
	p := producer.NewPublisher(t.Context(), n.JS, teststack.Log(t), time.Minute)
	defer p.Abort()
	if err := p.Store(batch); err != nil {
		t.Errorf("a batch that is stored: %v", err)
	}
	if got := n.LastSeq(t); got != 3 {
		t.Errorf("%d messages, want 3", got)
	}
}

func TestBatchWithAForeignIDIsRefusedWhole(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	// Somebody published a record of the same id; the last one of the batch is not there.
	if _, err := n.JS.PublishMsg(t.Context(), producer.Messages(userRecord(2, "run-1"))[0]); err != nil {
		t.Fatal(err)
	}
	// No retry helps here: the answer must come long before a publisher gives up.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	p := producer.NewPublisher(ctx, n.JS, teststack.Log(t), time.Hour)
	defer p.Abort()
	err := p.Store(producer.Messages(userRecord(1, "run-1"), userRecord(2, "run-1"), userRecord(3, "run-1")))
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != 10201 {
		t.Errorf("err %v, want the server's 10201", err)
	}
	if got := n.LastSeq(t); got != 1 {
		t.Errorf("%d messages: half a batch is stored", got)
	}
}

func TestTooLargeRecordIsLeftOut(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	p := producer.NewPublisher(t.Context(), n.JS, zerolog.Nop(), time.Minute)
	big := userRecord(2, "run-1")
	big.Body = bytes.Repeat([]byte("x"), int(n.Conn.MaxPayload()))
	if err := p.Add(userRecord(1, "run-1")); err != nil {
		t.Fatal(err)
	}
	// Its companion may not arrive without it.
	if err := p.Add(userRecord(4, "run-1"), big); !errors.Is(err, producer.ErrTooLarge) {
		t.Errorf("over-large record: %v", err)
	}
	// The largest that is taken must really be one the server takes.
	fits := userRecord(3, "run-1")
	fits.Body = largest(t, p, n.Conn.MaxPayload())
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "stored", heads(stored(t, n.JS), schemas.KindUser), []string{"upsert 1", "upsert 3"})
}

// largest adds user 3 with a body that shrinks until it is taken.
func largest(t *testing.T, p *producer.Publisher, limit int64) []byte {
	t.Helper()
	r := userRecord(3, "run-1")
	r.Body = bytes.Repeat([]byte("x"), int(limit))
	for {
		err := p.Add(r)
		if err == nil {
			return r.Body
		}
		if !errors.Is(err, producer.ErrTooLarge) {
			t.Fatal(err)
		}
		r.Body = r.Body[:len(r.Body)-1]
	}
}

func TestHostileSubjectIsRefused(t *testing.T) {
	t.Parallel()
	n := teststack.StartNATS(t)
	p := producer.NewPublisher(t.Context(), n.JS, teststack.Log(t), time.Minute)
	for _, entity := range []string{"", "*", ">", "a.b", "a b", "a\r\nb", "é"} {
		r := userRecord(1, "run-1")
		r.Subject.Entity = entity
		if err := p.Add(r); err == nil {
			t.Errorf("entity %q was taken", entity)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := n.LastSeq(t); got != 0 {
		t.Errorf("%d messages", got)
	}
}
