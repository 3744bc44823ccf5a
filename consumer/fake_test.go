package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/schemas"
)

// The server of these tests is a list of messages: what a real one does once in a million
// times, such as a message that does not arrive, happens here when it is told to.

const testTenant = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"

// fakeMsg is a message with its place in the stream and in the consumer.
type fakeMsg struct {
	jetstream.Msg
	stream, consumer, pending uint64
	acked                     func(uint64)
	record                    schemas.Record
}

func (m *fakeMsg) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: m.stream, Consumer: m.consumer}, NumPending: m.pending}, nil
}
func (m *fakeMsg) Subject() string                 { return m.record.Subject.String() }
func (m *fakeMsg) Headers() nats.Header            { return m.record.Headers() }
func (m *fakeMsg) Data() []byte                    { return m.record.Body }
func (m *fakeMsg) DoubleAck(context.Context) error { m.acked(m.stream); return nil }

// fakeServer is both servers: it hands over messages and remembers acknowledgements, cuts
// and inserts.
type fakeServer struct {
	msgs    chan *fakeMsg
	sent    uint64 // consumer sequence of the last message that was sent
	total   uint64 // consumer sequence of the last message there is
	acks    []uint64
	cuts    []byte
	rows    []uint64 // stream sequences of the insert under way
	inserts []string
	insert  func() error
	mu      sync.Mutex // of floor: the reading side asks while the inserting side acknowledges
	floor   uint64     // last sequence that was acknowledged and counts
	frozen  bool       // acknowledgements do not move the floor
}

// ack remembers an acknowledgement.
func (s *fakeServer) ack(seq uint64) {
	s.acks = append(s.acks, seq)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.frozen {
		s.floor = seq
	}
}

type fakeConsumer struct {
	jetstream.Consumer
	s *fakeServer
}

func (c fakeConsumer) Messages(...jetstream.PullMessagesOpt) (jetstream.MessagesContext, error) {
	return fakeMessages{s: c.s}, nil
}

func (c fakeConsumer) Info(context.Context) (*jetstream.ConsumerInfo, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return &jetstream.ConsumerInfo{AckFloor: jetstream.SequenceInfo{Stream: c.s.floor}, Delivered: jetstream.SequenceInfo{Consumer: c.s.sent}, NumPending: max(c.s.total, c.s.sent) - c.s.sent}, nil
}

type fakeMessages struct {
	jetstream.MessagesContext
	s *fakeServer
}

func (fakeMessages) Stop() {}

// Next cannot read the context from the client's own option: it waits for a moment.
func (m fakeMessages) Next(...jetstream.NextOpt) (jetstream.Msg, error) {
	select {
	case msg := <-m.s.msgs:
		return msg, nil
	case <-time.After(10 * time.Millisecond):
		return nil, context.DeadlineExceeded
	}
}

type fakeKV struct {
	jetstream.KeyValue
	s *fakeServer
}

func (kv fakeKV) Update(_ context.Context, _ string, v []byte, _ uint64) (uint64, error) {
	kv.s.cuts = slices.Clone(v)
	return 1, nil
}

type fakeDB struct {
	driver.Conn
	s *fakeServer
}

func (db fakeDB) PrepareBatch(context.Context, string, ...driver.PrepareBatchOption) (driver.Batch, error) {
	return fakeBatch{s: db.s}, nil
}

type fakeBatch struct {
	driver.Batch
	s *fakeServer
}

func (b fakeBatch) Column(i int) driver.BatchColumn { return fakeColumn{b.s, i} }
func (b fakeBatch) Send() error                     { return b.s.insert() }
func (b fakeBatch) Abort() error                    { return nil }

// fakeColumn keeps the column of stream sequences, the second of every table.
type fakeColumn struct {
	s *fakeServer
	i int
}

func (c fakeColumn) Append(v any) error {
	if c.i == 1 {
		c.s.rows = slices.Clone(v.([]uint64)) // the batch is sent as it was frozen
	}
	return nil
}
func (c fakeColumn) AppendRow(any) error { return nil }

// send hands over users by stream and consumer sequence.
func (s *fakeServer) send(pairs ...[2]uint64) {
	for _, p := range pairs {
		s.sent = max(s.sent, p[1])
		id := fmt.Sprintf("00000000-0000-4000-8000-%012x", p[0])
		s.msgs <- &fakeMsg{stream: p[0], consumer: p[1], pending: max(s.total, p[1]) - p[1], acked: s.ack, record: schemas.Record{
			Subject: schemas.Subject{Tenant: testTenant, Kind: schemas.KindUser, Entity: id}, Op: schemas.Upsert, Run: "r",
			Time: time.Unix(0, 0), Body: []byte(`{"id":"` + id + `"}`),
		}}
	}
}

// readAll runs a reader for a while of the bubble's time. It returns what ended it before.
func (s *fakeServer) readAll(t *testing.T, cfg Config, r *reader, d time.Duration) error {
	t.Helper()
	r.c, r.cons = New(cfg, Deps{DB: fakeDB{s: s}, Cursors: fakeKV{s: s}, Log: zerolog.Nop()}), fakeConsumer{s: s}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	err := r.run(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

func newServer() *fakeServer {
	s := &fakeServer{msgs: make(chan *fakeMsg, 1000)}
	s.insert = func() error { s.inserts = append(s.inserts, fmt.Sprint(s.rows)); return nil }
	return s
}

func seqs(from, to uint64) (pairs [][2]uint64) {
	for i := from; i <= to; i++ {
		pairs = append(pairs, [2]uint64{i, i})
	}
	return pairs
}
