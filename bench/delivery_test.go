package bench

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/embedded"
	"github.com/seatstream/seatstream/internal/teststack"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == PartCommand {
		os.Exit(PartMain(os.Args[2]))
	}
	teststack.Main(m)
}

// TestDelivery runs every stage on few records and holds the report against itself. It says
// nothing about time.
func TestDelivery(t *testing.T) {
	const records, rounds = 2500, 2
	r, err := Delivery{Dir: filepath.Join(t.TempDir(), "bench"), Records: records, Rounds: rounds, Log: zerolog.Nop()}.Run(t.Context())
	if errors.Is(err, embedded.ErrNoEngine) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !r.CountsAreRight || len(r.Measured) != 4*rounds || len(r.Stages) != 4 || len(r.Latencies) != probes*rounds || r.ConsumeToBare <= 0 {
		t.Errorf("%+v", r)
	}
	for _, s := range r.Stages {
		wants := map[string][]string{
			StagePublish: {partPublish}, StageConsume: {partConsume, "engine"}, StageBare: {partBare, "engine"}, StageWhole: {partPublish, partConsume, "engine"},
		}[s.Stage]
		for _, part := range append(wants, partNATS) {
			if s.PerMillion[part] <= 0 || s.PeakMB[part] <= 1 {
				t.Errorf("%s: no account of the %s: %+v", s.Stage, part, s)
			}
		}
		if s.PerSecond <= 0 || s.Limit <= 0 {
			t.Errorf("%+v", s)
		}
	}
	var table strings.Builder
	if err := r.Table(&table); err != nil || !strings.Contains(table.String(), StageWhole) {
		t.Errorf("%s, %v", table.String(), err)
	}
}

// TestCounts: what is missing from a table is an error.
func TestCounts(t *testing.T) {
	t.Parallel()
	ch := teststack.StartClickHouse(t)
	o := &round{Delivery: Delivery{Records: 3}, db: ch.Conn}
	if err := ch.Conn.Exec(t.Context(), bareTable); err != nil {
		t.Fatal(err)
	}
	for rows, want := range map[string]error{"numbers(3)": nil, "numbers(3) UNION ALL SELECT 9": ErrCounts, "numbers(2)": ErrCounts} {
		for _, sql := range []string{"TRUNCATE TABLE default.bare", "INSERT INTO default.bare (id, seq) SELECT reinterpretAsUUID(sipHash128(number)), number FROM (SELECT number FROM " + rows + ")"} {
			if err := ch.Conn.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.count(t.Context(), StageBare); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", rows, err, want)
		}
	}
}

func TestWorkload(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 7, 99_999_999} {
		if got := len(body(n)); got != 653 {
			t.Errorf("person %d: %d bytes, want 653", n, got)
		}
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	for want, values := range map[float64][]float64{0: nil, 1: {1}, 3: {5, 1, 3}, 4: {1, 2, 4, 9}} {
		if got := quantile(values, 0.5); got != want {
			t.Errorf("median of %v: %v, want %v", values, got, want)
		}
	}
}

// TestFill: the same size gives the same rows, and every tenant its share.
func TestFill(t *testing.T) {
	t.Parallel()
	ch := teststack.StartClickHouse(t)
	size := Tables{Tenants: 2, Users: 30, Days: 3, Changed: 100, Active: 500}
	if err := size.Fill(t.Context(), ch.Conn); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]uint64{
		"SELECT count() FROM m365.users FINAL":                                                        60,
		"SELECT uniqExact(tenant_id) FROM m365.users":                                                 2,
		"SELECT uniqExact(toDate(observed_at)) FROM m365.report_changes":                              4,
		"SELECT count() FROM m365.reports FINAL WHERE report = 'getM365AppUserDetail'":                60,
		"SELECT toUInt64(count() - uniqExact(tenant_id, user_id, stream_seq)) FROM m365.user_changes": 0,
	} {
		var got uint64
		if err := ch.Conn.QueryRow(t.Context(), sql).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, want %d, %v", sql, got, want, err)
		}
	}
}
