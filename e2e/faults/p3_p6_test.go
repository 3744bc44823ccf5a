//go:build linux

package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// TestP3 has records in the stream that do not decode, published by somebody else: each is a
// dead letter, and no record beside it is.
func TestP3(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 5, func(t *testing.T, seed uint64, rng *rand.Rand) {
		n, tables := teststack.StartNATS(t), teststack.StartClickHouse(t)
		keepRows(t, tables.Conn)
		b := newBulk(seed, 1000)
		_, stop := n.Consume(t, consumer.Config{Grid: 500, Linger: 50 * time.Millisecond}, tables.Conn)
		strange, records := 0, 0
		for range 30 {
			b.publish(t, n.JS, records, records+200)
			records += 200
			for range rng.IntN(3) {
				strange++
				if _, err := n.JS.PublishMsg(t.Context(), strangeRecord(b, strange, rng.IntN(7))); err != nil {
					t.Fatal(err)
				}
			}
		}
		drained(t, n.JS)
		stop()
		o := b.count(t, tables.Conn, "P3 records that do not decode among those that do", seed, records)
		if o.Dead = dead(t, n.JS); o.Dead != int64(strange) {
			t.Errorf("%d dead letters of %d records that do not decode", o.Dead, strange)
		}
		if v, err := replayOf(n, tables).Verify(t.Context(), consumer.VerifyOptions{}); err != nil || !v.Clean() {
			t.Errorf("verify does not account for the dead letters: %v", err)
		}
		strict(t, o)
	})
}

// strangeRecord is a message that is no record.
func strangeRecord(b *bulk, number, how int) *nats.Msg {
	r := b.records(number, number+1)[0]
	r.Run = fmt.Sprintf("20260314T060000Z-f%07x", number)
	m := &nats.Msg{Subject: r.Subject.String(), Header: r.Headers(), Data: r.Body}
	switch how {
	case 0:
		m.Data = m.Data[:len(m.Data)/2]
	case 1:
		m.Data = nil
	case 2:
		m.Data = []byte("<html>\x00\xff")
	case 3:
		m.Header.Set(schemas.HeaderType, "seatstream.user.v9")
	case 4:
		m.Header.Del(schemas.HeaderOp)
	case 5:
		m.Subject = "m365." + b.tenant.id + ".mailbox." + r.Subject.Entity
	case 6:
		m.Data = []byte(`{"id":"` + r.Subject.Entity + `","assignedLicenses":[{"skuId":"not-a-guid"}]}`)
	}
	return m
}

// TestP6 changes entities and changes them back at once, within the duplicate window, and
// deletes and makes them again: every record is in the history, and the last one is the state.
func TestP6(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 5, func(t *testing.T, seed uint64, rng *rand.Rand) {
		n, tables := teststack.StartNATS(t), teststack.StartClickHouse(t)
		keepRows(t, tables.Conn)
		n.Consume(t, consumer.Config{Grid: 500, Linger: 50 * time.Millisecond}, tables.Conn)
		const people, rounds = 300, 12
		b := newBulk(seed, people)
		gone := map[string]bool{}
		for round := range rounds {
			records := b.records(0, people) // the same bodies each time: only the run differs
			for i := range records {
				r := &records[i]
				r.Run = fmt.Sprintf("20260314T060000Z-%08x", round)
				if gone[r.Subject.Entity] = rng.IntN(3) == 0; gone[r.Subject.Entity] {
					r.Op, r.Body = schemas.Delete, schemas.Tombstone(r.Subject)
				}
			}
			if err := producer.Publish(t.Context(), n.JS, teststack.Log(t), records...); err != nil {
				t.Fatal(err)
			}
		}
		drained(t, n.JS)
		o := Outcome{Fault: "P6 the same values and deletes again and again within the duplicate window", Seed: seed, Acked: people * rounds, Dead: dead(t, n.JS)}
		var rows, distinct, current, wrong uint64
		if err := tables.Conn.QueryRow(t.Context(), "SELECT count(), uniqExact(user_id, run_id) FROM m365.user_changes").Scan(&rows, &distinct); err != nil {
			t.Fatal(err)
		}
		var ids []string
		if err := tables.Conn.QueryRow(t.Context(), "SELECT count(), groupArray(toString(user_id)) FROM m365.users FINAL").Scan(&current, &ids); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if gone[id] {
				wrong++
			}
			delete(gone, id)
		}
		for _, deleted := range gone {
			if !deleted {
				wrong++
			}
		}
		o.Present, o.DupRaw = int64(distinct), int64(rows-distinct)
		o.Lost, o.DupQuery = o.Acked-o.Present, int64(wrong)+double(t, tables.Conn, b.tenant)
		strict(t, o)
	})
}
