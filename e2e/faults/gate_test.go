//go:build linux

package faults

import (
	"net"
	"net/url"
	"sync"
	"testing"
)

// gate stands between the product and a server. It cuts connections where a test says so,
// and refuses them while the server is to be away.
type gate struct {
	target string
	ln     net.Listener
	mu     sync.Mutex
	conns  map[net.Conn]bool
	away   bool
	// gentle closes the server's side in order: the embedded engine ends its process where a
	// client resets a connection at a bad moment, and is slow to be started a thousand times.
	gentle bool
	// see is asked before bytes are passed on; where it returns false they are not, and the
	// connection is reset.
	see func(up bool, chunk []byte) bool
}

// startGate stands before an address until the test ends.
func startGate(t testing.TB, target string) *gate {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &gate{target: target, ln: ln, conns: map[net.Conn]bool{}}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			group.Go(func() { p.serve(in) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); p.cut(); group.Wait() })
	return p
}

// before returns an address with the proxy in the server's place.
func (p *gate) before(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.ln.Addr().String()
	return u.String()
}

// hostOf is host and port of an address.
func hostOf(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// watch sets what is asked about bytes from now on.
func (p *gate) watch(see func(up bool, chunk []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.see = see
}

// leave makes the server away, or there again.
func (p *gate) leave(away bool) {
	p.mu.Lock()
	p.away = away
	p.mu.Unlock()
	if away {
		p.cut()
	}
}

// cut resets every connection.
func (p *gate) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not an orderly end
	}
	_ = c.Close()
}

func (p *gate) serve(in net.Conn) {
	p.mu.Lock()
	away := p.away
	p.mu.Unlock()
	if away {
		reset(in)
		return
	}
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		reset(in)
		return
	}
	p.mu.Lock()
	p.conns[in], p.conns[out] = true, true
	p.mu.Unlock()
	var group sync.WaitGroup
	end := reset
	if p.gentle {
		end = func(c net.Conn) { _ = c.Close() }
	}
	group.Go(func() { defer end(out); defer reset(in); p.pass(true, in, out) })
	group.Go(func() { defer end(out); defer reset(in); p.pass(false, out, in) })
	group.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, in)
	delete(p.conns, out)
}

func (p *gate) pass(up bool, from, to net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.mu.Lock()
			see := p.see
			p.mu.Unlock()
			if see != nil && !see(up, buf[:n]) {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// inserts follows the inserts on a connection to ClickHouse. Its steps are found in the
// native protocol: the text of the query, blocks from the client, and the packet
// EndOfStream (5), the last byte of what the server says once all is committed.
type inserts struct {
	mu   sync.Mutex
	open bool // an insert has begun and is not answered
}

// step names what a chunk is.
func (s *inserts) step(up bool, chunk []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case up && contains(chunk, "INSERT INTO m365.user_changes"): // not the data that every start loads
		s.open = true
		return "asked"
	case up && s.open:
		return "sent"
	case !up && s.open && chunk[len(chunk)-1] == 5:
		s.open = false
		return "committed"
	}
	return ""
}
