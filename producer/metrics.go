package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// Metrics of all runs of this process. Connector and feed names are the only labels that
// come from people; both are checked words.
var (
	runsBegun = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "seatstream_producer_runs_begun", Help: "Runs at work or waiting for Graph.",
	})
	runsEnded = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "seatstream_producer_runs_total", Help: "Runs that ended, by status: complete, incomplete, failed.",
	}, []string{"status"})
	publishedRecords = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "seatstream_producer_records_published_total", Help: "Records the stream has acknowledged.",
	})
	publishSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "seatstream_producer_publish_seconds", Help: "Time to publish an atomic batch, retries included.",
		Buckets: prometheus.ExponentialBuckets(0.002, 4, 8),
	})
	feedComplete = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "seatstream_feed_complete_timestamp_seconds", Help: "When a feed was last read completely, as seconds since 1970.",
	}, []string{"connector", "feed"})
	feedFailing = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "seatstream_feed_incomplete", Help: "1 where the last reading of a feed was not complete.",
	}, []string{"connector", "feed"})
	reportRefreshed = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "seatstream_report_refresh_timestamp_seconds", Help: "The date a usage report reaches to, as seconds since 1970.",
	}, []string{"connector", "feed"})
)

// Metrics are the collectors of this package and of the Graph client.
func Metrics() []prometheus.Collector {
	return append(graph.Metrics(), runsBegun, runsEnded, publishedRecords, publishSeconds, feedComplete, feedFailing, reportRefreshed)
}

func init() {
	for _, status := range []string{schemas.RunComplete, schemas.RunIncomplete, schemas.RunFailed} {
		runsEnded.WithLabelValues(status) // an alert on a rate does not see a counter that begins at one
	}
}

// showEvidence shows how old what is known of a feed is.
func showEvidence(ev *schemas.Run) {
	failing := feedFailing.WithLabelValues(ev.Connector, ev.Feed)
	if ev.Status != schemas.RunComplete && !excused(ev) {
		failing.Set(1)
		return
	}
	failing.Set(0)
	if ev.Status != schemas.RunComplete {
		return // the tenant does not offer it
	}
	if t, err := time.Parse(time.RFC3339, ev.FinishedAt); err == nil {
		feedComplete.WithLabelValues(ev.Connector, ev.Feed).Set(float64(t.Unix()))
	}
	if t, err := time.Parse(time.DateOnly, ev.RefreshDate); err == nil {
		reportRefreshed.WithLabelValues(ev.Connector, ev.Feed).Set(float64(t.Unix()))
	}
}

// showKnown shows the evidence the stream has, so that a producer that has just started
// does not hide how old it is.
func (w *Worker) showKnown(ctx context.Context) error {
	cons, err := w.Registry.JS.OrderedConsumer(ctx, schemas.StreamM365.Name, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{"m365.*." + string(schemas.KindRun) + ".>"}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
	})
	if err != nil {
		return fmt.Errorf("read the last evidence: %w", err)
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return fmt.Errorf("read the last evidence: %w", err)
	}
	if info.NumPending == 0 {
		return nil
	}
	it, err := cons.Messages(jetstream.StopAfter(int(info.NumPending)))
	if err != nil {
		return fmt.Errorf("read the last evidence: %w", err)
	}
	defer it.Stop()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the last evidence: %w", err)
		}
		var ev schemas.Run
		if schemas.Decode(msg.Data(), &ev) == nil && ev.Feed != schemas.FeedAll {
			showEvidence(&ev)
		}
	}
}
