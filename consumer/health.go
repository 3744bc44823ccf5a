package consumer

import (
	"fmt"
	"sync"
)

// health remembers whether the last insert succeeded.
type health struct {
	mu   sync.Mutex
	last error
}

func (h *health) failing(o outcome, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = fmt.Errorf("%s: %w", o, err)
}

func (h *health) healthy() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = nil
}

func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}
