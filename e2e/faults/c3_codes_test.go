//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/teststack"
)

var errNotYet = errors.New("not yet")

// refusing is a state of ClickHouse in which it takes no insert. It is brought about on the
// server, or by what the consumer's connection asks for.
type refusing struct {
	fault string
	says  string // begins the consumer's health
	begin string // statements, separated by ;
	end   string
	dsn   string // added to the address of the consumer
	user  string // in its place
}

var refusals = []refusing{
	{fault: "C3 too many parts (252)", says: "transient: ", dsn: "",
		begin: "SYSTEM STOP MERGES m365.users;" + strings.Repeat("INSERT INTO m365.users (tenant_id, user_id, stream_seq) VALUES (generateUUIDv4(), generateUUIDv4(), 1);", 3) +
			"ALTER TABLE m365.users MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1",
		end: "ALTER TABLE m365.users RESET SETTING parts_to_throw_insert, parts_to_delay_insert;SYSTEM START MERGES m365.users"},
	{fault: "C3 memory limit (241)", says: "transient: ", dsn: "?max_memory_usage=4000"},
	{fault: "C3 no time (159)", says: "transient: ", dsn: "?max_execution_time=1",
		begin: "CREATE MATERIALIZED VIEW m365.slow ENGINE = Null AS SELECT sleepEachRow(0.0025) FROM m365.user_changes", end: "DROP TABLE m365.slow"},
	{fault: "C3 replica without its keeper (242)", says: "transient: ", dsn: "?allow_custom_error_code_in_throwif=1", // what a replica would say
		begin: "ALTER TABLE m365.user_changes ADD CONSTRAINT keeper CHECK throwIf(1, 'Table is in readonly mode', toInt16(242)) = 0",
		end:   "ALTER TABLE m365.user_changes DROP CONSTRAINT keeper"},
	{fault: "C3 table read only (774)", says: "operator: ", begin: "ALTER TABLE m365.user_changes MODIFY SETTING table_readonly = 1",
		end: "ALTER TABLE m365.user_changes RESET SETTING table_readonly"},
	{fault: "C3 read only (164)", says: "operator: ", dsn: "?readonly=1"},
	{fault: "C3 table gone (60)", says: "operator: ", begin: "RENAME TABLE m365.user_changes TO m365.hidden", end: "RENAME TABLE m365.hidden TO m365.user_changes"},
	{fault: "C3 password wrong (516)", says: "operator: ", user: "default:wrong"},
}

// TestC3 brings about every state in which the server refuses inserts. No record is to
// blame for any, so none is set aside, and all are stored when it is over.
func TestC3(t *testing.T) {
	t.Parallel()
	n0 := 20_000
	for _, f := range refusals {
		t.Run(f.fault, func(t *testing.T) {
			t.Parallel()
			n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
			statements := func(s string) {
				for one := range strings.SplitSeq(s, ";") {
					if one != "" {
						run(t, tables.Conn, one)
					}
				}
			}
			keepRows(t, tables.Conn)
			b := newBulk(seed, 2000)
			b.publish(t, n.JS, 0, n0/2)
			statements(f.begin)
			address := tables.DSN() + f.dsn
			db, err := connect.ClickHouse(t.Context(), tables.DSN())
			if f.dsn != "" || f.user != "" {
				if f.user != "" {
					address = strings.Replace(address, "://", "://"+f.user+"@", 1)
				}
				db, err = openUnasked(address)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			c, stop := n.Consume(t, consumer.Config{Grid: 1000, Linger: 50 * time.Millisecond}, db)
			code := f.fault[strings.Index(f.fault, "(")+1 : len(f.fault)-1]
			until(t, "the server refuses", func() error {
				if err := c.Healthy(); err == nil || !strings.HasPrefix(err.Error(), f.says) || !strings.Contains(err.Error(), "code: "+code) {
					return fmt.Errorf("health: %w", errors.Join(err, errNotYet))
				}
				return nil
			})
			b.publish(t, n.JS, n0/2, n0)
			statements(f.end)
			ended := time.Now()
			if f.dsn != "" || f.user != "" {
				stop()
				n.Consume(t, consumer.Config{Grid: 1000, Linger: 50 * time.Millisecond}, tables.Conn)
			}
			drained(t, n.JS)
			o := b.count(t, tables.Conn, f.fault, seed, n0)
			o.Recovery, o.Dead = time.Since(ended), dead(t, n.JS)
			if o.Dead != 0 {
				t.Errorf("%d healthy records were set aside", o.Dead)
			}
			strict(t, o)
		})
	}
}

// TestC3Stall stops the engine for a while, and resets connections amid a block.
func TestC3Stall(t *testing.T) {
	t.Parallel()
	n, tables, seed := teststack.StartNATS(t), teststack.StartClickHouse(t), rand.Uint64N(1_000_000)
	keepRows(t, tables.Conn)
	p := startGate(t, hostOf(t, tables.DSN()))
	db, err := connect.ClickHouse(t.Context(), p.before(t, tables.DSN()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b, stall := newBulk(seed, 2000), 3*time.Second
	if full() {
		stall = time.Minute
	}
	b.publish(t, n.JS, 0, 10_000)
	var steps inserts
	cuts := 0
	p.watch(func(up bool, chunk []byte) bool { // each third chunk of a block is the last
		if steps.step(up, chunk) == "sent" && cuts < 20 {
			cuts++
			return cuts%3 != 0
		}
		return true
	})
	n.Consume(t, consumer.Config{Grid: 1000, Linger: 50 * time.Millisecond}, db)
	until(t, "inserts are under way", func() error {
		if floor, _, err := stand(t.Context(), n.JS); err != nil || floor == 0 {
			return errNotYet
		}
		return nil
	})
	if err := syscall.Kill(tables.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.publish(t, n.JS, 10_000, 30_000)
	<-time.After(stall) // the length of the stall is the fault
	if err := syscall.Kill(tables.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	drained(t, n.JS)
	o := b.count(t, tables.Conn, "C3 engine stopped for a while, connections reset inside blocks", seed, 30_000)
	o.Recovery, o.Dead = time.Since(ended), dead(t, n.JS)
	strict(t, o)
}

// TestC3Disk fills the disk of the tables.
func TestC3Disk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small disk")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	n, tables, seed := teststack.StartNATS(t), startTablesAt(t, dir), rand.Uint64N(1_000_000)
	b := newBulk(seed, 2000)
	b.publish(t, n.JS, 0, 10_000)
	c, _ := n.Consume(t, consumer.Config{Grid: 1000, Linger: 50 * time.Millisecond}, tables.Conn)
	drained(t, n.JS)
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(chunk)
	}
	_ = f.Close() // it is full, as it should be
	b.publish(t, n.JS, 10_000, 20_000)
	until(t, "unhealthy", func() error {
		if c.Healthy() == nil {
			return errNotYet
		}
		return nil
	})
	t.Logf("health: %v", c.Healthy())
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	drained(t, n.JS)
	o := b.count(t, tables.Conn, "C3 disk of the tables full (243)", seed, 20_000)
	o.Recovery, o.Dead = time.Since(ended), dead(t, n.JS)
	if o.Dead != 0 {
		t.Errorf("%d healthy records were set aside", o.Dead)
	}
	o.Report(t)
}

// openUnasked opens a connection without asking whether the server takes it.
func openUnasked(dsn string) (driver.Conn, error) {
	opts, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return clickhouse.Open(opts)
}

// startTablesAt starts an engine with the product's tables in a folder.
func startTablesAt(t testing.TB, dir string) *teststack.ClickHouse {
	t.Helper()
	engine, err := embedded.NewEngine(embedded.EngineConfig{Dir: dir, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := engine.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	teststack.Migrate(t, engine.DSN())
	db, err := connect.ClickHouse(t.Context(), engine.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &teststack.ClickHouse{Engine: engine, Conn: db}
}
