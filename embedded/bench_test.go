package embedded

import (
	"context"
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"
)

// BenchmarkInsert measures what it costs that an insert is on disk when it
// returns: the same insert with the engine's setting and without.
func BenchmarkInsert(b *testing.B) {
	engine, err := NewEngine(EngineConfig{Dir: b.TempDir(), Log: zerolog.Nop()})
	if err != nil {
		b.Skip(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- engine.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-result; err != nil {
			b.Error(err)
		}
	}()
	if err := engine.Ready(ctx); err != nil {
		b.Fatal(err)
	}
	options, err := clickhouse.ParseDSN(engine.DSN())
	if err != nil {
		b.Fatal(err)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, rows := range []int{1, 1000, 10_000, 100_000} {
		for fsync := range 2 {
			b.Run(fmt.Sprintf("rows=%d/fsync=%d", rows, fsync), func(b *testing.B) {
				benchmarkInsert(b, conn, rows, fsync)
			})
		}
	}
}

func benchmarkInsert(b *testing.B, conn clickhouse.Conn, rows, fsync int) {
	ctx := b.Context()
	create := fmt.Sprintf(`CREATE OR REPLACE TABLE default.bench
		(tenant LowCardinality(String), id String, seq UInt64, extra Map(LowCardinality(String), Nullable(Int64)), body String)
		ENGINE = ReplacingMergeTree(seq) ORDER BY (tenant, id)
		SETTINGS fsync_after_insert = %d, fsync_part_directory = %d, non_replicated_deduplication_window = 1000`, fsync, fsync)
	if err := conn.Exec(ctx, create); err != nil {
		b.Fatal(err)
	}
	value := int64(7)
	seq := uint64(0)
	for b.Loop() {
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO default.bench")
		if err != nil {
			b.Fatal(err)
		}
		for range rows {
			seq++
			err := batch.Append("tenant", fmt.Sprint("user-", seq), seq, map[string]*int64{"a": &value}, "some text of a record")
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
