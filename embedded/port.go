package embedded

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
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
