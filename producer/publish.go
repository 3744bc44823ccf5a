package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/schemas"
)

const (
	// maxBatch is the server's limit of messages in one atomic batch.
	maxBatch = 1000
	// maxBatchBytes keeps a batch well inside the ten seconds a server waits for its end.
	maxBatchBytes = 4 << 20
	// inFlight batches wait behind the one that is being committed. One commits at a
	// time: two records of one entity must arrive in their order.
	inFlight = 2
	// giveUp ends a run whose batch no server takes, because the stream is full or away.
	giveUp = 2 * time.Minute

	errDuplicateID = 10201 // atomic publish batch contains duplicate message id
)

// publisher sends records in atomic batches. A batch is sent again, unchanged, until it
// is known to be stored.
type publisher struct {
	js     jetstream.JetStream
	log    zerolog.Logger
	limit  int           // largest message the server takes
	giveUp time.Duration // how long one batch is tried
	batch  []*nats.Msg
	bytes  int
	queue  chan work
	done   chan struct{}
	err    error // set before done is closed
	ctx    context.Context
	cancel context.CancelFunc
}

// work is a batch to store or, with a channel, a question whether all before is stored.
type work struct {
	batch  []*nats.Msg
	stored chan struct{}
}

func newPublisher(ctx context.Context, js jetstream.JetStream, log zerolog.Logger) *publisher {
	p := &publisher{
		js: js, log: log, limit: int(js.Conn().MaxPayload()), giveUp: giveUp,
		queue: make(chan work, inFlight), done: make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancel(ctx)
	go p.run()
	return p
}

// errTooLarge says that a record exceeds the server's message size.
var errTooLarge = errors.New("record is larger than the server's max_payload")

// add takes records that belong together: they arrive in one batch.
func (p *publisher) add(records ...schemas.Record) error {
	msgs := make([]*nats.Msg, len(records))
	size := 0
	for i, r := range records {
		if err := r.Subject.Check(); err != nil {
			return fmt.Errorf("publish record: %w", err)
		}
		msgs[i] = &nats.Msg{Subject: r.Subject.String(), Header: r.Headers(), Data: r.Body}
		n := msgs[i].Size() + 256 // batch headers
		if n > p.limit {
			return fmt.Errorf("publish %s, %d bytes of %d: %w", r.Subject, n, p.limit, errTooLarge)
		}
		size += n
	}
	if len(msgs) > maxBatch {
		return fmt.Errorf("publish %d records at once: a batch holds %d", len(msgs), maxBatch)
	}
	if len(p.batch)+len(msgs) > maxBatch || p.bytes+size > maxBatchBytes {
		if err := p.send(); err != nil {
			return err
		}
	}
	p.batch = append(p.batch, msgs...)
	p.bytes += size
	return nil
}

func (p *publisher) send() error {
	if len(p.batch) == 0 {
		return nil
	}
	select {
	case p.queue <- work{batch: p.batch}:
		p.batch, p.bytes = make([]*nats.Msg, 0, maxBatch), 0
		return nil
	case <-p.done:
		return p.err
	}
}

// flush returns when everything added so far is stored.
func (p *publisher) flush() error {
	if err := p.send(); err != nil {
		return err
	}
	w := work{stored: make(chan struct{})}
	select {
	case p.queue <- w:
	case <-p.done:
		return p.err
	}
	select {
	case <-w.stored:
		return nil
	case <-p.done:
		return p.err
	}
}

// close sends what is left and returns when everything is stored, or the first error.
// After an error nothing more was sent.
func (p *publisher) close() error {
	defer p.cancel()
	err := p.send()
	close(p.queue)
	<-p.done
	return errors.Join(err, p.err)
}

// abort drops what is not sent yet.
func (p *publisher) abort() {
	p.cancel()
	close(p.queue)
	<-p.done
}

func (p *publisher) run() {
	defer close(p.done)
	for w := range p.queue {
		if w.stored != nil {
			close(w.stored)
			continue
		}
		began := time.Now()
		if p.err = p.store(w.batch); p.err != nil {
			p.cancel()
			return
		}
		publishSeconds.Observe(time.Since(began).Seconds())
		publishedRecords.Add(float64(len(w.batch)))
	}
}

// store commits one batch. An outcome that is in doubt, because the answer was lost or an
// id was seen before, is settled by reading the batch's last message back. Until a read
// has said that the batch is not there, it is not sent again: the server knows an id for
// the duplicate window only, and would take the batch a second time after it.
func (p *publisher) store(batch []*nats.Msg) error {
	deadline := time.Now().Add(p.giveUp)
	var err, readErr error
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		if readErr == nil {
			if err = p.commit(batch); err == nil {
				return nil
			}
		}
		if p.ctx.Err() != nil {
			return context.Cause(p.ctx)
		}
		var elsewhere *otherStreamError
		if errors.As(err, &elsewhere) {
			return err
		}
		var stored bool
		if stored, readErr = p.stored(batch); stored {
			return nil
		}
		var api *jetstream.APIError
		if errors.As(err, &api) && api.ErrorCode == errDuplicateID && readErr == nil {
			return fmt.Errorf("publish batch of %d: it holds a message id that was published before, and is not stored: %w", len(batch), err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("publish batch of %d to stream %s: no success within %s: %w", len(batch), schemas.StreamM365.Name, p.giveUp, errors.Join(err, readErr))
		}
		p.log.Warn().Err(err).AnErr("read", readErr).Int("records", len(batch)).Dur("wait", wait).Msg("batch not stored, trying again")
		select {
		case <-time.After(wait):
		case <-p.ctx.Done():
			return context.Cause(p.ctx)
		}
	}
}

// commit sends a batch once. A run whose lease may have expired sends nothing: it may have
// been stopped for a while, and another may have the tenant by now.
func (p *publisher) commit(batch []*nats.Msg) error {
	if err := lease.Check(p.ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, 15*time.Second)
	defer cancel()
	ack, err := jetstreamext.PublishMsgBatch(ctx, p.js, batch, jetstreamext.BatchFlowControl{AckFirst: false})
	if err == nil && ack.Stream != schemas.StreamM365.Name {
		return &otherStreamError{ack.Stream}
	}
	return err
}

// otherStreamError says that another stream has taken what belongs to ours.
type otherStreamError struct{ stream string }

func (e *otherStreamError) Error() string {
	return fmt.Sprintf("publish batch: stored in stream %s, not in %s: subjects m365.> belong to another stream", e.stream, schemas.StreamM365.Name)
}

// stored reports whether the batch's last message is in the stream. A batch is atomic:
// where its last message is, all are. The stream's leader is asked, for a replica that
// answers a direct get may not have the batch yet.
func (p *publisher) stored(batch []*nats.Msg) (bool, error) {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	leader, err := p.js.Conn().JetStream()
	if err != nil {
		return false, err
	}
	last := batch[len(batch)-1]
	msg, err := leader.GetLastMsg(schemas.StreamM365.Name, last.Subject, nats.Context(ctx))
	if errors.Is(err, nats.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s back from stream %s: %w", last.Subject, schemas.StreamM365.Name, err)
	}
	return msg.Header.Get(schemas.HeaderID) == last.Header.Get(schemas.HeaderID), nil
}
