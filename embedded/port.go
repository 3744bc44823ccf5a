package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Free ports are taken below the ranges from which Linux (32768 and up) and
// macOS (49152 and up) serve outgoing connections: while a crashed engine is
// away, no connection of another program can be given its port.
const (
	firstFreePort = 20000
	lastFreePort  = 32000
	portTries     = 200
	// maxPortTries is how often a start is repeated whose port was taken meanwhile.
	maxPortTries = 5
)

// choosePort returns preferred if it is free on host, and another free port
// otherwise; avoid are ports already promised to a neighbour.
func choosePort(host string, preferred int, avoid ...int) (int, error) {
	if preferred > 0 && !contains(avoid, preferred) && portFree(host, preferred) {
		return preferred, nil
	}
	for range portTries {
		port := firstFreePort + rand.IntN(lastFreePort-firstFreePort)
		if !contains(avoid, port) && portFree(host, port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find free port on %s: none in %d tries", host, portTries)
}

// promisePort keeps other engines of this user away from a port for as long as the file is
// open, also while a crashed engine is away: another would start there, and whoever reads and
// writes would be led to it. Ports of the range that is drawn from need none.
func promisePort(port int) (*os.File, error) {
	if port >= firstFreePort && port < lastFreePort {
		return nil, nil
	}
	name := filepath.Join(os.TempDir(), fmt.Sprintf("seatstream-%d-port-%d.lock", os.Getuid(), port))
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, nil //nolint:nilerr // without a folder for such files it is left to chance, as before
	}
	taken, err := tryLock(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if !taken {
		return nil, errors.Join(fmt.Errorf("%w: %d is another engine's", ErrPortTaken, port), file.Close())
	}
	return file, nil
}

func portFree(host string, port int) bool {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

func contains(ports []int, port int) bool {
	for _, p := range ports {
		if p == port {
			return true
		}
	}
	return false
}

// reachable turns the host to listen on into one to connect to.
func reachable(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return defaultHost
	}
	return host
}
