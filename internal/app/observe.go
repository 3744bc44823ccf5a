package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/telemetry"
	"github.com/seatstream/seatstream/producer"
)

// observe makes the roles' consumers and opens what shows how the process is.
func (a *App) observe(ctx context.Context, roles Roles) (err error) {
	var metrics []prometheus.Collector
	checks := []telemetry.Check{{Part: "nats", Check: a.checkNATS}, {Part: "nats connection", Vital: true, Check: a.checkConnection}}
	if roles.Producer {
		metrics = append(metrics, producer.Metrics()...)
	}
	if roles.Consumer {
		if a.consumers, err = a.Consumers(ctx); err != nil {
			return err
		}
		metrics = append(metrics, consumer.Metrics()...)
		checks = append(checks, telemetry.Check{Part: "clickhouse", Check: a.ch.Ping},
			telemetry.Check{Part: "consumer", Check: func(context.Context) error { return a.consumers.Healthy() }})
	}
	if a.Config.Telemetry.Listen == "" {
		return nil
	}
	s, err := telemetry.Listen(ctx, a.Config.Telemetry.Listen, metrics, checks, a.Version, a.Log)
	if err != nil {
		return err
	}
	a.telemetry = s
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parts.Metrics = s.Addr()
	a.onClose(s.Close)
	return nil
}

// checkNATS asks the server for its JetStream account: connected alone does not mean that
// the stream can be reached.
func (a *App) checkNATS(ctx context.Context) error {
	_, err := a.js.AccountInfo(ctx)
	return err
}

// checkConnection fails once the client has given up, which it does for a wrong password
// only.
func (a *App) checkConnection(context.Context) error {
	if a.nc.Status() != nats.CLOSED {
		return nil
	}
	return errors.Join(fmt.Errorf("closed for good: start again with other nats settings"), a.nc.LastError())
}
