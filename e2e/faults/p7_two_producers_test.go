//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// childVar makes this test binary a producer of one run, in a process that can be stopped.
const childVar = "SEATSTREAM_FAULTS_PRODUCER"

// task is what such a producer is told.
type task struct {
	NATS      string
	Connector producer.Connector
}

// produce is the child: one run of one connector.
func produce(text string) error {
	var job task
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return err
	}
	ctx := context.Background()
	nc, err := connect.NATS(connect.NATSConfig{URL: job.NATS}, "producer")
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
	r := &producer.Runner{JS: js, Stores: stores, Log: zerolog.Nop()}
	_, err = r.Run(ctx, job.Connector)
	return err
}

// TestP7 stops a producer amid its run until its lease has run out and another has the
// tenant, and lets it go on: it must publish nothing more.
func TestP7(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 10, func(t *testing.T, seed uint64, rng *rand.Rand) {
		n := startCluster(t, layout{size: 1}).open()
		_, list := teststack.StartSim(t, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 1 + seed, Users: 6000})
		job, err := json.Marshal(task{NATS: n.Conn.ConnectedUrl(), Connector: list[0]})
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		first := exec.Command(os.Args[0])
		first.Env, first.Stderr = append(os.Environ(), childVar+"="+string(job)), &said
		first.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = first.Process.Kill() })
		amid := uint64(1 + rng.IntN(5000))
		until(t, "the first producer is amid its run", func() error {
			if seq := n.LastSeq(t); seq < amid {
				return fmt.Errorf("%d records", seq)
			}
			return nil
		})
		if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		stopped := time.Now()
		runner := &producer.Runner{JS: n.JS, Stores: n.Stores, Log: teststack.Log(t)}
		if _, err := runner.Run(t.Context(), list[0]); !errors.Is(err, producer.ErrBusy) {
			t.Fatalf("a second producer of the tenant: %v, want %v", err, producer.ErrBusy)
		}
		// While the second is amid its run, the first wakes.
		woken := make(chan struct{})
		runner.Progress = func(string, *schemas.Run) {
			select {
			case <-woken:
			default:
				close(woken)
				_ = first.Process.Signal(syscall.SIGCONT)
			}
		}
		var all *schemas.Run
		until(t, "the second producer takes the tenant over", func() error {
			all, err = runner.Run(t.Context(), list[0])
			return err
		})
		took := time.Since(stopped)
		if err := first.Wait(); err == nil || !strings.Contains(said.String(), "lost lease") {
			t.Errorf("the first producer ended with %v and said %q, want a lost lease", err, said.String())
		}
		o := twoRuns(t, n.JS, all.RunID)
		o.Fault, o.Seed, o.Recovery = "P7 two producers of one tenant, the first stopped (SIGSTOP) past its lease and woken amid the run of the second", seed, took
		o.Report(t)
		if took < lease.TTL/2 {
			t.Errorf("taken over after %s: the lease of a producer that was stopped cannot have run out", took)
		}
	})
}

// twoRuns judges a stream that two runs of a tenant without changes have written: every
// entity is there once, and nothing of the first run comes after the second has begun.
func twoRuns(t *testing.T, js jetstream.JetStream, second string) (o Outcome) {
	t.Helper()
	entities := map[string]bool{}
	begun, goesOn, first := false, false, true
	eachRecord(t, js, func(m jetstream.Msg) {
		subject, err := schemas.ParseSubject(m.Subject())
		if err != nil {
			t.Fatal(err)
		}
		// The second goes on with the run of the first, as a further attempt, whose ids are those
		// from +1000. Where the first had left no mark yet, the second has a run of its own.
		_, tail, own := strings.Cut(m.Headers().Get(schemas.HeaderID), "/"+second)
		if first {
			goesOn, first = own, false
		}
		number, _ := strconv.Atoi(strings.TrimPrefix(tail, "+"))
		late := begun
		if own && (!goesOn || number >= 1000) {
			begun, late = true, false
		}
		if late {
			o.DupQuery++
			t.Errorf("published by the first producer after the second had begun: %s", m.Subject())
		}
		if subject.Kind == schemas.KindRun {
			return
		}
		o.Acked++
		if entities[m.Subject()] {
			o.DupRaw++
			return
		}
		entities[m.Subject()] = true
	})
	o.Present, o.Lost = o.Acked, 0
	return o
}
