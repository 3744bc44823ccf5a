//go:build linux

package faults

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// bulk is a load whose records are told by their number: each is a user of a tenant in a
// run, once. It publishes through the producer's own publisher.
type bulk struct {
	tenant *tenant
	people int
}

func newBulk(seed uint64, people int) *bulk {
	b := &bulk{people: people, tenant: &tenant{id: fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(seed), seed&0xffff), users: map[string]bool{}}}
	for i := range people {
		b.tenant.users[fmt.Sprint(i)] = true
	}
	return b
}

// records are those with the numbers from to to-1.
func (b *bulk) records(from, to int) []schemas.Record {
	enc := schemas.NewEncoder()
	list := make([]schemas.Record, 0, to-from)
	for i := from; i < to; i++ {
		u := &schemas.User{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012x", i%b.people), UserPrincipalName: fmt.Sprintf("u%d@%s.example", i%b.people, b.tenant.id[:8]),
			DisplayName: fmt.Sprintf("Person %d with a name of usual length", i), AssignedLicenses: []schemas.AssignedLicense{{SKUID: skuE3}},
		}
		u.Normalize()
		body, err := enc.Encode(u)
		if err != nil {
			panic(err)
		}
		list = append(list, schemas.Record{
			Subject: schemas.Subject{Tenant: b.tenant.id, Kind: schemas.KindUser, Entity: u.ID}, Op: schemas.Upsert, Run: fmt.Sprintf("20260314T060000Z-%08x", i/b.people),
			Time: time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC), Hash: schemas.FormatHash(schemas.StateHash(body)), Body: append([]byte(nil), body...),
		})
	}
	return list
}

// publish returns when all records with these numbers are acknowledged.
func (b *bulk) publish(t testing.TB, js jetstream.JetStream, from, to int) {
	t.Helper()
	for ; from < to; from += 20_000 {
		if err := producer.Publish(t.Context(), js, zerolog.Nop(), b.records(from, min(to, from+20_000))...); err != nil {
			t.Fatal(err)
		}
	}
}

// keepRows keeps the history from being merged, now and after a restart of the engine: a row
// that is inserted twice stays visible.
func keepRows(t testing.TB, db driver.Conn) {
	t.Helper()
	run(t, db, "ALTER TABLE m365.user_changes MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1, parts_to_delay_insert = 100000, parts_to_throw_insert = 100000")
}

func run(t testing.TB, db driver.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := db.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// count compares the history with how many records were acknowledged.
func (b *bulk) count(t testing.TB, db driver.Conn, fault string, seed uint64, acked int) Outcome {
	t.Helper()
	var rows, distinct, current uint64
	if err := db.QueryRow(t.Context(), "SELECT count(), uniqExact(user_id, run_id) FROM m365.user_changes WHERE tenant_id = '"+b.tenant.id+"'").Scan(&rows, &distinct); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(t.Context(), "SELECT count() FROM m365.users FINAL WHERE tenant_id = '"+b.tenant.id+"'").Scan(&current); err != nil {
		t.Fatal(err)
	}
	o := Outcome{Fault: fault, Seed: seed, Acked: int64(acked), Present: int64(distinct), Lost: int64(acked) - int64(distinct), DupRaw: int64(rows) - int64(distinct)}
	o.DupQuery = double(t, db, b.tenant)
	if want := uint64(min(acked, b.people)); current != want {
		t.Errorf("%d current users, want %d", current, want)
	}
	return o
}

// drained waits until everything in the stream is stored. It looks at the server only: the
// consumer may be another process.
func drained(t testing.TB, js jetstream.JetStream) {
	t.Helper()
	var before uint64
	for stuck := 0; ; stuck++ { // patience is for progress, not for all of a large stream
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		floor, last, err := stand(ctx, js)
		cancel()
		switch {
		case err == nil && floor >= last:
			return
		case floor > before:
			before, stuck = floor, 0
		case stuck > int(patience/(50*time.Millisecond)):
			t.Fatalf("stored up to %d of %d, %v", floor, last, err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatalf("stored up to %d of %d, %v", floor, last, err)
		}
	}
}

func stand(ctx context.Context, js jetstream.JetStream) (floor, last uint64, err error) {
	stream, err := js.Stream(ctx, schemas.StreamM365.Name)
	if err != nil {
		return 0, 0, err
	}
	cons, err := stream.Consumer(ctx, schemas.ConsumerName)
	if err != nil {
		return 0, 0, err
	}
	return cons.CachedInfo().AckFloor.Stream, stream.CachedInfo().State.LastSeq, nil
}

// dead is how many dead letters there are.
func dead(t testing.TB, js jetstream.JetStream) int64 {
	t.Helper()
	stream, err := js.Stream(t.Context(), schemas.StreamDLQ.Name)
	if err != nil {
		t.Fatal(err)
	}
	return int64(stream.CachedInfo().State.Msgs)
}
