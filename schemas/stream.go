package schemas

import "time"

// StreamSpec is what a JetStream stream must look like, free of any client library.
type StreamSpec struct {
	Name        string
	Description string
	Subjects    []string
	WorkQueue   bool
	// Atomic allows atomic batch publish, Direct allows direct get.
	Atomic, Direct, Compress, Schedules bool
	// Duplicates is the window in which a message id is refused a second time.
	Duplicates time.Duration
	// PerSubject is how many messages a subject keeps; 0 for all.
	PerSubject int64
}

// Streams of the product. All are on files. What history M365 keeps is a setting
// (nats.history); the last record of every entity always survives.
var (
	StreamM365 = StreamSpec{
		Name: "M365", Description: "Microsoft 365 licence usage: one record a message",
		Subjects: []string{Root + ".>"}, Atomic: true, Direct: true, Compress: true, Duplicates: 2 * time.Minute,
	}
	StreamDLQ = StreamSpec{
		Name: "M365_DLQ", Description: "records that could not be stored, with the reason",
		Subjects: []string{"dlq." + Root + ".>"}, Direct: true, Compress: true, Duplicates: 2 * time.Minute,
	}
	StreamCommands = StreamSpec{
		Name: "SEATSTREAM_COMMANDS", Description: "commands to producers, by endpoint, and the schedules that fire them",
		Subjects:  []string{"seatstream.command.>", "seatstream.schedule.>"},
		WorkQueue: true, Schedules: true, Duplicates: 2 * time.Minute,
		PerSubject: 1, // commands that pile up while no producer is there are made up once
	}
	StreamAudit = StreamSpec{
		Name: "SEATSTREAM_AUDIT", Description: "what was changed through the page and its API, by whom",
		Subjects: []string{"seatstream.audit.>"}, Direct: true, Duplicates: 2 * time.Minute,
	}
	// StreamSpecs lists every stream the product owns.
	StreamSpecs = []StreamSpec{StreamM365, StreamDLQ, StreamCommands, StreamAudit}
)

// Key-value buckets.
const (
	BucketConnectors = "SEATSTREAM_CONNECTORS" // connector name: definition, secrets by reference only
	BucketCursors    = "SEATSTREAM_CURSORS"    // <tenant>.<feed>: last complete listing; <stream>: batch cut
	BucketLeases     = "SEATSTREAM_LEASES"     // <tenant>: the run that holds it
	BucketProducers  = "SEATSTREAM_PRODUCERS"  // <endpoint>.<instance>: a producer that is there
	BucketStatus     = "SEATSTREAM_STATUS"     // connector name: what its last command came to

	// BucketCheckpoints has <tenant>: its unfinished run, and <tenant>.<feed>.<page>: a page
	// that was read. Links in it may hold a principal name. Entries expire.
	BucketCheckpoints = "SEATSTREAM_CHECKPOINTS"
)

// AuditOf is the subject under which an act is kept, such as connector-removed.
func AuditOf(act string) string { return "seatstream.audit." + act }

// ConsumerName is the durable consumer that feeds ClickHouse.
const ConsumerName = "clickhouse"

// Headers of a dead letter, beside those of the record it keeps.
const (
	HeaderDeadReason   = "Seatstream-Reason"
	HeaderDeadStream   = "Seatstream-Stream"
	HeaderDeadSequence = "Seatstream-Sequence"
	HeaderDeadSubject  = "Seatstream-Subject"
	HeaderDeadTime     = "Seatstream-Time"
	HeaderDeadOmitted  = "Seatstream-Omitted" // where the body found no room beside the reason
	HeaderDeadTries    = "Seatstream-Tries"   // how often it was requeued in vain; absent for never
)

// ScheduleRun is the subject of the schedule that fires the command.
func ScheduleRun(endpoint, connector string) string {
	return "seatstream.schedule." + endpoint + ".run." + connector
}

// Headers of the server's message scheduling (nats-server 2.14).
const (
	HeaderSchedule       = "Nats-Schedule"
	HeaderScheduleTarget = "Nats-Schedule-Target"
	HeaderScheduleZone   = "Nats-Schedule-Time-Zone"
)

// CommandRun is the subject of the command that starts a run of a connector.
// endpoint names the producers that may serve it.
func CommandRun(endpoint, connector string) string {
	return "seatstream.command." + endpoint + ".run." + connector
}
