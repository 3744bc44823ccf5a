//go:build linux

package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seatstream/seatstream/schemas"
)

// needRoot skips a test that changes mounts or networks where that is not allowed. In CI
// it must be.
func needRoot(t *testing.T, programs ...string) {
	t.Helper()
	problem := ""
	if os.Geteuid() != 0 {
		problem = "needs root"
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			problem = err.Error()
		}
	}
	switch {
	case problem == "":
	case os.Getenv("CI") == "true":
		t.Fatal(problem)
	default:
		t.Skip(problem)
	}
}

// command runs a program of the system.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// disk is a file system of its own in a file. What the kernel holds back is not in the
// file: a copy of the file is what a power cut leaves.
type disk struct {
	t     *testing.T
	image string
	mount string
	loop  string
}

func newDisk(t *testing.T, name string) *disk {
	t.Helper()
	dir := t.TempDir()
	d := &disk{t: t, image: filepath.Join(dir, name+".img"), mount: filepath.Join(dir, name)}
	if err := os.Mkdir(d.mount, 0o700); err != nil {
		t.Fatal(err)
	}
	command(t, "truncate", "-s", "1G", d.image)
	command(t, "mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1", d.image)
	d.attach()
	t.Cleanup(d.detach)
	return d
}

// losetup takes the next free device: two at once may take the same.
var losetup sync.Mutex

func (d *disk) attach() {
	d.t.Helper()
	losetup.Lock()
	defer losetup.Unlock()
	d.loop = command(d.t, "losetup", "--direct-io=on", "-f", "--show", d.image)
	command(d.t, "mount", d.loop, d.mount)
}

func (d *disk) detach() {
	if d.loop != "" {
		command(d.t, "umount", "-l", d.mount)
		command(d.t, "losetup", "-d", d.loop)
		d.loop = ""
	}
}

// cut leaves on the disk what a power cut at this moment would.
func (d *disk) cut() {
	d.t.Helper()
	left := d.image + ".left"
	command(d.t, "cp", "--sparse=always", d.image, left)
	d.detach()
	if err := os.Rename(left, d.image); err != nil {
		d.t.Fatal(err)
	}
	d.attach()
}

// TestN2 cuts the power of servers: kill -9, and of the disk only what had reached it.
func TestN2(t *testing.T) {
	t.Parallel()
	needRoot(t, "losetup", "mkfs.ext4", "mount")
	for _, f := range []struct {
		name, fault string
		size, cut   int
		quick, all  int
	}{
		{"one of one", "N2 power cut, the only server", 1, 1, 1, 10},
		{"one of three", "N2 power cut, one of three servers", 3, 1, 0, 4},
		{"three of three", "N2 power cut, all three servers", 3, 3, 0, 8},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			eachSeed(t, f.quick, f.all, func(t *testing.T, seed uint64, rng *rand.Rand) {
				l, disks := onDisks(t, layout{size: f.size})
				s := startStack(t, rng, l, 3)
				s.load.flowing(500 + rng.IntN(1500))
				recovery := powerCut(s, disks, rng.Perm(f.size)[:f.cut])
				s.settle(f.fault, seed, recovery).Report(t)
			})
		})
	}
}

func powerCut(s *stack, disks []*disk, which []int) time.Duration {
	for _, i := range which {
		s.nodes[i].kill()
	}
	for _, i := range which {
		disks[i].cut()
	}
	for _, i := range which {
		s.nodes[i].start()
	}
	ended := time.Now()
	recovery := s.recovered(ended)
	s.refill()
	return recovery
}

// refill waits until every replica is current. A replica may be left with a store
// that nats-server 2.15.2 cannot recover ("smb.truncate: ... s2: corrupt input", an
// unfinished compressed block): it does not mend itself, the others carry the stream, and
// the remedy is to empty its copy, which they fill again.
func (s *stack) refill() {
	s.t.Helper()
	for _, n := range s.nodes {
		b, err := os.ReadFile(n.log)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(string(b), "s2: corrupt input") {
			s.t.Logf("%s cannot recover its copy of the stream: emptied", n.name)
			n.kill()
			if err := os.RemoveAll(filepath.Join(n.store, "jetstream", "$G", "streams", schemas.StreamM365.Name)); err != nil {
				s.t.Fatal(err)
			}
			n.start()
		}
	}
	s.whole(s.js)
}

// onDisks gives every server a disk of its own.
func onDisks(t *testing.T, l layout) (layout, []*disk) {
	t.Helper()
	var disks []*disk
	for i := range l.size {
		d := newDisk(t, fmt.Sprint("disk", i+1))
		disks, l.stores = append(disks, d), append(l.stores, filepath.Join(d.mount, "store"))
	}
	return l, disks
}

// TestN2Control shows that a power cut loses what the server has not synced, and so that
// TestN2 would notice: the same with the server's default in place of what is shipped.
func TestN2Control(t *testing.T) {
	t.Parallel()
	needRoot(t, "losetup", "mkfs.ext4", "mount")
	eachSeed(t, 0, 3, func(t *testing.T, seed uint64, rng *rand.Rand) {
		l, disks := onDisks(t, layout{size: 1, jetstream: "sync_interval: 2m"})
		s := &stack{cluster: startCluster(t, l)}
		s.js = s.open().JS
		s.load = startLoad(t, s.js, rng, 3)
		s.load.flowing(500 + rng.IntN(1500))
		s.load.finish()
		s.nodes[0].kill()
		disks[0].cut()
		s.nodes[0].start()
		n := s.open() // creates the stream where not even that is left
		o := Outcome{Fault: "N2 control: power cut, the only server, sync_interval left at its default: must lose", Seed: seed, Control: true}
		there := inStream(t, n.JS)
		for _, n := range s.load.tenants {
			o.Acked += int64(len(n.acked))
			for id := range n.acked {
				if there[id] > 0 {
					o.Present++
				}
			}
		}
		o.Lost = o.Acked - o.Present
		o.Report(t)
	})
}
