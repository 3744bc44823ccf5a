package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
)

// faultyDB is a connection whose inserts can be made to fail: send gets the table and what
// really inserts.
type faultyDB struct {
	driver.Conn
	send func(table string, insert func() error) error
}

type faultyBatch struct {
	driver.Batch
	db    *faultyDB
	table string
}

func (d *faultyDB) PrepareBatch(ctx context.Context, query string, opts ...driver.PrepareBatchOption) (driver.Batch, error) {
	b, err := d.Conn.PrepareBatch(ctx, query, opts...)
	if err != nil {
		return nil, err
	}
	table := strings.TrimPrefix(strings.Fields(query)[2], "m365.")
	return &faultyBatch{Batch: b, db: d, table: table}, nil
}

func (b *faultyBatch) Send() error { return b.db.send(b.table, b.Batch.Send) }

var errLost = errors.New("read: connection reset by peer")

func TestLostRepliesStoreNothingTwice(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	var sends atomic.Int64
	db := &faultyDB{Conn: ch.Conn, send: func(_ string, insert func() error) error {
		if err := insert(); err != nil {
			return err
		}
		if sends.Add(1)%2 == 1 {
			return errLost // committed, and the reply never came
		}
		return nil
	}}
	publishUsers(t, n.JS, 0, 2500, "r1")
	c, _ := consume(t, n, db, consumer.Config{Linger: 20 * time.Millisecond, Grid: 1000})
	teststack.Drain(t, c)
	if sends.Load() < 6 {
		t.Errorf("%d inserts: the fault did not come about", sends.Load())
	}
	expect(t, ch.Conn, "raw", users(2500))
}

// TestCrashAfterCommitRepeatsTheCut: a consumer dies between commit and acknowledgement.
// What it read comes again, more has come meanwhile, and the batches must still end where
// they ended, or their tokens do not protect them.
func TestCrashAfterCommitRepeatsTheCut(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	published := 0
	more := func(by int) {
		publishUsers(t, n.JS, published, published+by, "r1")
		published += by
	}
	more(700)
	for crash := range 4 {
		died := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		db := &faultyDB{Conn: ch.Conn, send: func(_ string, insert func() error) error {
			err := insert()
			if err == nil {
				cancel()
				err = errLost
			}
			return err
		}}
		c := consumer.New(quick, consumer.Deps{JS: n.JS, DB: db, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: teststack.Log(t)})
		go func() {
			defer close(died)
			if err := c.Run(ctx); err != nil {
				t.Errorf("consumer: %v", err)
			}
		}()
		<-died
		cancel()
		if lag, err := c.Lag(t.Context()); err != nil || lag != uint64(published) {
			t.Fatalf("crash %d: %d of %d not acknowledged, %v: an insert without its reply was acknowledged", crash, lag, published, err)
		}
		more(300) // the batch would grow now
	}
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	expect(t, ch.Conn, "raw", users(published))
}

func TestCutIsRecordedBeforeTheInsert(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	publishUsers(t, n.JS, 0, 10, "r1")
	recorded := make(chan string, 1)
	db := &faultyDB{Conn: ch.Conn, send: func(_ string, insert func() error) error {
		e, err := n.Stores.Cursors.Get(context.Background(), "cut.M365.clickhouse")
		if err != nil {
			recorded <- err.Error()
		} else {
			recorded <- string(e.Value())
		}
		return insert()
	}}
	c, stop := consume(t, n, db, quick)
	teststack.Drain(t, c)
	stop()
	var cuts []struct{ First, Last uint64 }
	if err := json.Unmarshal([]byte(<-recorded), &cuts); err != nil || len(cuts) != 1 || cuts[0].First != 1 || cuts[0].Last == 0 {
		t.Errorf("cuts before the first insert: %v, %v", cuts, err)
	}
}

func TestBatchesEndOnTheGrid(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	publishUsers(t, n.JS, 0, 1030, "r1")
	c, _ := consume(t, n, ch.Conn, consumer.Config{Linger: 5 * time.Second, Grid: 100})
	teststack.Until(t, "all full batches", func() bool {
		lag, err := c.Lag(t.Context())
		return err == nil && lag <= 30
	})
	// With merges stopped a part is a batch.
	expect(t, ch.Conn, "parts", map[string]string{
		"SELECT arraySort(groupUniqArray((a, b, n))) FROM (SELECT min(stream_seq) AS a, max(stream_seq) AS b, count() AS n FROM m365.user_changes WHERE stream_seq <= 1000 GROUP BY _part)": "[(1,100,100),(101,200,100),(201,300,100),(301,400,100),(401,500,100),(501,600,100),(601,700,100),(701,800,100),(801,900,100),(901,1000,100)]",
	})
	teststack.Drain(t, c) // the rest, by time
	expect(t, ch.Conn, "all", users(1030))
}

func TestEvidenceIsNotVisibleBeforeItsRecords(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	const missing = "SELECT count() FROM m365.run_changes WHERE run_id NOT IN (SELECT run_id FROM m365.user_changes)"
	db := &faultyDB{Conn: ch.Conn, send: func(table string, insert func() error) error {
		err := insert()
		if table == "run_changes" {
			if got := ask(t, ch.Conn, missing); got != "0" {
				t.Errorf("%s runs are evident whose users are not stored", got)
			}
		}
		return err
	}}
	for run := range 5 {
		id := fmt.Sprintf("r%d", run)
		publish(t, n.JS, userMsg(run, id), runMsg("users", id), runMsg("all", id))
	}
	c, _ := consume(t, n, db, quick)
	teststack.Drain(t, c)
	// The table of users is gone for a while: somebody must mend it, and until then the
	// evidence must wait as well.
	exec(t, ch.Conn, "DETACH TABLE m365.user_changes")
	publish(t, n.JS, userMsg(9, "r9"), runMsg("users", "r9"))
	teststack.Until(t, "unhealthy", func() bool { return c.Healthy() != nil })
	if err := c.Healthy(); !strings.HasPrefix(err.Error(), "operator: ") {
		t.Errorf("health %v: a missing table is the operator's to mend", err)
	}
	expect(t, ch.Conn, "meanwhile", map[string]string{"SELECT count() FROM m365.run_changes WHERE run_id = 'r9'": "0"})
	exec(t, ch.Conn, "ATTACH TABLE m365.user_changes")
	teststack.Drain(t, c)
	if err := c.Healthy(); err != nil {
		t.Errorf("health afterwards: %v", err)
	}
	expect(t, ch.Conn, "afterwards", map[string]string{
		"SELECT count() FROM m365.run_changes WHERE run_id = 'r9'": "1", "SELECT count() FROM m365.user_changes": "6",
	})
	if dead := deadLetters(t, n.JS); len(dead) != 0 {
		t.Errorf("%d healthy records were set aside", len(dead))
	}
}
