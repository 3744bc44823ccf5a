//go:build !noembedded

package embedded

import (
	"fmt"
	"sync/atomic"

	"github.com/rs/zerolog"
)

// natsLog writes the server's log lines to zerolog.
type natsLog struct {
	log   zerolog.Logger
	fatal atomic.Pointer[string]
	up    atomic.Bool // the server has started
}

// Noticef is part of the server's logger interface. A start takes thirty of these lines,
// a drawing among them; what matters of it is logged once, by StartNATS.
func (l *natsLog) Noticef(format string, v ...any) { l.log.Debug().Msgf("nats: "+format, v...) }

// Warnf is part of the server's logger interface.
func (l *natsLog) Warnf(format string, v ...any) { l.log.Warn().Msgf("nats: "+format, v...) }

// Errorf is part of the server's logger interface.
func (l *natsLog) Errorf(format string, v ...any) { l.log.Error().Msgf("nats: "+format, v...) }

// Fatalf does not end the process, as the server expects of it: the server is a
// guest here. It keeps the reason for whoever waits for the start.
func (l *natsLog) Fatalf(format string, v ...any) {
	reason := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &reason)
	level := zerolog.DebugLevel // whoever waits for the start reports it, or tries another port
	if l.up.Load() {
		level = zerolog.ErrorLevel
	}
	l.log.WithLevel(level).Msg("nats: " + reason)
}

// Debugf is part of the server's logger interface.
func (l *natsLog) Debugf(format string, v ...any) { l.log.Debug().Msgf("nats: "+format, v...) }

// Tracef is part of the server's logger interface.
func (l *natsLog) Tracef(format string, v ...any) { l.log.Trace().Msgf("nats: "+format, v...) }
