package bench

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
)

// Measurement is one stage of one round.
type Measurement struct {
	Stage       string             `json:"stage"`
	Seconds     float64            `json:"seconds"` // of the work, without the starting of processes but where two work at once
	CoreSeconds map[string]float64 `json:"core_seconds"`
	PeakMB      map[string]float64 `json:"peak_mb"` // resident; of a server since its start
}

// Report is what was measured.
type Report struct {
	Started   time.Time     `json:"started"`
	Cores     int           `json:"cores"`
	Load      string        `json:"load"` // average of the minute before
	Server    string        `json:"clickhouse"`
	Records   int           `json:"records"`
	BodyBytes int           `json:"body_bytes"`
	Rounds    int           `json:"rounds"`
	Measured  []Measurement `json:"measured"`
	Latencies []float64     `json:"latencies_ms"` // from publishing a record to its being visible, nothing else going on
	Stages    []Stage       `json:"stages"`
	// ConsumeToBare is core-seconds a record of the consumer's stage over those of the bare loop's.
	ConsumeToBare  float64 `json:"consume_to_bare"`
	P50, P99       float64
	CountsAreRight bool `json:"counts_are_right"`
}

// Stage is the median round of a stage.
type Stage struct {
	Stage      string             `json:"stage"`
	PerSecond  float64            `json:"records_per_second"`
	PerMillion map[string]float64 `json:"core_seconds_per_million"`
	Sum        float64            `json:"core_seconds_per_million_sum"`
	Limit      float64            `json:"implied_limit_per_second"` // cores over the sum
	PeakMB     map[string]float64 `json:"peak_mb"`
}

// summarise takes medians. It is called when all counts were right.
func (r *Report) summarise() {
	r.CountsAreRight = true
	for _, name := range []string{StagePublish, StageConsume, StageBare, StageWhole} {
		s := Stage{Stage: name, PerMillion: map[string]float64{}, PeakMB: map[string]float64{}}
		var seconds []float64
		used := map[string][]float64{}
		for _, m := range r.Measured {
			if m.Stage != name {
				continue
			}
			seconds = append(seconds, m.Seconds)
			for part, v := range m.CoreSeconds {
				used[part] = append(used[part], v)
				s.PeakMB[part] = max(s.PeakMB[part], m.PeakMB[part])
			}
		}
		for part, v := range used {
			s.PerMillion[part] = quantile(v, 0.5) * 1e6 / float64(r.Records)
			s.Sum += s.PerMillion[part]
		}
		if t := quantile(seconds, 0.5); t > 0 {
			s.PerSecond = float64(r.Records) / t
		}
		if s.Sum > 0 {
			s.Limit = float64(r.Cores) * 1e6 / s.Sum
		}
		r.Stages = append(r.Stages, s)
	}
	if bare := r.Stages[2].Sum; bare > 0 {
		r.ConsumeToBare = r.Stages[1].Sum / bare
	}
	r.P50, r.P99 = quantile(r.Latencies, 0.5), quantile(r.Latencies, 0.99)
}

// quantile of values, the upper one where two are meant; 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

// Table writes the report for people.
func (r *Report) Table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d records of %d bytes, median of %d rounds, %d cores, load %s before, ClickHouse %s\n\n", r.Records, r.BodyBytes, r.Rounds, r.Cores, r.Load, r.Server)
	fmt.Fprintln(w, "stage\trecords/s\tcore-s per million\tlimit/s\tof which\tpeak MB")
	for _, s := range r.Stages {
		var parts, peaks []string
		for _, p := range slices.SortedFunc(maps.Keys(s.PerMillion), func(a, b string) int { return cmp.Compare(s.PerMillion[b], s.PerMillion[a]) }) {
			parts = append(parts, fmt.Sprintf("%s %.1f", p, s.PerMillion[p]))
			peaks = append(peaks, fmt.Sprintf("%s %.0f", p, s.PeakMB[p]))
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.0f\t%s\t%s\n", s.Stage, s.PerSecond, s.Sum, s.Limit, strings.Join(parts, ", "), strings.Join(peaks, ", "))
	}
	fmt.Fprintf(w, "\nconsume takes %.2f times the core-seconds of the bare loop; a record is visible after %.0f ms (median), %.0f ms (99th of 100)\n", r.ConsumeToBare, r.P50, r.P99)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func version(ctx context.Context, db driver.Conn) (v string) {
	if err := db.QueryRow(ctx, "SELECT version()").Scan(&v); err != nil {
		return "unknown"
	}
	return v
}

func migrate(ctx context.Context, dsn string) error {
	server, product, err := connect.Databases(dsn)
	if err != nil {
		return err
	}
	defer func(dbs ...*sql.DB) {
		for _, db := range dbs {
			_ = db.Close()
		}
	}(server, product)
	return consumer.Migrate(ctx, server, product)
}
