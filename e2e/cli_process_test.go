package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seatstream/seatstream/embedded"
)

// patience is how long a condition may take on a machine that does other things too.
const patience = 4 * time.Minute

// cli starts the program in a folder of its own, with an environment in which nothing of
// the machine's own configuration shows.
type cli struct {
	t       testing.TB
	dir     string
	env     []string
	secrets []string // must not show in anything the program writes
}

func newCLI(t testing.TB) *cli {
	t.Helper()
	c := &cli{t: t, dir: t.TempDir(), env: []string{"SEATSTREAM_NATS_PORT=0", "SEATSTREAM_CLICKHOUSE_TCP_PORT=0", "SEATSTREAM_CLICKHOUSE_HTTP_PORT=0"}}
	t.Cleanup(func() { noEngines(t, c.dir) }) // they write to the folder until they notice
	return c
}

// needEngine skips where there is no ClickHouse engine, except in CI, where a test that
// does not run must not look like one that passed.
func needEngine(t testing.TB) {
	t.Helper()
	_, err := embedded.NewEngine(embedded.EngineConfig{Dir: t.TempDir()})
	if errors.Is(err, embedded.ErrNoEngine) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// environment is what the program sees: what a process needs to start, and c.env.
func (c *cli) environment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "SEATSTREAM_ENGINE", "SEATSTREAM_CACHE"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, c.env...)
}

// proc is a started program.
type proc struct {
	t        testing.TB
	cmd      *exec.Cmd
	out, err *text
	done     chan struct{} // closed when it has ended
	secrets  []string
}

// start starts the program. It is killed with its group at the end of the test at the
// latest.
func (c *cli) start(args ...string) *proc {
	c.t.Helper()
	path, err := binary()
	if err != nil {
		c.t.Fatal(err)
	}
	return c.startProgram(path, args...)
}

func (c *cli) startProgram(path string, args ...string) *proc {
	c.t.Helper()
	p := &proc{t: c.t, cmd: exec.Command(path, args...), out: newText(), err: newText(), done: make(chan struct{}), secrets: c.secrets}
	p.cmd.Dir, p.cmd.Env = c.dir, c.environment()
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.err
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the exit code is read from ProcessState
		close(p.done)
	}()
	c.t.Cleanup(func() {
		p.kill()
		if c.t.Failed() && (p.cmd.ProcessState.ExitCode() != 0 || p.err.String() != "") {
			c.t.Logf("%s\nstdout:\n%s\nstderr:\n%s", strings.Join(p.cmd.Args, " "), tail(p.out.String()), tail(p.err.String()))
		}
	})
	return p
}

func tail(s string) string {
	const most = 1500
	if len(s) > most {
		return "... " + s[len(s)-most:]
	}
	return s
}

// kill ends the process at once, as a power cut does; its children are left to notice.
func (p *proc) kill() {
	select {
	case <-p.done:
	default:
		_ = p.cmd.Process.Kill() // gone already is fine
		<-p.done
	}
}

// stop sends a signal and returns the exit code.
func (p *proc) stop(sig os.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Errorf("signal %s: %v", sig, err)
	}
	return p.wait()
}

// wait returns the exit code of a program that ends by itself.
func (p *proc) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end", strings.Join(p.cmd.Args, " "))
	}
	p.noSecrets()
	return p.cmd.ProcessState.ExitCode()
}

func (p *proc) noSecrets() {
	p.t.Helper()
	for _, s := range p.secrets {
		if strings.Contains(p.out.String(), s) || strings.Contains(p.err.String(), s) {
			p.t.Errorf("%s prints a secret", strings.Join(p.cmd.Args, " "))
		}
	}
}

// line waits for a match in what the program prints and returns its groups.
func (p *proc) line(pattern string) []string {
	p.t.Helper()
	m, err := p.out.wait(regexp.MustCompile(pattern), p.done)
	if err != nil {
		p.t.Fatalf("%s: %q does not show: %v", strings.Join(p.cmd.Args, " "), pattern, err)
	}
	return m
}

// result is what a program came to that has ended.
type result struct {
	code     int
	out, err string
}

// run runs the program to its end.
func (c *cli) run(args ...string) result {
	c.t.Helper()
	p := c.start(args...)
	code := p.wait()
	return result{code, p.out.String(), p.err.String()}
}

// ok runs the program, which must succeed and have nothing to say on standard error, and
// returns its output.
func (c *cli) ok(args ...string) string {
	c.t.Helper()
	r := c.run(args...)
	if r.code != 0 || r.err != "" {
		c.t.Fatalf("seatstream %s: exit %d, stderr:\n%s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// refused runs the program, which must end with the code and one line on standard error
// that holds all the words, and returns that line.
func (c *cli) refused(code int, args []string, words ...string) string {
	c.t.Helper()
	r := c.run(args...)
	said := "seatstream " + strings.Join(args, " ")
	if r.code != code {
		c.t.Errorf("%s: exit %d, want %d", said, r.code, code)
	}
	if !strings.HasPrefix(r.err, "seatstream: ") || strings.Count(r.err, "\n") != 1 || strings.Contains(r.err, "goroutine ") {
		c.t.Errorf("%s: stderr is not one message:\n%s", said, r.err)
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			c.t.Errorf("%s: message lacks %q: %s", said, w, r.err)
		}
	}
	return r.err
}

// text collects output and tells those who wait when more has come.
type text struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{}
}

func newText() *text { return &text{more: make(chan struct{})} }

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.buf.Write(p)
	close(x.more)
	x.more = make(chan struct{})
	return len(p), nil
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.buf.String()
}

func (x *text) wait(re *regexp.Regexp, ended <-chan struct{}) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for last := false; ; {
		x.mu.Lock()
		m, more := re.FindStringSubmatch(x.buf.String()), x.more
		x.mu.Unlock()
		switch {
		case m != nil:
			return m, nil
		case last:
			return nil, errors.New("the program has ended")
		}
		select {
		case <-more:
		case <-ended:
			last = true // what it printed last is still to be looked at
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// engines lists the ClickHouse processes that work below a folder.
func engines(t testing.TB, dir string) []int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil // no list of processes without a tool
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		args, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline")) // empty for a zombie
		if err == nil && strings.Contains(string(args), embedded.ChildCommand) &&
			(strings.Contains(string(args), dir+"/") || strings.Contains(string(args), resolved+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// noEngines waits until the engines below a folder are gone.
func noEngines(t testing.TB, dir string) {
	t.Helper()
	eventually(t, "the engine ends with its parent", func() bool { return len(engines(t, dir)) == 0 })
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not so after %s: %s", patience, what)
		}
	}
}
