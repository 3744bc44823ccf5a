// Package faults breaks the parts of the system while records flow, and counts. Every
// record has an id of its own; every test says how many were acknowledged, how many are
// there in the end, and what is missing or double. What is broken is real: nats-server
// processes, their disks and networks, the ClickHouse engine, the producer's publisher.
package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

// ReportVar names the environment variable with the file that outcomes are added to, one
// JSON object a line. The table of docs/guarantee.md is made of them (make faults).
const ReportVar = "SEATSTREAM_TEST_FAULT_REPORT"

// Outcome is what one run of one fault came to.
type Outcome struct {
	// Fault is the fault's number and what is done, such as "N1 kill -9 the stream leader".
	// Runs of the same fault have the same text and share a row of the table.
	Fault string `json:"fault"`
	Seed  uint64 `json:"seed"`
	// Acked counts the records that were acknowledged, each with an id of its own; Present
	// those of them that are there in the end; Lost is the difference.
	Acked   int64 `json:"acked"`
	Present int64 `json:"present"`
	Lost    int64 `json:"lost"`
	// DupRaw counts rows of the history beyond one a record, DupQuery what the shipped
	// queries show or count beyond once.
	DupRaw   int64 `json:"dup_raw"`
	DupQuery int64 `json:"dup_query"`
	Dead     int64 `json:"dead"` // dead-lettered
	// Recovery runs from the end of the fault until records are acknowledged and stored
	// again; 0 where nothing had to recover.
	Recovery time.Duration `json:"recovery"`
	// Control marks a run with settings that are known to lose. It shows that the test can
	// fail, and it fails where nothing is lost.
	Control bool `json:"control,omitempty"`
}

func (o Outcome) String() string {
	return fmt.Sprintf("%s: seed %d, acked %d, present %d, LOST %d, DUP raw %d, DUP in queries %d, dead-lettered %d, recovered in %s",
		o.Fault, o.Seed, o.Acked, o.Present, o.Lost, o.DupRaw, o.DupQuery, o.Dead, o.Recovery.Round(time.Millisecond))
}

// Report prints the outcome as one line, adds it to the report where one is asked for, and
// judges it: nothing may be lost, and nothing double in a query. A run without a record
// judges nothing and fails.
func (o Outcome) Report(t testing.TB) {
	t.Helper()
	t.Log(o)
	switch {
	case o.Acked == 0:
		t.Errorf("%s, seed %d: no record was acknowledged, so nothing is shown", o.Fault, o.Seed)
	case o.Control && o.Lost == 0:
		t.Errorf("%s, seed %d: nothing is lost with settings that lose: the test cannot fail", o.Fault, o.Seed)
	case !o.Control && (o.Lost != 0 || o.DupQuery != 0):
		t.Errorf("%s, seed %d: LOST %d, DUP in queries %d", o.Fault, o.Seed, o.Lost, o.DupQuery)
	}
	path := os.Getenv(ReportVar)
	if path == "" {
		return
	}
	line, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	// Test binaries of several packages add to it at once: one write a line.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatalf("%s: %v", ReportVar, err)
	}
	_, err = f.Write(append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatalf("%s: %v", ReportVar, err)
	}
}
