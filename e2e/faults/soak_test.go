//go:build linux

package faults

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// soakVar is how long the soak loads at half the rate; an hour where it is not set.
const soakVar = "SEATSTREAM_TEST_SOAK"

// profPort is where a server of the soak shows its goroutines.
const profPort = "6060"

// sample is one look at the parts of the soak.
type sample struct {
	at               time.Duration
	published, floor int
	rss, goroutines  map[string]int // by part; rss in KiB
}

// soakParts have to stay flat. The engine is shown beside them: its memory follows its
// merges and caches.
var soakParts = []string{"producer", "consumer", "nats"}

// TestSoak finds the rate that the whole way keeps up with, loads at half of it for an hour,
// and looks at memory and goroutines of the producer, the consumer and the NATS server every
// minute: they must be flat. In the end every record is in the history once. The stream
// keeps ten minutes, so that what it holds is the same for most of the hour.
func TestSoak(t *testing.T) { // not beside other tests: it measures
	if !full() {
		t.Skip("runs with SEATSTREAM_TEST_FULL=1 (make faults)")
	}
	length := time.Hour
	if s := os.Getenv(soakVar); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatalf("%s: %v", soakVar, err)
		}
	}
	seed := rand.Uint64N(1_000_000)
	c := startCluster(t, layout{size: 1, settings: "prof_port: " + profPort})
	n, tables := c.open(), teststack.StartClickHouse(t)
	keepFor(t, n, max(length/6, 3*time.Minute)) // no less than the duplicate window
	const people = 50_000
	consume := startSoakChild(t, "consume", c.url(), tables.DSN())
	load := startSoakChild(t, "load", c.url(), fmt.Sprint(seed), fmt.Sprint(people))
	s := &soak{t: t, c: c, n: n, tables: tables, load: load, consume: consume, began: time.Now()}
	rate := s.fastest(min(time.Minute, length/4))
	t.Logf("fastest the whole way keeps up with: %d records/s; loading at half of it for %s", rate, length)
	load.tell("rate 1")
	drained(t, n.JS)
	load.tell(fmt.Sprint("rate ", rate/2))
	s.began = time.Now()
	tick := time.NewTicker(max(length/60, time.Second))
	defer tick.Stop()
	for time.Since(s.began) < length {
		<-tick.C // the soak is a stretch of time
		s.look()
	}
	published := load.end()
	drained(t, n.JS)
	consume.end()
	s.judge()
	b := newBulk(seed, people)
	o := b.countSliced(t, tables, fmt.Sprintf("P8 soak of %s at half the rate the machine keeps up with (%d records/s)", length, rate/2), seed, published)
	o.Dead = dead(t, n.JS)
	strict(t, o)
}

// soak is what a look needs.
type soak struct {
	t             *testing.T
	c             *cluster
	n             *teststack.NATS
	tables        *teststack.ClickHouse
	load, consume *soakProcess
	began         time.Time
	samples       []sample
}

// keepFor bounds how long the stream keeps records.
func keepFor(t testing.TB, n *teststack.NATS, age time.Duration) {
	t.Helper()
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxAge = age
	if _, err := n.JS.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

// fastest loads as fast as it goes and returns how many records a second are both published
// and stored.
func (s *soak) fastest(during time.Duration) int {
	s.t.Helper()
	until(s.t, "records are stored", func() error {
		if floor, _, err := stand(s.t.Context(), s.n.JS); err != nil || floor == 0 {
			return errNotYet
		}
		return nil
	})
	first, began := s.see(), time.Now()
	<-time.After(during) // the rate is of a stretch of time
	last, took := s.see(), time.Since(began)
	return int(float64(min(last.published-first.published, last.floor-first.floor)) / took.Seconds())
}

func (s *soak) see() sample {
	s.t.Helper()
	v := sample{at: time.Since(s.began), rss: map[string]int{}, goroutines: map[string]int{}}
	v.goroutines["producer"], v.published = s.load.look()
	v.goroutines["consumer"], _ = s.consume.look()
	v.goroutines["nats"] = s.serverGoroutines()
	for part, pid := range map[string]int{
		"producer": s.load.cmd.Process.Pid, "consumer": s.consume.cmd.Process.Pid, "nats": s.c.nodes[0].cmd.Process.Pid, "engine": s.tables.PID(),
	} {
		v.rss[part] = resident(s.t, pid)
	}
	floor, _, err := stand(s.t.Context(), s.n.JS)
	if err != nil {
		s.t.Logf("look at the stream: %v", err)
	}
	v.floor = int(floor)
	return v
}

func (s *soak) look() {
	s.t.Helper()
	v := s.see()
	s.samples = append(s.samples, v)
	line := fmt.Sprintf("%6s published %d, stored %d;", v.at.Round(time.Second), v.published, v.floor)
	for _, part := range append(soakParts, "engine") {
		line += fmt.Sprintf(" %s %d MiB", part, v.rss[part]/1024)
		if g := v.goroutines[part]; g > 0 {
			line += fmt.Sprintf(" %d goroutines", g)
		}
		line += ";"
	}
	s.t.Log(line)
}

// serverGoroutines asks the server's profile how many goroutines it has.
func (s *soak) serverGoroutines() int {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(s.c.nodes[0].host, profPort)+"/debug/pprof/goroutine?debug=1", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	var n int
	if _, err := fmt.Sscanf(string(b), "goroutine profile: total %d", &n); err != nil {
		s.t.Fatalf("%.60q: %v", b, err)
	}
	return n
}

// resident is a process's resident memory in KiB; 0 where it is not there.
func resident(t testing.TB, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// judge compares the second quarter with the last: flat is a median of memory that has grown
// by no more than a tenth and 16 MiB, and of goroutines by no more than five.
func (s *soak) judge() {
	s.t.Helper()
	quarter := len(s.samples) / 4
	if quarter == 0 {
		s.t.Fatal("too short to judge")
	}
	second, last := s.samples[quarter:2*quarter], s.samples[len(s.samples)-quarter:]
	for _, part := range append(soakParts, "engine") {
		memory := func(v sample) int { return v.rss[part] }
		routines := func(v sample) int { return v.goroutines[part] }
		m2, m4, g2, g4 := median(second, memory), median(last, memory), median(second, routines), median(last, routines)
		s.t.Logf("%s: %d MiB in the second quarter, %d in the last; goroutines %d and %d", part, m2/1024, m4/1024, g2, g4)
		if !slices.Contains(soakParts, part) {
			continue
		}
		if m4 > m2+m2/10+16<<10 {
			s.t.Errorf("resident memory of %s grows: %d MiB in the second quarter, %d in the last", part, m2/1024, m4/1024)
		}
		if g4 > g2+5 {
			s.t.Errorf("goroutines of %s grow: %d in the second quarter, %d in the last", part, g2, g4)
		}
	}
}

func median(list []sample, of func(sample) int) int {
	var values []int
	for _, v := range list {
		values = append(values, of(v))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// countSliced counts as count does, a sixteenth of the runs at a time: the engine keeps the
// ids that it has counted in memory.
func (b *bulk) countSliced(t testing.TB, tables *teststack.ClickHouse, fault string, seed uint64, acked int) Outcome {
	t.Helper()
	o := Outcome{Fault: fault, Seed: seed, Acked: int64(acked), DupQuery: double(t, tables.Conn, b.tenant)}
	var rows uint64
	for slice := range 16 {
		var n, distinct uint64
		err := tables.Conn.QueryRow(t.Context(), fmt.Sprintf("SELECT count(), uniqExact(user_id, run_id) FROM m365.user_changes WHERE tenant_id = '%s' AND cityHash64(run_id) %% 16 = %d",
			b.tenant.id, slice)).Scan(&n, &distinct)
		if err != nil {
			t.Fatal(err)
		}
		rows += n
		o.Present += int64(distinct)
	}
	o.Lost, o.DupRaw = o.Acked-o.Present, int64(rows)-o.Present
	return o
}
