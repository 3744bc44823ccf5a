package embedded

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// startParent runs an engine in a process of its own and returns that process,
// the engine's pid and its address.
func startParent(t *testing.T, dir string) (parent *exec.Cmd, engine int, dsn string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent = exec.Command(self, "parent-helper", dir)
	parent.Stderr = os.Stderr
	input, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = input.Close(); _ = parent.Wait() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("read from helper: %v", err)
	}
	if _, err := fmt.Sscan(line, &engine, &dsn); err != nil {
		t.Fatalf("read from helper %q: %v", line, err)
	}
	return parent, engine, dsn
}

// gone does not count a zombie, which the init of a container may never reap.
func gone(pid int) bool {
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

func TestKilledParentLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	needEngine(t)
	dir := t.TempDir()
	parent, pid, dsn := startParent(t, dir)
	execute(t, open(t, dsn),
		"CREATE DATABASE m365",
		"CREATE TABLE m365.t (n UInt64) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO m365.t SELECT number FROM numbers(1000)")
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The owner's lock goes with the process; its engine may still be going.
	_ = parent.Wait()
	next := startEngine(t, EngineConfig{Dir: dir})
	if !gone(pid) {
		t.Errorf("engine %d outlived its parent", pid)
	}
	wantCount(t, open(t, next.DSN()), 1000, "SELECT count() FROM m365.t")
}

func TestKilledParentTakesAStoppedEngineAlong(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a parent-death signal")
	}
	needEngine(t)
	parent, pid, _ := startParent(t, t.TempDir())
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stopped engine is gone", func() bool { return gone(pid) })
}

// fakeClickHouse is a `clickhouse server` as far as its supervision goes: it
// listens on the configured port until it is told to terminate.
func fakeClickHouse(args []string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	if len(args) != 2 || args[0] != "server" || os.Getenv("CLICKHOUSE_WATCHDOG_ENABLE") != "0" {
		return 2
	}
	text, err := os.ReadFile(strings.TrimPrefix(args[1], "--config-file="))
	if err != nil {
		return 2
	}
	port := regexp.MustCompile(`<tcp_port>(\d+)</tcp_port>`).FindSubmatch(text)
	listener, err := net.Listen("tcp", "127.0.0.1:"+string(port[1]))
	if err != nil {
		return 1
	}
	<-stop
	_ = listener.Close()
	// What a test looks for to know that the end was a clean one.
	if err := os.WriteFile("stopped-cleanly", nil, 0o600); err != nil {
		return 1
	}
	return 0
}

func TestBinaryIsSupervisedLikeTheLibrary(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "clickhouse")
	if err := os.Symlink(self, binary); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	engine, err := NewEngine(EngineConfig{Dir: dir, Library: binary})
	if err != nil {
		t.Fatal(err)
	}
	listening := func() bool {
		conn, err := net.Dial("tcp", engine.address(engine.cfg.TCPPort))
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}
	stop := runInBackground(t, engine)
	eventually(t, "the server listens", listening)

	pid := engine.PID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another child runs", func() bool { return engine.PID() != 0 && engine.PID() != pid })
	eventually(t, "the server listens again", listening)

	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if listening() {
		t.Error("the server outlived its supervisor")
	}
	if _, err := os.Stat(filepath.Join(dir, "stopped-cleanly")); err != nil {
		t.Errorf("the server was not stopped cleanly: %v", err)
	}
}
