package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

const (
	// stopGrace is what a clean stop may take before the child gives up on
	// itself, termGrace what the parent then adds before it kills.
	stopGrace = 15 * time.Second
	termGrace = 5 * time.Second
	// lockWait covers a killed parent's engine on its way out.
	lockWait = stopGrace + termGrace

	firstBackoff = 50 * time.Millisecond
	lastBackoff  = 5 * time.Second
	// maxFailedStarts children in a row that end before they answered one
	// query end the attempts. A child that answered and then crashed is always
	// followed by another one.
	maxFailedStarts = 5
	// takenStarts in a row that fail while a port is taken tell of another program;
	// after fewer the port may still be with a child of our own on its way out.
	takenStarts = 3

	logRotateSize = 10 << 20
	logTailSize   = 2 << 10
	// lockFD is where children find the inherited lock: ExtraFiles start at 3.
	lockFD = 3
)

// Run starts the engine and keeps it running until ctx ends, then stops it
// cleanly and returns nil. A crashed engine is started again on the same ports.
// Run gives up, with the end of the engine's log in the error, when several
// starts in a row end before the engine answers, and refuses a directory that
// another instance uses with [ErrInUse]. An Engine runs once.
func (e *Engine) Run(ctx context.Context) error {
	if !e.started.CompareAndSwap(false, true) {
		return errors.New("run engine: it ran before")
	}
	defer close(e.done)
	if err := e.run(ctx); err != nil {
		e.err = fmt.Errorf("run engine: %w", err)
	}
	return e.err
}

func (e *Engine) run(ctx context.Context) error {
	// On Linux the kernel kills the child when the thread that started it
	// ends, so this goroutine keeps its thread for as long as it has children.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	owner, err := lockOwner(e.cfg.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = owner.Close() }()
	waitCtx, cancel := context.WithTimeout(ctx, lockWait)
	lock, err := lockEngine(waitCtx, e.cfg.Dir)
	cancel()
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped while it waited
		}
		return err
	}
	defer func() { _ = lock.Close() }()
	for _, port := range []int{e.cfg.TCPPort, e.cfg.HTTPPort} {
		promise, err := promisePort(port)
		if err != nil {
			return err
		}
		defer func() { _ = promise.Close() }() // nil where none is needed
	}
	if err := writeConfig(e.cfg.Dir, e.configData()); err != nil {
		return err
	}
	return e.supervise(ctx, lock)
}

func (e *Engine) configData() configData {
	return configData{
		Dir: e.cfg.Dir, Host: e.cfg.Host, TCPPort: e.cfg.TCPPort, HTTPPort: e.cfg.HTTPPort,
		MaxMemory: e.cfg.MaxMemory, Instance: e.instance, Users: e.cfg.Users,
	}
}

// ErrPortTaken is returned when another program took a port between [NewEngine], which
// found it free, and the start of the engine. A new Engine finds another one.
var ErrPortTaken = errors.New("port taken by another program")

// supervise runs children one after the other until ctx ends.
func (e *Engine) supervise(ctx context.Context, lock *os.File) error {
	backoff, failed, served := firstBackoff, 0, false
	for {
		end, err := e.runChild(ctx, lock)
		if err != nil || end.crash == nil {
			return err
		}
		if end.answered {
			backoff, failed, served = firstBackoff, 0, true
		} else {
			failed++
		}
		taken := !served && (!portFree(e.cfg.Host, e.cfg.TCPPort) || !portFree(e.cfg.Host, e.cfg.HTTPPort))
		if taken && failed >= takenStarts {
			return fmt.Errorf("%w: %s or %s", ErrPortTaken, e.address(e.cfg.TCPPort), e.address(e.cfg.HTTPPort))
		}
		if failed >= maxFailedStarts {
			return fmt.Errorf("%d starts failed: %w; end of %s:\n%s", failed, end.crash, e.logPath(), e.logTail())
		}
		level := zerolog.WarnLevel
		if taken {
			level = zerolog.DebugLevel // it is not the engine's fault
		}
		e.cfg.Log.WithLevel(level).Err(end.crash).Dur("backoff", backoff).Msg("engine crashed, starting it again")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// ending is how a child ended.
type ending struct {
	crash    error // nil when it was asked to
	answered bool  // whether it ever answered a query
}

// runChild runs one child to its end; err is a failure to start one at all.
func (e *Engine) runChild(ctx context.Context, lock *os.File) (end ending, err error) {
	cmd, hold, err := e.startChild(lock)
	if err != nil {
		return ending{}, err
	}
	defer func() { _ = hold.Close() }()
	e.pid.Store(int64(cmd.Process.Pid))
	defer e.pid.Store(0)
	e.cfg.Log.Info().Int("pid", cmd.Process.Pid).Str("native", e.address(e.cfg.TCPPort)).
		Str("http", e.HTTPURL()).Str("program", e.program.library+e.program.binary).Msg("engine started")

	probeCtx, cancel := context.WithCancel(ctx)
	answered := make(chan bool, 1)
	go func() { answered <- e.reach(probeCtx) == nil }()
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case end.crash = <-exited:
		if end.crash == nil {
			end.crash = errors.New("exited unasked")
		}
	case <-ctx.Done():
		e.stopChild(cmd, hold, exited)
	}
	cancel()
	end.answered = <-answered
	return end, nil
}

// startChild starts this executable again as the engine's process. hold is the
// write end of the child's standard input: the child lives until it closes.
func (e *Engine) startChild(lock *os.File) (cmd *exec.Cmd, hold *os.File, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find executable: %w", err)
	}
	log, err := e.openLog()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = log.Close() }()
	input, hold, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("open pipe: %w", err)
	}
	defer func() { _ = input.Close() }()

	args := childArgs{
		program: e.program, config: filepath.Join(e.cfg.Dir, "config.xml"),
		path: filepath.Join(e.cfg.Dir, "store"), host: e.cfg.Host,
		tcpPort: e.cfg.TCPPort, httpPort: e.cfg.HTTPPort, grace: stopGrace,
	}
	cmd = exec.Command(self, append([]string{ChildCommand}, args.strings()...)...) //nolint:noctx // ended through its pipe
	cmd.Dir = e.cfg.Dir
	cmd.Env = e.childEnv()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, log, log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start engine: %w", err), hold.Close())
	}
	return cmd, hold, nil
}

// childEnv passes on what a process needs to start, and none of the rest: the
// environment of seatstream may hold secrets that the engine has no use for.
func (e *Engine) childEnv() []string {
	env := []string{"HOME=" + e.cfg.Dir, "TZ=UTC"}
	for _, name := range []string{"PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// stopChild asks gently, then firmly, then not at all.
func (e *Engine) stopChild(cmd *exec.Cmd, hold *os.File, exited <-chan error) {
	begun := time.Now()
	_ = hold.Close()
	for _, step := range []struct {
		wait time.Duration
		next syscall.Signal
	}{{stopGrace, syscall.SIGTERM}, {termGrace, syscall.SIGKILL}} {
		select {
		case <-exited: //nolint:errcheck // it was told to end
			e.cfg.Log.Info().Dur("took", time.Since(begun)).Msg("engine stopped")
			return
		case <-time.After(step.wait):
			e.cfg.Log.Warn().Stringer("signal", step.next).Msg("engine does not stop, signalling it")
			_ = cmd.Process.Signal(step.next)
		}
	}
	<-exited //nolint:errcheck // it was killed
}

func (e *Engine) logPath() string { return filepath.Join(e.cfg.Dir, "engine.log") }

// openLog keeps one old log beside the current one. It is called for every
// child, so a crash loop cannot grow the log without bound.
func (e *Engine) openLog() (*os.File, error) {
	if info, err := os.Stat(e.logPath()); err == nil && info.Size() > logRotateSize {
		if err := os.Rename(e.logPath(), e.logPath()+".1"); err != nil {
			return nil, fmt.Errorf("rotate log: %w", err)
		}
	}
	file, err := os.OpenFile(e.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return file, nil
}

func (e *Engine) logTail() string {
	text, err := os.ReadFile(e.logPath())
	if err != nil {
		return err.Error()
	}
	if len(text) > logTailSize {
		text = text[len(text)-logTailSize:]
	}
	return strings.TrimSpace(string(text))
}
