//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/schemas"
)

const (
	clientPort = "4222"
	routePort  = "6222"
	patience   = 4 * time.Minute // what a busy machine may take for anything
)

// shipped is the part of a server's configuration that the product ships.
const shipped = "../../deploy/nats/jetstream.conf"

// cluster is one nats-server process, or three that form a cluster.
type cluster struct {
	t     *testing.T
	nodes []*node
}

// node is a nats-server process with a store of its own.
type node struct {
	t     *testing.T
	name  string
	host  string
	store string // its folder
	conf  string
	netns string // network namespace it runs in; empty for that of the test
	log   string
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// layout says how servers differ from the shipped form.
type layout struct {
	size      int
	hosts     []string // addresses; on loopback where nil
	netns     []string // network namespaces; none where nil
	stores    []string // folders; below the test's folder where nil
	jetstream string   // settings of the jetstream block; as shipped where empty
	settings  string   // settings beside the block
}

func (l layout) host(t *testing.T, i int, base string) string {
	if l.hosts != nil {
		return l.hosts[i]
	}
	return fmt.Sprintf("%s%d", base, i+1)
}

// loopback finds addresses of their own for servers: a server that is away for a while
// finds its ports free when it comes back, because nobody else uses its address.
func loopback(t *testing.T) string {
	t.Helper()
	for range 100 {
		base := fmt.Sprintf("127.%d.%d.", 10+rand.IntN(240), 1+rand.IntN(250))
		l, err := net.Listen("tcp", base+"1:"+clientPort)
		if err == nil {
			_ = l.Close()
			return base
		}
	}
	t.Fatal("no free address on loopback")
	return ""
}

// startCluster starts servers that end with the test.
func startCluster(t *testing.T, l layout) *cluster {
	t.Helper()
	program, err := serverProgram()
	if err != nil {
		t.Fatal(err)
	}
	if l.jetstream == "" {
		b, err := os.ReadFile(shipped)
		if err != nil {
			t.Fatal(err)
		}
		l.jetstream = string(b)
	}
	c := &cluster{t: t}
	dir, base := t.TempDir(), loopback(t)
	var routes []string
	for i := range l.size {
		routes = append(routes, "nats://"+net.JoinHostPort(l.host(t, i, base), routePort))
	}
	for i := range l.size {
		n := &node{t: t, name: fmt.Sprint("n", i+1), host: l.host(t, i, base), ended: make(chan struct{})}
		n.store = filepath.Join(dir, n.name)
		if l.stores != nil {
			n.store = l.stores[i]
		}
		if l.netns != nil {
			n.netns = l.netns[i]
		}
		n.conf, n.log = filepath.Join(dir, n.name+".conf"), filepath.Join(dir, n.name+".log")
		n.write(program, l, routes)
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		n.start()
		t.Cleanup(n.kill)
	}
	t.Cleanup(func() {
		if t.Failed() {
			c.logs()
		}
	})
	return c
}

// write writes the node's configuration and the command that starts it.
func (n *node) write(program string, l layout, routes []string) {
	n.t.Helper()
	conf := fmt.Sprintf("server_name: %s\nlisten: %q\nlog_file: %q\njetstream {\nstore_dir: %q\n%s\n}\n%s\n",
		n.name, net.JoinHostPort(n.host, clientPort), n.log, n.store, l.jetstream, l.settings)
	if l.size > 1 {
		conf += fmt.Sprintf("cluster {\nname: faults\nlisten: %q\nroutes: [%s]\n}\n", net.JoinHostPort(n.host, routePort), strings.Join(routes, ", "))
	}
	if err := os.WriteFile(n.conf, []byte(conf), 0o600); err != nil {
		n.t.Fatal(err)
	}
	n.cmd = exec.Command(program, "-c", n.conf)
	if n.netns != "" {
		n.cmd = exec.Command("ip", "netns", "exec", n.netns, program, "-c", n.conf)
	}
}

// start starts the process; it may not take clients yet.
func (n *node) start() {
	n.t.Helper()
	n.cmd = exec.Command(n.cmd.Path, n.cmd.Args[1:]...)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // not to outlive a test that is killed
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan struct{})
	n.ended = ended
	go func(cmd *exec.Cmd) { _ = cmd.Wait(); close(ended) }(n.cmd)
}

// kill ends the process as a crash does, and returns when it is gone.
func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	<-n.ended
}

func (n *node) signal(s syscall.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.t.Fatal(err)
	}
}

// logs shows what the servers wrote last.
func (c *cluster) logs() {
	for _, n := range c.nodes {
		b, _ := os.ReadFile(n.log)
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		lines = slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, "[INF]") || strings.Contains(l, "connect to route") })
		c.t.Logf("%s:\n%s", n.name, strings.Join(lines[max(0, len(lines)-25):], "\n"))
	}
}

// url lists the servers' addresses.
func (c *cluster) url() string {
	var urls []string
	for _, n := range c.nodes {
		urls = append(urls, "nats://"+net.JoinHostPort(n.host, clientPort))
	}
	return strings.Join(urls, ",")
}

// connect opens a connection as the product does.
func (c *cluster) connect() *nats.Conn {
	c.t.Helper()
	var nc *nats.Conn
	until(c.t, "a server takes clients", func() (err error) {
		nc, err = connect.NATS(connect.NATSConfig{URL: c.url()}, "faults")
		return err
	})
	c.t.Cleanup(nc.Close)
	return nc
}

// leader is the node that leads the product's stream.
func (c *cluster) leader(js jetstream.JetStream) *node {
	c.t.Helper()
	var lead *node
	until(c.t, "the stream has a leader", func() error {
		ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
		defer cancel()
		stream, err := js.Stream(ctx, schemas.StreamM365.Name)
		if err != nil {
			return err
		}
		for _, n := range c.nodes {
			if info := stream.CachedInfo().Cluster; info == nil || info.Leader == n.name {
				lead = n
				return nil
			}
		}
		return errors.New("no leader")
	})
	return lead
}

// whole waits until every replica of the product's stream is there and current.
func (c *cluster) whole(js jetstream.JetStream) {
	c.t.Helper()
	until(c.t, "every replica is current", func() error {
		ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
		defer cancel()
		stream, err := js.Stream(ctx, schemas.StreamM365.Name)
		if err != nil {
			return err
		}
		info := stream.CachedInfo().Cluster
		if info == nil {
			return nil
		}
		for _, r := range info.Replicas {
			if !r.Current || r.Offline {
				return fmt.Errorf("replica on %s is behind", r.Name)
			}
		}
		if len(info.Replicas) != len(c.nodes)-1 {
			return fmt.Errorf("%d replicas", len(info.Replicas))
		}
		return nil
	})
}

// until waits for a condition and fails the test, with the last reason, where it does not
// come about.
func until(t testing.TB, what string, condition func() error) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %s in vain: %s: %v", patience, what, err)
		case <-t.Context().Done():
			t.Fatalf("test over: %s: %v", what, err)
		}
	}
}
