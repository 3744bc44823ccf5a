package consumer

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/seatstream/seatstream/schemas"
)

// batch is a stretch of the stream, decoded, one set of rows a table. Once it is closed
// it is never changed: it is inserted, and inserted again, as it stands.
type batch struct {
	first, last uint64 // stream sequences of the first and last message
	bytes       int
	tables      map[schemas.Kind]*tableBatch
	ack         func() error // acknowledges everything up to last
	dead        int
}

// tableBatch is what a batch brings to one table.
type tableBatch struct {
	rows
	first, last uint64
	digest      *xxhash.Digest
}

func newBatch() *batch { return &batch{tables: map[schemas.Kind]*tableBatch{}} }

// add decodes a record into its table. On error the batch is unchanged.
func (b *batch) add(env *schemas.Envelope, seq uint64, body []byte) error {
	t := b.tables[env.Subject.Kind]
	if t == nil {
		r, err := newRows(env.Subject.Kind)
		if err != nil {
			return err
		}
		t = &tableBatch{rows: r, digest: xxhash.New()}
	}
	if err := t.add(env, seq, body); err != nil {
		return err
	}
	b.tables[env.Subject.Kind] = t
	if t.first == 0 {
		t.first = seq
	}
	t.last = seq
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], seq)
	_, _ = t.digest.Write(n[:]) // a digest never fails
	_, _ = t.digest.WriteString(env.ID)
	_, _ = t.digest.Write(body)
	return nil
}

// span counts a message of the stretch, whether or not it became a row.
func (b *batch) span(seq uint64, size int) {
	if b.first == 0 {
		b.first = seq
	}
	b.last = seq
	b.bytes += size
}

func (b *batch) empty() bool { return b.first == 0 }

func (b *batch) rows() int {
	n := 0
	for _, t := range b.tables {
		n += t.size()
	}
	return n
}

// token names the rows of one table in one batch: the same rows have the same token, and
// rows that differ in anything have another. A token of less has lost rows: one made of
// the first sequence only swallows a redelivered batch that has grown.
func (t *tableBatch) token(stream string) string {
	return fmt.Sprintf("%s:%s:%d-%d:%d:%016x", stream, t.table(), t.first, t.last, t.size(), t.digest.Sum64())
}
