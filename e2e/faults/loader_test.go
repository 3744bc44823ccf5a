//go:build linux

package faults

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/producer"
)

// loadChild is the first argument of this test program when it is to be a producer that a
// test may kill.
const loadChild = "load-child"

// chunk is how many records the loader publishes before it says so.
const chunk = 2000

// loadMain publishes bulk records until it has all: URL SEED PEOPLE FROM TO. It writes the
// number up to which they are acknowledged, a line each time. What a loader that was killed
// published and did not say is published again by the next, with the same message ids.
func loadMain(args []string) int {
	var n [4]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(args[i+1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
	}
	nc, err := connect.NATS(connect.NATSConfig{URL: args[0]}, "load")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	b := newBulk(uint64(n[0]), n[1])
	for at, to := n[2], n[3]; at < to; {
		next := min(at+chunk-at%chunk, to)
		if err := producer.Publish(context.Background(), js, zerolog.Nop(), b.records(at, next)...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		at = next
		_, _ = fmt.Fprintln(os.Stdout, at) // who reads it may have ended
	}
	return 0
}

// loader is a producer process that a test may kill.
type loader struct {
	t     testing.TB
	url   string
	seed  uint64
	bulk  *bulk
	acked int // as far as it said
}

// publish runs loader processes until all records up to a number are acknowledged. kill, which
// may be nil, is given each process once, when it runs.
func (l *loader) publish(to int, kill func(*os.Process)) {
	l.t.Helper()
	self, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	for last, progress := l.acked, time.Now(); l.acked < to; {
		if l.acked > last {
			last, progress = l.acked, time.Now()
		} else if kill == nil { // a server with many records takes a while to start after a kill
			<-time.After(100 * time.Millisecond)
		}
		if time.Since(progress) > patience {
			l.t.Fatalf("published up to %d of %d", l.acked, to)
		}
		cmd := exec.Command(self, loadChild, l.url, fmt.Sprint(l.seed), fmt.Sprint(l.bulk.people), fmt.Sprint(l.acked), fmt.Sprint(to))
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			l.t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			l.t.Fatal(err)
		}
		if kill != nil {
			kill(cmd.Process)
			kill = nil
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				l.acked = n
			}
		}
		_ = cmd.Wait() // killed, or done; what it said counts
	}
}
