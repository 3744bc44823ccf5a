package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/schemas"
)

// Delivery is how much [Delivery.Run] moves from a publisher through a nats-server and the
// consumer into ClickHouse, every part in a process of its own.
type Delivery struct {
	Dir     string // of the servers; must not exist
	Records int    // of each stage
	Rounds  int    // each stage once a round, in turn; the figures are medians
	Log     zerolog.Logger
}

// The stages of a round.
const (
	StagePublish = "publish" // records into the stream in atomic batches of 1,000, nothing else running
	StageConsume = "consume" // the product's consumer, from the stream into its tables
	StageBare    = "bare"    // nats.go fetches, clickhouse-go inserts columns into a table without a view: no checks, no cut, no lease
	StageWhole   = "whole"   // publish and consume at once
)

// ErrCounts says that what arrived is not what was sent.
var ErrCounts = errors.New("the counts are wrong")

// Run measures. The error is about what could not be measured, or is [ErrCounts]; it is
// never about time.
func (d Delivery) Run(ctx context.Context) (*Report, error) {
	if err := os.Mkdir(d.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(d.Dir) }() // what was stored is of no use to anybody
	engine, stop, err := startEngine(ctx, filepath.Join(d.Dir, "clickhouse"), d.Log)
	if err != nil {
		return nil, err
	}
	defer stop()
	db, err := connect.ClickHouse(ctx, engine.DSN())
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }() // it only asked
	if err := db.Exec(ctx, bareTable); err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	r := &Report{Cores: runtime.NumCPU(), Records: d.Records, Rounds: d.Rounds, BodyBytes: len(body(0)), Started: time.Now().UTC(), Load: load(), Server: version(ctx, db)}
	for n := range d.Rounds {
		one := &round{Delivery: d, db: db, engine: engine, dir: filepath.Join(d.Dir, "nats"+strconv.Itoa(n))}
		if err := one.run(ctx, n, r); err != nil {
			return nil, fmt.Errorf("round %d: %w", n+1, err)
		}
	}
	r.summarise()
	return r, nil
}

// round is one round: a nats-server of its own, empty tables.
type round struct {
	Delivery
	db     driver.Conn
	engine *embedded.Engine
	dir    string
	nats   *part
}

func (o *round) run(ctx context.Context, n int, r *Report) error {
	var err error
	if o.nats, err = start(ctx, partNATS, task{Dir: o.dir}); err != nil {
		return err
	}
	defer func() { o.nats.stop() }() // that of the whole by then
	readers := []string{StageConsume, StageBare}
	if n%2 == 1 {
		slices.Reverse(readers)
	}
	for _, stage := range slices.Concat([]string{StagePublish}, readers) {
		if err := o.stage(ctx, stage, r); err != nil {
			return err
		}
	}
	// The whole begins with a stream and tables of its own.
	o.nats.stop()
	if o.nats, err = start(ctx, partNATS, task{Dir: o.dir + "-whole"}); err != nil {
		return err
	}
	if err := o.stage(ctx, StageWhole, r); err != nil {
		return err
	}
	latencies, err := o.latency(ctx)
	r.Latencies = append(r.Latencies, latencies...)
	return err
}

// stage runs one stage and takes its accounts.
func (o *round) stage(ctx context.Context, name string, r *Report) error {
	if name != StagePublish {
		for _, table := range []string{schemas.Database + ".user_changes", schemas.Database + ".users", "default.bare"} {
			if err := o.db.Exec(ctx, "TRUNCATE TABLE "+table); err != nil {
				return fmt.Errorf("empty table: %w", err)
			}
		}
	}
	job := task{NATS: o.nats.said.URL, ClickHouse: o.engine.DSN(), Records: o.Records}
	servers := []account{{part: "nats-server", pid: o.nats.pid()}, {part: "engine", pid: o.engine.PID()}}
	for i := range servers {
		if err := servers[i].open(); err != nil {
			return err
		}
	}
	begun := time.Now()
	parts := map[string][]string{StagePublish: {partPublish}, StageConsume: {partConsume}, StageBare: {partBare}, StageWhole: {partPublish, partConsume}}[name]
	var running []*part
	for _, p := range parts {
		one, err := start(ctx, p, job)
		if err != nil {
			return err
		}
		defer one.stop()
		running = append(running, one)
	}
	m := Measurement{Stage: name, CoreSeconds: map[string]float64{}, PeakMB: map[string]float64{}}
	for i, p := range running {
		said, err := p.wait()
		if err != nil {
			return fmt.Errorf("%s: %w", parts[i], err)
		}
		m.CoreSeconds[parts[i]], m.PeakMB[parts[i]] = said.CoreSeconds, said.PeakMB
		m.Seconds = max(m.Seconds, said.Seconds)
	}
	if len(running) > 1 {
		m.Seconds = time.Since(begun).Seconds()
	}
	if err := o.settle(ctx); err != nil {
		return err
	}
	for _, s := range servers {
		used, peak, err := s.close()
		if err != nil {
			return err
		}
		m.CoreSeconds[s.part], m.PeakMB[s.part] = used, peak
	}
	r.Measured = append(r.Measured, m)
	return o.count(ctx, name)
}

// settle waits until the engine has merged what the stage left behind: that belongs to it.
func (o *round) settle(ctx context.Context) error {
	return until(ctx, func() (bool, error) {
		var merges uint64
		err := o.db.QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&merges)
		return merges == 0, err
	})
}

// count holds what is in the tables against what was sent.
func (o *round) count(ctx context.Context, stage string) error {
	want := map[string]string{}
	switch stage {
	case StageConsume, StageWhole:
		want["user_changes"] = "SELECT uniqExact(tenant_id, user_id, stream_seq) FROM m365.user_changes"
		want["users"] = "SELECT count() FROM m365.users FINAL"
	case StageBare:
		want["the bare table"] = "SELECT uniqExact(id, seq) FROM default.bare"
	}
	for table, sql := range want {
		var n uint64
		if err := o.db.QueryRow(ctx, sql).Scan(&n); err != nil {
			return fmt.Errorf("count: %w", err)
		}
		if n != uint64(o.Records) {
			return fmt.Errorf("%w: %d records sent, %d in %s (%s)", ErrCounts, o.Records, n, table, stage)
		}
	}
	return nil
}

func startEngine(ctx context.Context, dir string, log zerolog.Logger) (*embedded.Engine, func(), error) {
	engine, err := embedded.NewEngine(embedded.EngineConfig{Dir: dir, Log: log})
	if err != nil {
		return nil, nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- engine.Run(running) }()
	stop := func() {
		cancel()
		if err := <-done; err != nil {
			log.Warn().Err(err).Msg("engine of the bench stopped with an error")
		}
	}
	if err := engine.Ready(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	if err := migrate(ctx, engine.DSN()); err != nil {
		stop()
		return nil, nil, err
	}
	return engine, stop, nil
}
