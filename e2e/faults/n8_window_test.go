//go:build linux

package faults

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/schemas"
)

// TestN8 takes the acknowledgement of a stored batch away and keeps the producer from the
// server for longer than it remembers message ids (a second here, two minutes as shipped). A producer that then sent the
// batch again, without looking, would store it twice.
func TestN8(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 5, func(t *testing.T, seed uint64, rng *rand.Rand) {
		const window = time.Second
		s := &stack{cluster: startCluster(t, layout{size: 1})}
		own := s.open()
		stream, err := own.JS.Stream(t.Context(), schemas.StreamM365.Name)
		if err != nil {
			t.Fatal(err)
		}
		cfg := stream.CachedInfo().Config
		cfg.Duplicates = window
		if _, err := own.JS.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		s.withTables(own)
		p := startProxy(t, net.JoinHostPort(s.nodes[0].host, clientPort))
		nc, err := nats.Connect("nats://"+p.address(), append(connect.Options("faults"), nats.ReconnectWait(50*time.Millisecond))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		if s.js, err = jetstream.New(nc); err != nil {
			t.Fatal(err)
		}
		s.load = startLoad(t, s.js, rng, 1)
		s.load.flowing(rng.IntN(100))
		<-p.swallow()
		// So long that the producer has waited for the answer (15 s), has tried to read the
		// batch back (5 s), and is about to try again.
		pause := time.NewTimer(22 * time.Second)
		<-pause.C
		p.back()
		recovery := s.recovered(time.Now())
		o := s.settle("N8 acknowledgement of a batch lost, server out of reach past the duplicate window", seed, recovery)
		o.Report(t)
		if o.DupRaw != 0 {
			t.Errorf("%d records twice in the stream", o.DupRaw)
		}
	})
}

// proxy stands between a client and a server. It can swallow an acknowledgement.
type proxy struct {
	t        *testing.T
	listener net.Listener
	server   string
	mu       sync.Mutex
	armed    chan struct{} // closed when an acknowledgement was swallowed
	away     bool
	open     map[net.Conn]bool
	group    sync.WaitGroup
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: l, server: server, open: map[net.Conn]bool{}}
	p.group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.group.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.group.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// swallow drops the next acknowledgement of a batch and the connection with it, and takes
// no new ones until back is called. The channel is closed when that has happened.
func (p *proxy) swallow() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = make(chan struct{})
	return p.armed
}

func (p *proxy) back() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

// cut closes every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	if p.away {
		p.mu.Unlock()
		return
	}
	p.open[client], p.open[server] = true, true
	p.mu.Unlock()
	p.group.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil || p.drops(buf[:n]) {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// drops reports whether the bytes have the acknowledgement that is to be swallowed.
func (p *proxy) drops(b []byte) bool {
	if !bytes.Contains(b, []byte(`"batch":`)) {
		return false
	}
	p.mu.Lock()
	armed := p.armed
	p.armed = nil
	p.mu.Unlock()
	if armed == nil {
		return false
	}
	p.cut()
	close(armed)
	return true
}
