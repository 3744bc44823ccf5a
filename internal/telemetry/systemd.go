package telemetry

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
)

// What systemd is told. Where there is no systemd, nobody is.
const (
	ready    = daemon.SdNotifyReady
	stopping = daemon.SdNotifyStopping
	alive    = daemon.SdNotifyWatchdog
)

func notify(state string, log zerolog.Logger) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn().Err(err).Str("state", state).Msg("systemd not told")
	}
}

// watchdog tells systemd that the process works, while its vital parts do.
func (s *Server) watchdog(ctx context.Context) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	tick := time.NewTicker(every / 3)
	defer tick.Stop()
	for {
		if len(s.failures(ctx, true)) == 0 {
			notify(alive, s.log)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
