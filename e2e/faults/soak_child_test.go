//go:build linux

package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// soakChild is the first argument of this test program when it is to be one part of the
// soak: "load URL SEED PEOPLE" or "consume URL DSN". It takes commands on its standard input,
// a line each: "look" is answered with the numbers of goroutines and of records published,
// "rate N" sets the records a second (0 for as many as go). At the input's end it ends.
const soakChild = "soak-child"

// soakPart has what a child is asked for.
type soakPart struct {
	published atomic.Int64
	rate      chan int
}

func soakMain(args []string) int {
	p := &soakPart{rate: make(chan int, 1)}
	ctx, stop := context.WithCancel(context.Background())
	go func() { defer stop(); p.obey(os.Stdin) }()
	run := p.load
	if args[0] == "consume" {
		run = p.consume
	}
	if err := run(ctx, args[1:]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p.look()
	return 0
}

func (p *soakPart) obey(in io.Reader) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if rate, ok := strings.CutPrefix(lines.Text(), "rate "); ok {
			n, _ := strconv.Atoi(rate)
			p.rate <- n
			continue
		}
		p.look()
	}
}

func (p *soakPart) look() {
	_, _ = fmt.Fprintln(os.Stdout, runtime.NumGoroutine(), p.published.Load()) // who asked may have ended
}

// load publishes bulk records, at the rate it was told last, until ctx is done.
func (p *soakPart) load(ctx context.Context, args []string) error {
	seed, _ := strconv.ParseUint(args[1], 10, 64)
	people, _ := strconv.Atoi(args[2])
	nc, err := connect.NATS(connect.NATSConfig{URL: args[0]}, "load")
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	b, rate, due := newBulk(seed, people), 0, time.Now()
	for at := 0; ctx.Err() == nil; at += chunk {
		// Not with ctx: a chunk that is begun is published.
		if err := producer.Publish(context.WithoutCancel(ctx), js, zerolog.Nop(), b.records(at, at+chunk)...); err != nil {
			return err
		}
		p.published.Add(chunk)
		if rate > 0 {
			if due = due.Add(chunk * time.Second / time.Duration(rate)); time.Since(due) > 10*time.Second {
				due = time.Now() // what the machine did not give is not made up for
			}
		}
		select {
		case rate = <-p.rate:
			due = time.Now()
		case <-ctx.Done():
		case <-time.After(time.Until(due)):
		}
	}
	return nil
}

// consume is a consumer as the program runs it.
func (p *soakPart) consume(ctx context.Context, args []string) error {
	nc, err := connect.NATS(connect.NATSConfig{URL: args[0]}, "consumer")
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := connect.JetStream(ctx, nc, 1, 0)
	if err != nil {
		return err
	}
	stores, err := producer.OpenStores(ctx, js, 1)
	if err != nil {
		return err
	}
	db, err := connect.ClickHouse(ctx, args[1])
	if err != nil {
		return err
	}
	deps := consumer.Deps{JS: js, DB: db, Leases: stores.Leases, Cursors: stores.Cursors, Log: zerolog.New(os.Stderr).Level(zerolog.WarnLevel)}
	return errors.Join(consumer.NewSet(consumer.Config{}, []string{schemas.StreamM365.Name}, deps).Run(ctx), db.Close())
}

// soakProcess is a child, seen from the test.
type soakProcess struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func startSoakChild(t testing.TB, args ...string) *soakProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &soakProcess{t: t, cmd: exec.Command(self, append([]string{soakChild}, args...)...)}
	p.cmd.SysProcAttr, p.cmd.Stderr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	return p
}

func (p *soakProcess) tell(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		p.t.Fatalf("a part of the soak has ended: %v", err)
	}
}

// look asks for goroutines and records published.
func (p *soakProcess) look() (goroutines, published int) {
	p.t.Helper()
	p.tell("look")
	return p.read()
}

func (p *soakProcess) read() (goroutines, published int) {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("a part of the soak has ended: %v", p.lines.Err())
	}
	if _, err := fmt.Sscan(p.lines.Text(), &goroutines, &published); err != nil {
		p.t.Fatalf("%q: %v", p.lines.Text(), err)
	}
	return goroutines, published
}

// end lets the part finish what it has begun; it says a last time how much that was.
func (p *soakProcess) end() (published int) {
	p.t.Helper()
	_ = p.in.Close()
	_, published = p.read()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("a part of the soak: %v", err)
	}
	return published
}
