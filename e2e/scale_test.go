package e2e

import (
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/embedded"
)

// TestScale measures one large tenant, every part in a process of its own. It asserts
// counts and no times, and runs only when asked: SEATSTREAM_TEST_SCALE=1, or a list of
// sizes such as 10000,50000.
func TestScale(t *testing.T) {
	sizes := []int{10_000, 50_000, 100_000}
	switch asked := os.Getenv("SEATSTREAM_TEST_SCALE"); asked {
	case "", "0":
		t.Skip("SEATSTREAM_TEST_SCALE=1 measures tenants of 10, 50 and 100 thousand users, in some minutes")
	case "1":
	default:
		sizes = nil
		for _, s := range strings.Split(asked, ",") {
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatalf("SEATSTREAM_TEST_SCALE: %v", err)
			}
			sizes = append(sizes, n)
		}
	}
	lines := []string{fmt.Sprintf("%d cores\n%8s %9s %12s %12s %12s %14s %14s", runtime.NumCPU(), "users", "records", "collected s", "queryable s", "records/s", "second run s", "producer peak")}
	for _, users := range sizes {
		t.Run(strconv.Itoa(users), func(t *testing.T) {
			m := scaled(t, users)
			lines = append(lines, fmt.Sprintf("%8d %9d %12.1f %12.1f %12.0f %14.1f %11.0f MB", users, m.records, m.collected.Seconds(),
				m.queryable.Seconds(), float64(m.records)/m.queryable.Seconds(), m.again.Seconds(), m.peak))
		})
	}
	t.Log("\n" + strings.Join(lines, "\n"))
}

type measured struct {
	records                     uint64
	collected, queryable, again time.Duration // since the first run was commanded; again: a run that finds nothing new
	peak                        float64       // MB, resident, of the producer
}

func scaled(t *testing.T, users int) measured {
	address, clickhouse := standAlone(t)
	sim := startSim(t, fmt.Sprintf("contoso.onmicrosoft.com=%d", users))
	c := newCLI(t)
	c.env = append(c.env, "CONTOSO_SECRET="+sim.tenants[0].secret)
	toNATS, toClickHouse := []string{"--nats-url", address}, []string{"--clickhouse-dsn", clickhouse}
	producer := c.start(append([]string{"producer"}, toNATS...)...)
	c.start(append(append([]string{"consumer"}, toNATS...), toClickHouse...)...)
	c.ok("connector", "list", "--nats-url", address) // the streams are there

	var m measured
	begun := time.Now()
	c.ok(append(sim.connector(0, "contoso", "env:CONTOSO_SECRET"), toNATS...)...)
	first := producer.errLine(`"status":"(\w+)","entities":(\d+),"published":(\d+),"unchanged":(\d+),"deleted":0.*"message":"run finished"`)
	m.collected = time.Since(begun)
	if first[1] != "complete" {
		t.Errorf("first run: %s", first[0])
	}
	conn := openClickHouse(t, clickhouse)
	eventually(t, "the evidence of the whole run is queryable", func() bool {
		var n uint64
		err := conn.QueryRow(t.Context(), "SELECT count() FROM m365.run_changes WHERE feed = 'all'").Scan(&n)
		return err == nil && n == 1
	})
	m.queryable = time.Since(begun)
	m.records = records(t, address)
	begun = time.Now()
	if out := c.ok(append([]string{"connector", "run", "contoso"}, toNATS...)...); !strings.Contains(out, " complete: ") || !strings.Contains(out, " 0 published") {
		t.Errorf("second run: %s", out)
	}
	m.again, m.peak = time.Since(begun), peakMemory(t, producer.cmd.Process.Pid)

	var listed, stored, holders, consumed uint64
	listed = uint64(len(sim.of(0).list("users", "id")))
	row := conn.QueryRow(t.Context(), "SELECT (SELECT count() FROM m365.users FINAL), sum(toUInt64(holders)), sum(toUInt64(consumed)) FROM m365.licence_position(tenant = '', as_of = '', days = 90, grace = 30) WHERE applies_to = 'User'")
	if err := row.Scan(&stored, &holders, &consumed); err != nil {
		t.Fatal(err)
	}
	if stored != listed || holders != consumed {
		t.Errorf("%d users listed, %d stored; %d seats consumed, %d held", listed, stored, consumed, holders)
	}
	return m
}

// errLine waits for a line of the log.
func (p *proc) errLine(pattern string) []string {
	p.t.Helper()
	m, err := p.err.wait(regexp.MustCompile(pattern), p.done)
	if err != nil {
		p.t.Fatalf("%q is not logged: %v\n%s", pattern, err, tail(p.err.String()))
	}
	return m
}

// standAlone starts a nats-server and a ClickHouse engine in processes of their own: the
// test binary lends itself to the former.
func standAlone(t *testing.T) (address, dsn string) {
	t.Helper()
	engine := tables(t, nil)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := newCLI(t)
	c.env = append(c.env, natsVariable+"="+t.TempDir())
	server := c.startProgram(self, "-test.run", "^TestServeNATS$", "-test.v", "-test.timeout", "1h")
	t.Cleanup(func() { server.stop(syscall.SIGTERM) })
	return server.line(`serving (nats://\S+)`)[1], engine.DSN()
}

// peakMemory is the largest resident size a process has had, in MB; 0 where the system
// does not say.
func peakMemory(t *testing.T, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kb, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb / 1024
}

// natsVariable names the folder of a nats-server that TestServeNATS is to be.
const natsVariable = "SEATSTREAM_TEST_NATS_DIR"

// TestServeNATS is no test: it is the nats-server that standAlone starts.
func TestServeNATS(t *testing.T) {
	dir := os.Getenv(natsVariable)
	if dir == "" {
		t.Skip("the server of TestScale; nothing to test")
	}
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: dir, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	t.Logf("serving %s", server.URL())
	<-ended
}

// records is how many records the stream has.
func records(t *testing.T, address string) uint64 {
	t.Helper()
	nc, err := nats.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "M365")
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}
