package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// TestKilledAtAnyMoment kills the whole program with kill -9 at a random moment of its
// first seconds, starts it again on the same folder, and asks for every record. Each seed
// prints one line; SEATSTREAM_TEST_SEED repeats one, SEATSTREAM_TEST_FULL=1 runs twenty.
func TestKilledAtAnyMoment(t *testing.T) {
	needEngine(t)
	if testing.Short() {
		t.Skip("takes a minute; go test without -short runs it")
	}
	t.Parallel()
	runs, seed := 5, rand.Uint64N(1_000_000)
	if os.Getenv("SEATSTREAM_TEST_FULL") == "1" {
		runs = 20
	}
	if s := os.Getenv("SEATSTREAM_TEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("SEATSTREAM_TEST_SEED: %v", err)
		}
		runs, seed = 1, n
	}
	for i := range uint64(runs) {
		t.Run(fmt.Sprint("seed ", seed+i), func(t *testing.T) { killed(t, seed+i) })
	}
}

// tally is the oracle's line: every record has a number of its own, its place in the
// stream.
type tally struct {
	acked    int // records that a second client of the stream saw before the kill
	stream   int // records in the stream in the end
	present  int // distinct records in the tables
	lost     int // seen and no longer in the stream, or in the stream and not in the tables
	dupRaw   int // rows beyond one a record in the tables
	dupQuery int // entities or holders beyond what the simulator lists
	missing  int // entities or holders short of what the simulator lists
}

func killed(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	after := 50*time.Millisecond + time.Duration(rng.Int64N(int64(3950*time.Millisecond)))
	c := newCLI(t)
	data := filepath.Join(c.dir, "data", "demo")
	first := c.start("demo")
	moment := time.NewTimer(after) // the fault is a moment in time, not a condition
	defer moment.Stop()
	seen := witness(t, data, first, moment.C)
	first.kill()
	noEngines(t, c.dir)

	begun := time.Now()
	again := startDemo(t, c)
	recovered := time.Since(begun)
	sum := tally{acked: len(seen)}
	sum.records(t, data, seen)
	for _, name := range []string{"contoso", "fabrikam", "northwind"} {
		sum.answers(t, c, data, name)
	}
	if err := programExplained(data); err != nil {
		t.Errorf("at the end: %v", err)
	}
	// The server may warn of what it found after a kill; an error is another matter.
	if code := again.stop(syscall.SIGINT); code != 0 || strings.Contains(again.err.String(), `"level":"error"`) {
		t.Errorf("demo: exit %d after SIGINT, stderr:\n%s", code, again.err.String())
	}
	noEngines(t, c.dir)
	t.Logf("seed %d killed after %s: acked %d, in stream %d, present %d, LOST %d, DUP raw %d, DUP query %d, short %d, up again in %s",
		seed, after.Round(time.Millisecond), sum.acked, sum.stream, sum.present, sum.lost, sum.dupRaw, sum.dupQuery, sum.missing, recovered.Round(100*time.Millisecond))
	if sum.lost > 0 || sum.dupQuery > 0 || sum.missing > 0 || sum.stream == 0 {
		t.Errorf("repeat with SEATSTREAM_TEST_SEED=%d", seed)
	}
}

// witness reads the stream beside the program until the moment comes and returns the ids
// of the records it saw, by their place. A record that reaches a reader was acknowledged.
func witness(t *testing.T, data string, p *proc, moment <-chan time.Time) map[uint64]string {
	t.Helper()
	seen := map[uint64]string{}
	found := make(chan string, 1)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			if e := announcedAt(data); e != "" {
				found <- e
				return
			}
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	select {
	case <-moment:
		return seen // killed before there was anything to see
	case <-p.done:
		t.Fatalf("the demo ended by itself:\n%s", p.err.String())
	case address := <-found:
		nc := connected(t, address)
		records := make(chan *nats.Msg, 100_000)
		js, err := nc.JetStream()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.ChanSubscribe("m365.>", records, nats.OrderedConsumer(), nats.HeadersOnly()); err != nil {
			t.Fatal(err)
		}
		<-moment
		nc.Close()
		for len(records) > 0 {
			msg := <-records
			if meta, err := msg.Metadata(); err == nil {
				seen[meta.Sequence.Stream] = msg.Header.Get(nats.MsgIdHdr)
			}
		}
	}
	return seen
}

// announcedAt is the address of the NATS server of a running instance, or nothing.
func announcedAt(data string) string {
	var e struct {
		NATS string `json:"nats"`
	}
	b, err := os.ReadFile(filepath.Join(data, "running.json"))
	if err != nil || schemas.Decode(b, &e) != nil {
		return ""
	}
	return e.NATS
}

func connected(t *testing.T, address string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(address, nats.MaxReconnects(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// records compares the stream with what was seen before the kill and with the tables.
func (sum *tally) records(t *testing.T, data string, seen map[uint64]string) {
	t.Helper()
	js, err := jetstream.New(connected(t, announcedAt(data)))
	if err != nil {
		t.Fatal(err)
	}
	stored := map[schemas.Kind]map[uint64]bool{}
	cons, err := js.OrderedConsumer(t.Context(), "M365", jetstream.OrderedConsumerConfig{HeadersOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for left := uint64(1); left > 0; {
		msg, err := cons.Next(jetstream.FetchMaxWait(patience))
		if err != nil {
			t.Fatal(err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		left = meta.NumPending
		kind := schemas.Kind(strings.Split(msg.Subject(), ".")[2])
		if stored[kind] == nil {
			stored[kind] = map[uint64]bool{}
		}
		stored[kind][meta.Sequence.Stream] = true
		sum.stream++
		// Nothing changed in the tenants, so a listing that broke off must not look as if.
		if kind == schemas.KindLicence || msg.Headers().Get(schemas.HeaderOp) == string(schemas.Delete) {
			t.Errorf("a change that did not happen: %s, record %d", msg.Subject(), meta.Sequence.Stream)
		}
		if seen[meta.Sequence.Stream] == msg.Headers().Get(nats.MsgIdHdr) {
			delete(seen, meta.Sequence.Stream)
		}
	}
	sum.lost += len(seen) // an outside client had read them
	conn := openClickHouse(t, runningClickHouse(t, data))
	for _, kind := range schemas.Kinds {
		sum.table(t, conn, kind, stored[kind])
	}
}

func runningClickHouse(t *testing.T, data string) string {
	t.Helper()
	var e struct {
		ClickHouse string `json:"clickhouse"`
	}
	b, err := os.ReadFile(filepath.Join(data, "running.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := schemas.Decode(b, &e); err != nil {
		t.Fatal(err)
	}
	return e.ClickHouse
}

// table compares the history of one kind with the stream, record by record.
func (sum *tally) table(t *testing.T, conn clickhouse.Conn, kind schemas.Kind, want map[uint64]bool) {
	t.Helper()
	var rows uint64
	var places []uint64
	if err := conn.QueryRow(t.Context(), "SELECT count(), groupUniqArray(stream_seq) FROM m365."+string(kind)+"_changes").Scan(&rows, &places); err != nil {
		t.Fatal(err)
	}
	sum.present += len(places)
	sum.dupRaw += int(rows) - len(places)
	for _, place := range places {
		if !want[place] {
			sum.dupQuery++
			t.Errorf("%s: the table has record %d, which is not in the stream", kind, place)
		}
	}
	sum.lost += len(want) - len(places)
}

// answers compares a tenant's current state with what the simulator lists.
func (sum *tally) answers(t *testing.T, c *cli, data, name string) {
	t.Helper()
	g, _ := demoGraph(t, c, data, name)
	flags := []string{"-o", "json", "--tenant", name, "--data-dir", data}
	sum.compare(t, name+" users", len(g.list("users", "id")), sum.number(t, c, data, "users", name))
	sum.compare(t, name+" groups", len(g.list("groups", "id")), sum.number(t, c, data, "groups", name))
	skus := g.list("subscribedSkus", "")
	sum.compare(t, name+" SKUs", len(skus), sum.number(t, c, data, "skus", name))
	consumed := map[string]int{}
	for _, sku := range skus {
		if sku["appliesTo"] == "User" {
			consumed[sku["skuId"].(string)] = int(sku["consumedUnits"].(float64))
		}
	}
	for _, row := range rows(t, c.ok(append([]string{"query", "licence-position"}, flags...)...)) {
		if want, ok := consumed[row["sku_id"].(string)]; ok {
			sum.compare(t, name+" holders of "+row["sku"].(string), want, int(row["holders"].(float64)))
		}
	}
}

func (sum *tally) number(t *testing.T, c *cli, data, table, connector string) int {
	t.Helper()
	sql := "SELECT toUInt32(count()) AS n FROM m365." + table + " FINAL WHERE tenant_id IN (SELECT tenant_id FROM m365.run_changes WHERE connector = '" + connector + "')"
	return int(rows(t, c.ok("query", "-o", "json", "--data-dir", data, "--sql", sql))[0]["n"].(float64))
}

func (sum *tally) compare(t *testing.T, what string, want, got int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d, the simulator lists %d", what, got, want)
	}
	sum.dupQuery += max(0, got-want)
	sum.missing += max(0, want-got)
}
