package graph

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of all requests of this process to Microsoft, every try one request.
var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "seatstream_graph_requests_total", Help: "Requests to Microsoft Graph by status; 0 where no answer came.",
	}, []string{"status"})
	waited = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "seatstream_graph_wait_seconds_total", Help: "Time requests waited because Graph throttled or failed.",
	})
)

// Metrics are the collectors of this package.
func Metrics() []prometheus.Collector { return []prometheus.Collector{requests, waited} }

func init() {
	for _, status := range []int{0, http.StatusOK, http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		requests.WithLabelValues(strconv.Itoa(status)) // an alert on a rate does not see a counter that begins at one
	}
}

func countRequest(resp *http.Response, err error) {
	status := 0
	if err == nil {
		status = resp.StatusCode
	} else if e, ok := errors.AsType[*Error](err); ok {
		status = e.Status
	}
	requests.WithLabelValues(strconv.Itoa(status)).Inc()
}

func countWait(d time.Duration) { waited.Add(d.Seconds()) }
