package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

const tenant = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"

// person n of the workload has thirteen members.
func body(n int) []byte {
	id := uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n)).String()
	return fmt.Appendf(nil, `{"id":%q,"userPrincipalName":"person%08d@tenant.onmicrosoft.com","displayName":"Person %08d of the workload of bench people","mail":"person%08d@tenant.example.com",`+
		`"accountEnabled":true,"userType":"Member","usageLocation":"DE","department":"Department %02d","companyName":"Company %d","country":"Germany","jobTitle":"Title %02d",`+
		`"assignedLicenses":[{"skuId":"05e9a617-0261-4cee-bb44-138d3ef5d965","disabledPlans":["a23b959c-7ce8-4e57-9140-b90eb88a9e97"]}],`+
		`"licenseAssignmentStates":[{"skuId":"05e9a617-0261-4cee-bb44-138d3ef5d965","state":"Active","error":"None","lastUpdatedDateTime":"2026-01-02T03:04:05Z"}]}`,
		id, n, n, n, n%20, n%3, n%30)
}

func message(n int, run string) *nats.Msg {
	b := body(n)
	r := schemas.Record{
		Subject: schemas.Subject{Tenant: tenant, Kind: schemas.KindUser, Entity: string(b[7 : 7+36])},
		Op:      schemas.Upsert, Run: run, Time: time.Now(), Hash: schemas.FormatHash(schemas.StateHash(b)), Body: b,
	}
	return &nats.Msg{Subject: r.Subject.String(), Header: r.Headers(), Data: b}
}

// stream connects and makes the streams that are missing.
func stream(ctx context.Context, url string) (*nats.Conn, jetstream.JetStream, error) {
	nc, err := connect.NATS(connect.NATSConfig{URL: url}, "bench")
	if err != nil {
		return nil, nil, err
	}
	js, err := connect.JetStream(ctx, nc, 1, 0)
	if err != nil {
		nc.Close()
	}
	return nc, js, err
}

// publish sends the records as a run does, in atomic batches, one after the other. They are
// made beforehand.
func publish(ctx context.Context, t task) (said, error) {
	nc, js, err := stream(ctx, t.NATS)
	if err != nil {
		return said{}, err
	}
	defer nc.Close()
	const size = 1000
	run := schemas.NewRunID(time.Now())
	msgs := make([]*nats.Msg, t.Records)
	for n := range msgs {
		msgs[n] = message(n, run)
	}
	return timed(func() error {
		for len(msgs) > 0 {
			n := min(size, len(msgs))
			if _, err := jetstreamext.PublishMsgBatch(ctx, js, msgs[:n], jetstreamext.BatchFlowControl{AckFirst: false}); err != nil {
				return fmt.Errorf("publish batch: %w", err)
			}
			msgs = msgs[n:]
		}
		return nil
	})
}

// consume runs the product's consumer until everything is stored, or until the input ends.
func consume(ctx context.Context, t task) (said, error) {
	nc, js, err := stream(ctx, t.NATS)
	if err != nil {
		return said{}, err
	}
	defer nc.Close()
	stores, err := producer.OpenStores(ctx, js, 1)
	if err != nil {
		return said{}, err
	}
	db, err := connect.ClickHouse(ctx, t.ClickHouse)
	if err != nil {
		return said{}, err
	}
	defer func() { _ = db.Close() }() // it only asked
	c := consumer.New(consumer.Config{}, consumer.Deps{JS: js, DB: db, Leases: stores.Leases, Cursors: stores.Cursors, Log: zerolog.Nop()})
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	out, err := timed(func() error {
		go func() { done <- c.Run(running) }()
		if t.Stay {
			<-ctx.Done()
			return nil
		}
		return until(ctx, func() (bool, error) { return acknowledged(ctx, js, schemas.ConsumerName, t.Records) })
	})
	stop()
	return out, errors.Join(err, <-done)
}

// acknowledged reports whether a consumer has acknowledged so many messages. The stream may
// have fewer as yet.
func acknowledged(ctx context.Context, js jetstream.JetStream, durable string, records int) (bool, error) {
	c, err := js.Consumer(ctx, schemas.StreamM365.Name, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read consumer: %w", err)
	}
	return c.CachedInfo().AckFloor.Stream >= uint64(records), nil
}

const bareTable = `CREATE TABLE IF NOT EXISTS default.bare (id UUID, seq UInt64, at DateTime64(3, 'UTC'), upn String, display_name String, mail String,
	enabled Bool, user_type LowCardinality(String), location LowCardinality(String), department LowCardinality(String), company LowCardinality(String),
	country LowCardinality(String), title LowCardinality(String)) ENGINE = ReplacingMergeTree(seq) ORDER BY id`

// flat is a record as the bare loop reads it.
type flat struct {
	ID, UserPrincipalName, DisplayName, Mail                            string
	AccountEnabled                                                      bool
	UserType, UsageLocation, Department, CompanyName, Country, JobTitle string
}

// columns are those of default.bare.
type columns struct {
	id                                                                  []uuid.UUID
	seq                                                                 []uint64
	at                                                                  []time.Time
	upn, name, mail, typ, location, department, company, country, title []string
	enabled                                                             []bool
}

func (c *columns) add(m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	var f flat
	if err := json.Unmarshal(m.Data(), &f); err != nil {
		return fmt.Errorf("read record: %w", err)
	}
	id, err := uuid.Parse(f.ID)
	if err != nil {
		return fmt.Errorf("read record: %w", err)
	}
	c.id, c.seq, c.at = append(c.id, id), append(c.seq, meta.Sequence.Stream), append(c.at, meta.Timestamp)
	c.upn, c.name, c.mail, c.enabled = append(c.upn, f.UserPrincipalName), append(c.name, f.DisplayName), append(c.mail, f.Mail), append(c.enabled, f.AccountEnabled)
	c.typ, c.location, c.department = append(c.typ, f.UserType), append(c.location, f.UsageLocation), append(c.department, f.Department)
	c.company, c.country, c.title = append(c.company, f.CompanyName), append(c.country, f.Country), append(c.title, f.JobTitle)
	return nil
}

func (c *columns) insert(ctx context.Context, db driver.Conn) error {
	b, err := db.PrepareBatch(ctx, "INSERT INTO default.bare")
	if err != nil {
		return fmt.Errorf("prepare insert: %w", err)
	}
	for i, values := range []any{c.id, c.seq, c.at, c.upn, c.name, c.mail, c.enabled, c.typ, c.location, c.department, c.company, c.country, c.title} {
		if err := b.Column(i).Append(values); err != nil {
			return fmt.Errorf("add column: %w", err)
		}
	}
	if err := b.Send(); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	*c = columns{}
	return nil
}

// bare is the least that moves the records: it decodes twelve members, checks nothing, and
// would lose and repeat records where anything breaks.
func bare(ctx context.Context, t task) (said, error) {
	nc, js, err := stream(ctx, t.NATS)
	if err != nil {
		return said{}, err
	}
	defer nc.Close()
	db, err := connect.ClickHouse(ctx, t.ClickHouse)
	if err != nil {
		return said{}, err
	}
	defer func() { _ = db.Close() }() // it only asked
	return timed(func() error {
		cons, err := js.CreateConsumer(ctx, schemas.StreamM365.Name, jetstream.ConsumerConfig{Durable: "bare", AckPolicy: jetstream.AckAllPolicy, MaxAckPending: -1})
		if err != nil {
			return fmt.Errorf("create consumer: %w", err)
		}
		const fetch, block = 5000, 20_000 // a block is as large as the product's
		var c columns
		for read := 0; read < t.Records; {
			batch, err := cons.Fetch(min(fetch, t.Records-read))
			if err != nil {
				return fmt.Errorf("fetch: %w", err)
			}
			var last jetstream.Msg
			for m := range batch.Messages() {
				if err := c.add(m); err != nil {
					return err
				}
				last = m
				read++
			}
			if batch.Error() != nil {
				return fmt.Errorf("fetch: %w", batch.Error())
			}
			if len(c.id) >= block || read == t.Records {
				if err := c.insert(ctx, db); err != nil {
					return err
				}
				if err := last.DoubleAck(ctx); err != nil {
					return fmt.Errorf("acknowledge: %w", err)
				}
			}
		}
		return nil
	})
}
