package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrInUse is returned when a directory already serves a live instance.
var ErrInUse = errors.New("directory in use")

// lockPoll is how often a lock is tried again while a dead owner's engine is
// still on its way out; flock has no wait with a deadline.
const lockPoll = 20 * time.Millisecond

// A directory has two locks, because flock belongs to the open file and lives
// until the last process that has it open ends. The owner's lock is held by the
// parent alone, so it tells a live instance, which is refused at once, from a
// dead one. The engine's lock is inherited by the child, so after the parent was
// killed it tells when the engine is gone too. Process ids serve the message
// only: they are reused, and a zombie still has one.

// lockOwner takes the owner's lock of dir, which it creates.
func lockOwner(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create directory: %w", err)
	}
	file, err := openLock(dir, "lock")
	if err != nil {
		return nil, err
	}
	taken, err := tryLock(file)
	switch {
	case err != nil:
	case taken:
		err = writeOwner(file)
	default:
		err = fmt.Errorf("lock %s: %w by process %s", dir, ErrInUse, readOwner(file))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// lockEngine takes the engine's lock of dir, and waits for what a killed owner
// left running until ctx ends. The caller holds the owner's lock.
func lockEngine(ctx context.Context, dir string) (*os.File, error) {
	file, err := openLock(dir, "engine.lock")
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		taken, err := tryLock(file)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if taken {
			return file, nil
		}
		select {
		case <-ctx.Done():
			err := fmt.Errorf("lock %s: %w by the engine of an instance that was killed", dir, ErrInUse)
			return nil, errors.Join(err, file.Close())
		case <-tick.C:
		}
	}
}

func openLock(dir, name string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	return file, nil
}

func tryLock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return true, nil
}

func writeOwner(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	return nil
}

func readOwner(file *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 32))
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}
