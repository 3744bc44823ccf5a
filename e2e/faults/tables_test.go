//go:build linux

package faults

import (
	"context"
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// histories names, per kind that the load publishes, the column with the entity.
var histories = map[schemas.Kind]string{
	schemas.KindOrganization: "tenant_id", schemas.KindSKU: "sku_id", schemas.KindUser: "user_id", schemas.KindRun: "feed",
}

// count compares the tables with what was acknowledged, record by record, and asks the
// shipped queries for anything that shows more than once.
func count(t testing.TB, db driver.Conn, tenants []*tenant, o *Outcome) {
	t.Helper()
	there := map[string]bool{}
	for kind, column := range histories {
		var rows uint64
		var ids []string
		sql := fmt.Sprintf("SELECT count(), groupUniqArray(concat(toString(tenant_id), '/%s/', toString(%s), '/', run_id)) FROM m365.%s_changes", kind, column, kind)
		if err := db.QueryRow(t.Context(), sql).Scan(&rows, &ids); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		o.DupRaw += int64(rows) - int64(len(ids))
		for _, id := range ids {
			there[id] = true
		}
	}
	for _, n := range tenants {
		o.Acked += int64(len(n.acked))
		for id := range n.acked {
			if there[id] {
				o.Present++
			}
		}
		o.DupQuery += double(t, db, n)
	}
	o.Lost = o.Acked - o.Present
}

// inStream counts the records of the stream by their id.
func inStream(t testing.TB, js jetstream.JetStream) map[string]int {
	t.Helper()
	ids := map[string]int{}
	eachRecord(t, js, func(m jetstream.Msg) { ids[m.Headers().Get(schemas.HeaderID)]++ })
	return ids
}

// eachRecord reads the stream, headers only, from its first record to its last. Where a
// change of leaders breaks into it, it begins again.
func eachRecord(t testing.TB, js jetstream.JetStream, f func(jetstream.Msg)) {
	t.Helper()
	var msgs []jetstream.Msg
	until(t, "the stream can be read", func() (err error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience/4)
		defer cancel()
		msgs, err = records(ctx, js)
		return err
	})
	for _, m := range msgs {
		f(m)
	}
}

func records(ctx context.Context, js jetstream.JetStream) (list []jetstream.Msg, err error) {
	cons, err := js.OrderedConsumer(ctx, schemas.StreamM365.Name, jetstream.OrderedConsumerConfig{HeadersOnly: true})
	if err != nil {
		return nil, err
	}
	info, err := cons.Info(ctx)
	if err != nil || info.NumPending == 0 {
		return nil, err
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(2000))
	if err != nil {
		return nil, err
	}
	defer it.Stop()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return nil, err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return nil, err
		}
		if list = append(list, msg); meta.NumPending == 0 {
			return list, nil
		}
	}
}

// double is what the shipped queries show of a tenant beyond once.
func double(t testing.TB, db driver.Conn, n *tenant) int64 {
	t.Helper()
	var sum int64
	for _, sql := range []string{
		"SELECT toInt64(count()) - toInt64(uniqExact(tenant_id, user_id, sku_id)) FROM m365.licence_holders(tenant = '%[1]s', as_of = '', sku = '')",
		"SELECT toInt64(count()) - toInt64(uniqExact(tenant_id, run_id, feed)) FROM m365.runs(tenant = '%[1]s', feed = '')",
		"SELECT toInt64(count()) - toInt64(uniqExact(tenant_id, sku_id)) FROM m365.licence_position(tenant = '%[1]s', as_of = '', days = 90, grace = 30)",
		// A user whose record was published and refused may be there or not.
		"SELECT greatest(0, toInt64(sum(holders)) - %[2]d) FROM m365.licence_position(tenant = '%[1]s', as_of = '', days = 90, grace = 30)",
	} {
		var beyond int64
		sql = fmt.Sprintf(sql, n.id, len(n.users))
		if err := db.QueryRow(t.Context(), sql).Scan(&beyond); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		sum += beyond
	}
	return sum
}
