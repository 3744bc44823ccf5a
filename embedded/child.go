package embedded

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// ChildCommand is the first argument of the child process. Whoever sees it in
// os.Args hands the rest to [EngineMain].
const ChildCommand = "engine-child"

// Exit codes of the child.
const (
	exitClean  = 0
	exitFailed = 1
	exitUsage  = 2
	exitStuck  = 3
)

// childArgs is what the parent tells the child on its command line.
type childArgs struct {
	program
	config   string
	path     string
	host     string
	tcpPort  int
	httpPort int
	grace    time.Duration
}

// EngineMain is the child process: it runs ClickHouse until its standard input
// ends or it is asked to terminate, and returns the exit code. The parent alone
// holds the other end of that input, so the engine ends with its parent even
// when the parent is killed.
func EngineMain(args []string) int {
	parsed, err := parseChildArgs(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine child:", err)
		return exitUsage
	}
	// The parent-death signal of a server binary hangs on the thread that
	// started it, and the library wants the stack of the main thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	stop := stopRequested()
	run := serveLibrary
	if parsed.binary != "" {
		run = serveBinary
	}
	if err := run(parsed, stop); err != nil {
		fmt.Fprintln(os.Stderr, "engine child:", err)
		return exitFailed
	}
	return exitClean
}

func (a childArgs) strings() []string {
	return []string{
		"-library=" + a.library, "-binary=" + a.binary,
		"-config=" + a.config, "-path=" + a.path, "-host=" + a.host,
		"-tcp-port=" + strconv.Itoa(a.tcpPort), "-http-port=" + strconv.Itoa(a.httpPort),
		"-grace=" + a.grace.String(),
	}
}

func parseChildArgs(args []string) (childArgs, error) {
	var a childArgs
	flags := flag.NewFlagSet(ChildCommand, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&a.library, "library", "", "")
	flags.StringVar(&a.binary, "binary", "", "")
	flags.StringVar(&a.config, "config", "", "")
	flags.StringVar(&a.path, "path", "", "")
	flags.StringVar(&a.host, "host", "127.0.0.1", "")
	flags.IntVar(&a.tcpPort, "tcp-port", 0, "")
	flags.IntVar(&a.httpPort, "http-port", 0, "")
	flags.DurationVar(&a.grace, "grace", stopGrace, "")
	if err := flags.Parse(args); err != nil {
		return a, fmt.Errorf("parse arguments: %w", err)
	}
	if (a.library == "") == (a.binary == "") {
		return a, errors.New("parse arguments: exactly one of library and binary is needed")
	}
	return a, nil
}

// stopRequested closes its channel at the end of standard input or at a signal
// to terminate, whichever comes first.
func stopRequested() <-chan struct{} {
	stop := make(chan struct{})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	go func() {
		select {
		case <-signals:
		case <-ended:
		}
		close(stop)
	}()
	return stop
}

// serveLibrary runs clickhouse-local with its listeners open. What keeps it
// serving is its last query, which reads from a pipe: closing the pipe ends the
// query, and the engine shuts its tables down as after any query.
func serveLibrary(a childArgs, stop <-chan struct{}) error {
	// A plain blocking pipe: Go's own is non-blocking, and on some systems
	// opening /dev/fd/N shares that flag with the engine.
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		return fmt.Errorf("open pipe: %w", err)
	}
	go func() {
		<-stop
		_ = syscall.Close(pipe[1])
		<-time.After(a.grace)
		fmt.Fprintln(os.Stderr, "engine child: stop took longer than", a.grace)
		os.Exit(exitStuck)
	}()
	query := "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; " +
		"SELECT * FROM file('/dev/fd/" + strconv.Itoa(pipe[0]) + "', 'LineAsString') FORMAT Null"
	return runLibrary(a.library, []string{
		"clickhouse",
		"--config-file=" + a.config,
		"--path=" + a.path,
		"--listen_host=" + a.host,
		"--tcp_port=" + strconv.Itoa(a.tcpPort),
		"--http_port=" + strconv.Itoa(a.httpPort),
		"--query=" + query,
	})
}

// serveBinary runs a ClickHouse server as a child of this one, so that it too
// ends with the parent on systems without a parent-death signal.
func serveBinary(a childArgs, stop <-chan struct{}) error {
	cmd := exec.Command(a.binary, "server", "--config-file="+a.config) //nolint:noctx // ended by signals, in order
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// Without this the server forks a watchdog and runs as its child, out of
	// reach of the parent-death signal.
	cmd.Env = append(os.Environ(), "CLICKHOUSE_WATCHDOG_ENABLE=0")
	cmd.ExtraFiles = []*os.File{os.NewFile(lockFD, "lock")}
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start clickhouse: %w", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case err := <-exited:
		if err == nil {
			err = errors.New("exited unasked")
		}
		return fmt.Errorf("run clickhouse: %w", err)
	case <-stop:
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-exited: //nolint:errcheck // it was told to end
		return nil
	case <-time.After(a.grace):
		_ = cmd.Process.Kill()
		<-exited //nolint:errcheck // it was killed
		return fmt.Errorf("stop clickhouse: took longer than %s", a.grace)
	}
}
