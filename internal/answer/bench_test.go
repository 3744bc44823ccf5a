package answer_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/seatstream/seatstream/bench"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// BenchmarkQueries times every shipped question, about one tenant and about all of them. The
// size is taken from SEATSTREAM_BENCH_TABLES=tenants,users,days and is small unless set:
//
//	SEATSTREAM_BENCH_TABLES=1000,1000,60 go test -run '^$' -bench Queries -benchtime 3x -timeout 2h ./internal/answer
//
// read is rows, peak the server's memory for the question in MB.
func BenchmarkQueries(b *testing.B) {
	size := bench.Tables{Tenants: 2, Users: 20, Days: 60, Changed: 20, Active: 200}
	if asked := os.Getenv("SEATSTREAM_BENCH_TABLES"); asked != "" {
		if _, err := fmt.Sscanf(asked, "%d,%d,%d", &size.Tenants, &size.Users, &size.Days); err != nil {
			b.Fatalf("SEATSTREAM_BENCH_TABLES=%s: %v", asked, err)
		}
	}
	ch := teststack.StartClickHouse(b)
	if err := size.Fill(b.Context(), ch.Conn); err != nil {
		b.Fatal(err)
	}
	tenant, err := size.Tenant(b.Context(), ch.Conn, size.Tenants/2)
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range schemas.Queries() {
		if q.Internal {
			continue
		}
		for scope, id := range map[string]string{"one": tenant, "all": ""} {
			b.Run(q.Name+"/"+scope, func(b *testing.B) {
				params := map[string]string{}
				for name, value := range map[string]string{"tenant": id, "from": day(40), "to": day(5), "since": day(7)} {
					if q.Takes(name) {
						params[name] = value
					}
				}
				var cost spent
				for b.Loop() {
					cost = spent{}
					ctx := clickhouse.Context(b.Context(), clickhouse.WithProgress(cost.progress), clickhouse.WithProfileEvents(cost.events))
					if err := answer.Named(ctx, ch.Conn, &q, params, nowhere{}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms")
				b.ReportMetric(float64(cost.rows), "read")
				b.ReportMetric(float64(cost.peak>>20), "peak-MB")
			})
		}
	}
}

// day is the end of a day so many days ago.
func day(ago int) string { return time.Now().UTC().AddDate(0, 0, -ago).Format(time.DateOnly) }

// spent is what the server says that a question cost.
type spent struct {
	mu   sync.Mutex
	rows uint64
	peak int64
}

func (s *spent) progress(p *clickhouse.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows += p.Rows
}

func (s *spent) events(events []clickhouse.ProfileEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if strings.HasPrefix(e.Name, "MemoryTrackerPeakUsage") {
			s.peak = max(s.peak, e.Value)
		}
	}
}

// nowhere takes an answer and drops it.
type nowhere struct{}

func (nowhere) Begin(*output.Table) error { return nil }
func (nowhere) Row([]any) error           { return nil }
func (nowhere) End(...string) error       { return nil }
