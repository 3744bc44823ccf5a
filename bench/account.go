package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of times in /proc: 100 a second on every Linux that Go runs on.
const clockTick = 100

// account is the processor time of another process, from the system's books.
type account struct {
	part   string
	pid    int
	before float64
}

func (a *account) open() (err error) {
	a.before, err = used(a.pid)
	return err
}

// close returns the core-seconds since open, and the largest resident size so far in MB.
func (a *account) close() (seconds, peakMB float64, err error) {
	now, err := used(a.pid)
	if err != nil {
		return 0, 0, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read account of process %d: %w: the bench needs Linux", a.pid, err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, err := strconv.ParseFloat(f[1], 64)
			return now - a.before, kb / 1024, err
		}
	}
	return now - a.before, 0, nil
}

// used is the processor time of a process, user and system, in seconds.
func used(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read account of process %d: %w: the bench needs Linux", pid, err)
	}
	_, rest, _ := strings.Cut(string(b), ") ") // the name stands in brackets and may hold blanks
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("read account of process %d: %q", pid, b)
	}
	var ticks float64
	for _, s := range f[11:13] {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, fmt.Errorf("read account of process %d: %w", pid, err)
		}
		ticks += n
	}
	return ticks / clockTick, nil
}

// ownUse is the account of this process.
func ownUse() said {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return said{}
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return said{CoreSeconds: seconds(u.Utime) + seconds(u.Stime), PeakMB: float64(u.Maxrss) / 1024}
}

// load is the system's load average of the last minute, as it says; empty where it does not.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// until waits for a condition.
func until(ctx context.Context, condition func() (bool, error)) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := condition(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
