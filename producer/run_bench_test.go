package producer_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// BenchmarkUsers collects the users of a tenant, first and once more unchanged, with and
// without remembering pages. Everything shares the process, whose processor time it reports
// beside the users a second.
func BenchmarkUsers(b *testing.B) {
	for _, remember := range []bool{false, true} {
		b.Run(fmt.Sprint("remember=", remember), func(b *testing.B) {
			for b.Loop() {
				n := teststack.StartNATS(b)
				if !remember {
					n.Stores.Checkpoints = nil
				}
				_, list := teststack.StartSim(b, graphsim.TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 1, Users: 20_000})
				c := list[0]
				c.Reports = []string{activeUsers}
				for _, when := range []string{"first", "again"} {
					spent := time.Duration(0)
					began, feed := time.Now(), ""
					var cpu, used time.Duration
					var users int64
					r := &producer.Runner{JS: n.JS, Stores: n.Stores, Log: zerolog.Nop()}
					r.Progress = func(_ string, ev *schemas.Run) {
						if feed != ev.Feed {
							feed, began, cpu = ev.Feed, time.Now(), processorTime(b)
						}
						if feed == "users" {
							spent, used, users = time.Since(began), processorTime(b)-cpu, ev.Entities-ev.Entities/max(ev.Pages, 1)
						}
					}
					if _, err := r.Run(b.Context(), c); err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(users)/spent.Seconds(), when+"-users/s")
					b.ReportMetric(float64(used.Microseconds())/float64(users), when+"-cpu-us/user")
				}
			}
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
