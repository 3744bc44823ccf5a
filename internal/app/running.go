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
	Metrics        string `json:"metrics"` // host:port
	// Which server and which engine these are: behind the address of an instance that was
	// killed there may be another one by now, with another directory.
	NATSID       string `json:"nats_id"`
	ClickHouseID string `json:"clickhouse_id"`
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
	if a.owns {
		return e
	}
	b, err := os.ReadFile(a.runningFile())
	if err != nil || schemas.Decode(b, &e) != nil {
		return Endpoints{}
	}
	return e
}

// announce writes the addresses of what this process started for other commands to find.
func (a *App) announce() error {
	e := a.Endpoints()
	if !a.startedNATS {
		e.NATS, e.NATSID = "", ""
	}
	if !a.startedEngine {
		e.ClickHouse, e.ClickHouseHTTP, e.ClickHouseID = "", "", ""
	}
	if e == (Endpoints{Metrics: e.Metrics}) {
		return nil
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
