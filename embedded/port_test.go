package embedded

import (
	"errors"
	"testing"
)

// TestPortOfACrashedEngine: while an engine is away after a crash its port is free, and no
// other engine may have it.
func TestPortOfACrashedEngine(t *testing.T) {
	t.Parallel()
	port, err := choosePort(defaultHost, 0)
	if err != nil {
		t.Fatal(err)
	}
	port -= 10_000 // as a preferred one, outside of the range that is drawn from
	first, err := promisePort(port)
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	if second, err := promisePort(port); !errors.Is(err, ErrPortTaken) {
		t.Errorf("promised twice: %v, %v", second, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := promisePort(port)
	if err != nil {
		t.Fatalf("not free after the end: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if drawn, err := promisePort(port + 10_000); drawn != nil || err != nil {
		t.Errorf("a port that was drawn: %v, %v", drawn, err)
	}
}
