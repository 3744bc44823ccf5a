//go:build linux

package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// network is a network of its own: a namespace per server, joined by a bridge to which the
// test has a link too.
type network struct {
	t      *testing.T
	spaces []string
	hosts  []string
}

func newNetwork(t *testing.T, size int) *network {
	t.Helper()
	id := fmt.Sprintf("%x%02x", os.Getpid()&0xffff, rand.IntN(256))
	base := fmt.Sprintf("10.%d.%d.", 200+rand.IntN(50), rand.IntN(250))
	bridge := "ssb" + id
	command(t, "ip", "link", "add", bridge, "type", "bridge")
	t.Cleanup(func() { command(t, "ip", "link", "del", bridge) })
	command(t, "ip", "addr", "add", base+"1/24", "dev", bridge)
	command(t, "ip", "link", "set", bridge, "up")
	n := &network{t: t}
	for i := range size {
		ns, outer, inner := fmt.Sprint("ss", id, "n", i+1), fmt.Sprint("sv", id, i+1), fmt.Sprint("si", id, i+1)
		command(t, "ip", "netns", "add", ns)
		t.Cleanup(func() { command(t, "ip", "netns", "del", ns) })
		command(t, "ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", ns)
		command(t, "ip", "link", "set", outer, "master", bridge, "up")
		n.spaces, n.hosts = append(n.spaces, ns), append(n.hosts, fmt.Sprint(base, 11+i))
		command(t, "ip", "-n", ns, "addr", "add", n.hosts[i]+"/24", "dev", inner)
		command(t, "ip", "-n", ns, "link", "set", inner, "up")
		command(t, "ip", "-n", ns, "link", "set", "lo", "up")
	}
	return n
}

// deaf drops, or lets through again, what server from sends to server to.
func (n *network) deaf(verb string, from, to int) {
	n.t.Helper()
	command(n.t, "ip", "-n", n.spaces[from], "route", verb, "blackhole", n.hosts[to]+"/32")
}

// away drops, or lets through again, what the test's own clients send to a server.
func (n *network) away(verb string, to int) {
	n.t.Helper()
	command(n.t, "ip", "route", verb, "blackhole", n.hosts[to]+"/32")
}

// TestN4 parts the servers of a cluster of three, or the clients from all of them, and
// joins them again.
func TestN4(t *testing.T) {
	t.Parallel()
	needRoot(t, "ip")
	for _, f := range []struct {
		name, fault string
		quick, all  int
		part        func(n *network, verb string, lead int)
	}{
		{"leader alone", "N4 partition: the leader from the two others, for 15 to 25 s", 0, 4, func(n *network, verb string, lead int) {
			for i := range n.hosts {
				if i != lead {
					n.deaf(verb, lead, i)
					n.deaf(verb, i, lead)
				}
			}
		}},
		{"clients alone", "N4 partition: producers and consumer from every server, for 15 to 25 s", 0, 4, func(n *network, verb string, _ int) {
			for i := range n.hosts {
				n.away(verb, i)
			}
		}},
		{"one way", "N4 partition: one way, from the leader to the two others, for 15 to 25 s", 0, 4, func(n *network, verb string, lead int) {
			for i := range n.hosts {
				if i != lead {
					n.deaf(verb, lead, i)
				}
			}
		}},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			eachSeed(t, f.quick, f.all, func(t *testing.T, seed uint64, rng *rand.Rand) {
				n := newNetwork(t, 3)
				s := startStack(t, rng, layout{size: 3, hosts: n.hosts, netns: n.spaces}, 3)
				s.load.flowing(rng.IntN(500))
				lead := 0
				for i, node := range s.nodes {
					if node == s.leader(s.js) {
						lead = i
					}
				}
				f.part(n, "add", lead)
				parted := time.NewTimer(15*time.Second + time.Duration(rng.Int64N(int64(10*time.Second))))
				<-parted.C // the fault is a stretch of time
				f.part(n, "del", lead)
				recovery := s.recovered(time.Now())
				s.whole(s.js)
				s.settle(f.fault, seed, recovery).Report(t)
			})
		})
	}
}
