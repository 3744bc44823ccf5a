package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/embedded"
)

// PartCommand is the argument by which a program that measures starts itself again as one of
// the parts: such a program hands over to [PartMain] before it does anything else.
const PartCommand = "bench-part"

const (
	partNATS    = "nats-server"
	partPublish = "publisher"
	partConsume = "consumer"
	partBare    = "bare loop"
)

// task is what a part is told on its standard input, in one line.
type task struct {
	Dir, NATS, ClickHouse string
	Records               int
	Stay                  bool // a consumer that goes on until its input ends
}

// said is what a part prints in one line: a server its address, the others what their work took.
type said struct {
	URL                  string  `json:",omitzero"`
	Seconds, CoreSeconds float64 `json:",omitzero"`
	PeakMB               float64 `json:",omitzero"`
}

// PartMain is a part. It ends when its work is done or its standard input ends.
func PartMain(name string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	var t task
	if err == nil {
		err = json.Unmarshal(line, &t)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: read task: %v\n", name, err)
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, in) // ends with the program that measures, however that ends
		cancel()
	}()
	var out said
	switch name {
	case partNATS:
		err = serveNATS(ctx, t.Dir)
	case partPublish:
		out, err = publish(ctx, t)
	case partConsume:
		out, err = consume(ctx, t)
	case partBare:
		out, err = bare(ctx, t)
	default:
		err = errors.New("no such part")
	}
	if err == nil && out != (said{}) {
		err = json.NewEncoder(os.Stdout).Encode(out)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

func serveNATS(ctx context.Context, dir string) error {
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: dir, Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	defer server.Stop()
	if err := json.NewEncoder(os.Stdout).Encode(said{URL: server.URL()}); err != nil {
		return fmt.Errorf("say address: %w", err)
	}
	<-ctx.Done()
	return nil
}

// timed runs the work of a part and takes its own account.
func timed(work func() error) (said, error) {
	begun, before := time.Now(), ownUse()
	if err := work(); err != nil {
		return said{}, err
	}
	after := ownUse()
	return said{Seconds: time.Since(begun).Seconds(), CoreSeconds: after.CoreSeconds - before.CoreSeconds, PeakMB: after.PeakMB}, nil
}

// part is a running part, as the program that measures sees it.
type part struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
	said  said // by a server when it is up
}

// start starts a part. A server is up when start returns.
func start(ctx context.Context, name string, t task) (*part, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find program: %w", err)
	}
	p := &part{cmd: exec.CommandContext(ctx, self, PartCommand, name)}
	p.cmd.Stderr = os.Stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.out = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := json.NewEncoder(p.stdin).Encode(t); err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if name == partNATS {
		if p.said, err = p.hear(); err != nil {
			p.stop()
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
	}
	return p, nil
}

func (p *part) pid() int { return p.cmd.Process.Pid }

func (p *part) hear() (s said, err error) {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return s, fmt.Errorf("it ended: its reason stands above: %w", err)
	}
	return s, json.Unmarshal(line, &s)
}

// wait returns what the part says its work took.
func (p *part) wait() (said, error) {
	s, err := p.hear()
	if err != nil {
		return s, err
	}
	return s, p.cmd.Wait()
}

// stop ends a part that is still there.
func (p *part) stop() {
	_ = p.stdin.Close()
	_ = p.cmd.Wait() // a part that was waited for says so
}
