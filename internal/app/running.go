package app

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seatstream/seatstream/schemas"
)

// Endpoints are the addresses of a running instance.
type Endpoints struct {
	NATS           string `json:"nats"`
	ClickHouse     string `json:"clickhouse"`
	ClickHouseHTTP string `json:"clickhouse_http"`
}

// Endpoints returns the addresses of the parts opened so far.
func (a *App) Endpoints() Endpoints {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.parts
}

// runningFile lies in the data directory while an instance with embedded parts is up, so
// that other commands with the same data directory find it. It may be stale: whoever
// reads it tries the address before believing it.
func (a *App) runningFile() string { return filepath.Join(a.Config.DataDir, "running.json") }

func (a *App) running() Endpoints {
	var e Endpoints
	b, err := os.ReadFile(a.runningFile())
	if err != nil || schemas.Decode(b, &e) != nil {
		return Endpoints{}
	}
	return e
}

// announce writes the addresses of this instance for other commands to find.
func (a *App) announce() error {
	if !a.Config.NATS.Embedded() && !a.Config.ClickHouse.Embedded() {
		return nil
	}
	e := a.Endpoints()
	if !a.Config.NATS.Embedded() {
		e.NATS = ""
	}
	if !a.Config.ClickHouse.Embedded() {
		e.ClickHouse = ""
	}
	b, err := schemas.NewEncoder().Encode(e)
	if err != nil {
		return err
	}
	tmp := a.runningFile() + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("announce instance: %w", err)
	}
	if err := os.Rename(tmp, a.runningFile()); err != nil {
		return fmt.Errorf("announce instance: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onClose(func() { _ = os.Remove(a.runningFile()) }) // a stale file is tried and dismissed
	return nil
}
