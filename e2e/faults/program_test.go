//go:build linux

package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func contains(b []byte, s string) bool { return bytes.Contains(b, []byte(s)) }

// program builds seatstream when the first test asks for it, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	server, err := serverProgram() // makes the folder
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(server), "seatstream")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/seatstream").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build seatstream: %w\n%s", err, out)
	}
	return path, nil
})

// process is a seatstream process, of which a test wants to be the end.
type process struct {
	t     testing.TB
	args  []string
	cmd   *exec.Cmd
	log   *record
	ended chan struct{}
}

// record keeps what a process writes.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// startConsumer starts a consumer process between a NATS server and a ClickHouse.
func startConsumer(t testing.TB, nats, clickhouse string) *process {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, args: []string{path, "consumer", "--nats-url", nats, "--clickhouse-dsn", clickhouse}}
	p.start()
	t.Cleanup(p.kill)
	t.Cleanup(func() {
		if t.Failed() {
			text := p.log.String()
			t.Logf("consumer:\n%s", text[max(0, len(text)-2000):])
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	if p.log == nil {
		p.log = &record{}
	}
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Env = append(os.Environ(), "SEATSTREAM_ALLOW_PLAINTEXT=true", "SEATSTREAM_TELEMETRY_LISTEN=127.0.0.1:0")
	p.cmd.Dir, p.cmd.Stderr = p.t.TempDir(), p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	p.ended = ended
	go func(cmd *exec.Cmd) { _ = cmd.Wait(); close(ended) }(p.cmd)
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may be gone

// kill ends the process as a crash does. It may be called from anywhere, and again.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// alive tells whether the process has not ended.
func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// owned is how often the process has taken the stream.
func (p *process) owned() int { return strings.Count(p.log.String(), `"message":"stream owned"`) }
