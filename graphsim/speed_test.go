package graphsim

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// benchCall is a call of a tenant of a million users, made without a listener.
func benchCall(b *testing.B) *call {
	b.Helper()
	t, err := newTenant(TenantConfig{Domain: "contoso.onmicrosoft.com", Seed: 7, Users: 1_000_000}, newCalendar(startDate))
	if err != nil {
		b.Fatal(err)
	}
	return &call{s: &Server{url: "https://127.0.0.1:1"}, w: httptest.NewRecorder(), version: "v1.0", t: t}
}

// BenchmarkUsersPage writes pages of 999 users with all that a collector
// selects and reports the cost per user.
func BenchmarkUsersPage(b *testing.B) {
	c := benchCall(b)
	cols, _ := userColumns(strings.Split(fullSelect, ","))
	l := &userList{&listing{path: "/users", raw: fullSelect, top: pageMost}, "users", cols}
	buf := make([]byte, 0, 8<<20)
	users := 0
	b.ResetTimer()
	for b.Loop() {
		l.from = (users * 7) % 900_000
		buf = c.appendUsersPage(buf[:0], l, 5)
		users += pageMost
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(users), "ns/user")
	b.ReportMetric(float64(len(buf))/pageMost, "bytes/user")
}

// BenchmarkTally counts all licences of a million users.
func BenchmarkTally(b *testing.B) {
	c := benchCall(b)
	w := c.t.world
	for b.Loop() {
		clear(w.tally)
		w.count(5)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/user")
}

// BenchmarkReport writes the lines of the widest activity report.
func BenchmarkReport(b *testing.B) {
	for _, name := range []string{"getOffice365ActiveUserDetail", "getTeamsUserActivityUserDetail"} {
		b.Run(name, func(b *testing.B) {
			c := benchCall(b)
			rep := findReport(reportsFolder, name, "v1.0")
			r := newRow(c.t.world, ticket{Period: "D180"})
			lines, buf := 0, make([]byte, 0, 1<<20)
			start := time.Now()
			for b.Loop() {
				n := 0
				rep.each(r, ticket{}, func() bool {
					buf = rep.appendRow(buf[:0], r)
					lines++
					n++
					return n < 10_000
				})
			}
			b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(lines), "ns/line")
		})
	}
}
