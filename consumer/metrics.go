package consumer

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of all consumers of this process, by stream. A stream that another process owns
// has no backlog here: only the owner looks.
var (
	storedRecords = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "seatstream_consumer_records_stored_total", Help: "Records stored in ClickHouse and acknowledged.",
	}, []string{"stream"})
	storedBatches = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "seatstream_consumer_batch_seconds", Help: "Time to store and acknowledge a batch, retries included.",
		Buckets: prometheus.ExponentialBuckets(0.01, 4, 8),
	}, []string{"stream"})
	failedInserts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "seatstream_consumer_insert_failures_total", Help: "Inserts that are tried again, by what their error means.",
	}, []string{"stream", "outcome"})
	deadLetters = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "seatstream_consumer_dead_letters_total", Help: "Records set aside in the dead-letter stream.",
	}, []string{"stream"})
	backlogRecords = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "seatstream_consumer_backlog_records", Help: "Records of the stream that are not stored yet.",
	}, []string{"stream"})
	backlogSeconds = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "seatstream_consumer_backlog_seconds", Help: "How long the oldest record that is not stored has been in the stream.",
	}, []string{"stream"})
	heldUp = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "seatstream_consumer_held_up", Help: "1 where the last insert did not succeed.",
	}, []string{"stream"})
)

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector {
	return []prometheus.Collector{storedRecords, storedBatches, failedInserts, deadLetters, backlogRecords, backlogSeconds, heldUp}
}

// countFailures makes the series of a stream exist before the first of them: an alert on a
// rate does not see a counter whose first value is not zero.
func (c *Consumer) countFailures() {
	storedRecords.WithLabelValues(c.cfg.Stream)
	deadLetters.WithLabelValues(c.cfg.Stream)
	for _, o := range []outcome{transient, operator, poison, unknown} {
		failedInserts.WithLabelValues(c.cfg.Stream, o.String())
	}
}

func (c *Consumer) countBatch(b *batch, took time.Duration) {
	storedRecords.WithLabelValues(c.cfg.Stream).Add(float64(b.rows()))
	storedBatches.WithLabelValues(c.cfg.Stream).Observe(took.Seconds())
}

// showBacklog is for the owner; the gauges of a stream that is given up are forgotten.
func (c *Consumer) showBacklog(b Backlog) {
	backlogRecords.WithLabelValues(c.cfg.Stream).Set(float64(b.Records))
	backlogSeconds.WithLabelValues(c.cfg.Stream).Set(b.Age.Seconds())
	failing := 0.0
	if c.Healthy() != nil {
		failing = 1
	}
	heldUp.WithLabelValues(c.cfg.Stream).Set(failing)
}

func (c *Consumer) forgetBacklog() {
	for _, g := range []*prometheus.GaugeVec{backlogRecords, backlogSeconds, heldUp} {
		g.DeleteLabelValues(c.cfg.Stream)
	}
}
