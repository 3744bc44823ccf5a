// Package doctor looks at the settings on which the delivery guarantee rests, as they are
// on the servers: what was found, what is wanted, why, and what to do. It changes nothing.
package doctor

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go"
)

// Status is what a check came to.
type Status string

// Statuses of a check. Only Fail says that the guarantee does not hold.
const (
	OK     Status = "ok"
	Warn   Status = "warning"
	Fail   Status = "fails"
	Unseen Status = "cannot be seen"
)

// Check is one thing that was looked at.
type Check struct {
	Part, Name    string
	Found, Wanted string
	Status        Status
	Why, Remedy   string
}

// Subject is what is looked at.
type Subject struct {
	NATS         *nats.Conn
	EmbeddedNATS bool   // the server is this program's own
	Monitor      string // address of the server's monitoring, such as http://host:8222; may be empty
	DB           driver.Conn
}

// Examine makes every check. It returns an error only where there is nothing to look at.
func Examine(ctx context.Context, s Subject) ([]Check, error) {
	streams, err := natsChecks(ctx, s)
	if err != nil {
		return nil, err
	}
	tables, err := clickhouseChecks(ctx, s.DB)
	return append(streams, tables...), err
}

// Holds reports whether no check says that the guarantee does not hold.
func Holds(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return c.Status == Fail })
}

// judge fills in the status, and drops the remedy of what needs none.
func judge(c Check, ok bool, otherwise Status) Check {
	c.Status = otherwise
	if ok {
		c.Status, c.Remedy = OK, ""
	}
	return c
}

// clockLimit is how far clocks may be apart before answers by time mislead.
const clockLimit = 2 * time.Second

// clock compares a server's clock with this machine's; asked and answered are before and
// after the question.
func clock(part string, asked, answered, server time.Time) Check {
	middle := asked.Add(answered.Sub(asked) / 2)
	diff := server.Sub(middle).Round(time.Millisecond)
	return judge(Check{
		Part: part, Name: "clock", Found: diff.String() + " from this machine's", Wanted: "within " + clockLimit.String(),
		Why:    "--since and the day of a record go by these clocks",
		Remedy: "set the clocks by NTP on all machines",
	}, diff.Abs() <= clockLimit+answered.Sub(asked)/2, Warn)
}
