//go:build linux

package faults

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// TestP1 publishes at the server's limits and one beyond: a payload and a batch. The
// producer keeps 256 bytes of a message for the headers of a batch.
func TestP1(t *testing.T) {
	t.Parallel()
	const tenant = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	eachSeed(t, 1, 1, func(t *testing.T, seed uint64, _ *rand.Rand) {
		n := startCluster(t, layout{size: 1}).open()
		o := Outcome{Fault: "P1 payload at the limit and one byte more (refused), batches of 1,000 and 1,001 records", Seed: seed}
		number := 0
		user := func(padding int) schemas.Record {
			number++
			id := fmt.Sprintf("00000000-0000-4000-8000-%012x", number)
			return schemas.Record{
				Subject: schemas.Subject{Tenant: tenant, Kind: schemas.KindUser, Entity: id}, Op: schemas.Upsert, Run: "20260314T060000Z-00000001",
				Body: fmt.Appendf(nil, `{"id":%q,"department":%q}`, id, bytes.Repeat([]byte("x"), padding)),
			}
		}
		publish := func(records ...schemas.Record) error {
			err := producer.Publish(t.Context(), n.JS, teststack.Log(t), records...)
			if err == nil {
				o.Acked += int64(len(records))
			}
			return err
		}
		// The largest body that is taken: found by halving, so that both sides of the edge are tried.
		fits, over := 0, int(n.Conn.MaxPayload())
		for over-fits > 1 {
			middle := (fits + over) / 2
			if err := publish(user(middle)); err == nil {
				fits = middle
			} else if over = middle; !strings.Contains(err.Error(), "max_payload") {
				t.Fatal(err)
			}
		}
		if room := int(n.Conn.MaxPayload()) - fits; room > 1500 {
			t.Errorf("%d bytes below the server's limit are refused", room)
		}
		for _, size := range []int{1000, 1001} {
			var records []schemas.Record
			for range size {
				records = append(records, user(10))
			}
			if err := publish(records...); err != nil {
				t.Errorf("%d records: %v", size, err)
			}
		}
		for _, times := range inStream(t, n.JS) {
			o.Present++
			o.DupRaw += int64(times - 1)
		}
		o.Lost = o.Acked - o.Present
		o.Report(t)
	})
}
