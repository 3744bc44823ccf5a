package consumer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
)

// outcome is what a failed insert means for the batch.
type outcome int

const (
	// transient: the same insert may succeed later.
	transient outcome = iota
	// unknown: a code that is in no table. It is retried like a transient one, and alarms.
	unknown
	// operator: somebody must mend the server or its settings first; nothing is dead-lettered.
	operator
	// poison: a row is refused for what is in it. The batch is halved down to the row.
	poison
)

func (o outcome) String() string {
	return [...]string{"transient", "unknown", "operator", "poison"}[o]
}

// pace is how long a failed insert waits before it is sent again: first and at most. What
// somebody must mend first is asked for less often.
func (o outcome) pace() (first, most time.Duration) {
	if o == operator {
		return time.Second, 15 * time.Second
	}
	return 100 * time.Millisecond, 10 * time.Second
}

// meaning says where a code belongs and why.
type meaning struct {
	outcome outcome
	name    string // as the server has it (errorCodeToName)
	why     string
}

// codes are the ClickHouse errors that an insert is known to meet.
var codes = map[int32]meaning{
	// The server or the way to it is busy, away or starting. Waiting cures it.
	3:   {transient, "UNEXPECTED_END_OF_FILE", "a block broke off: the connection was cut"},
	32:  {transient, "ATTEMPT_TO_READ_AFTER_EOF", "a block broke off: the connection was cut"},
	33:  {transient, "CANNOT_READ_ALL_DATA", "a block broke off: the connection was cut"},
	95:  {transient, "CANNOT_READ_FROM_SOCKET", "network"},
	96:  {transient, "CANNOT_WRITE_TO_SOCKET", "network"},
	159: {transient, "TIMEOUT_EXCEEDED", "a busy server; with the token, what was stored is not stored again"},
	160: {transient, "TOO_SLOW", "a busy server"},
	173: {transient, "CANNOT_ALLOCATE_MEMORY", "memory comes back when other queries end"},
	198: {transient, "DNS_ERROR", "network"},
	201: {transient, "QUOTA_EXCEEDED", "a quota is per interval and comes back"},
	202: {transient, "TOO_MANY_SIMULTANEOUS_QUERIES", "a busy server"},
	203: {transient, "NO_FREE_CONNECTION", "a busy server"},
	209: {transient, "SOCKET_TIMEOUT", "network"},
	210: {transient, "NETWORK_ERROR", "network"},
	225: {transient, "NO_ZOOKEEPER", "keeper is away"},
	236: {transient, "ABORTED", "the server is shutting down"},
	241: {transient, "MEMORY_LIMIT_EXCEEDED", "memory comes back when other queries end"},
	242: {transient, "TABLE_IS_READ_ONLY", "a replica that lost its keeper; it returns by itself"},
	252: {transient, "TOO_MANY_PARTS", "merges are behind and catch up; for too many partitions see classify"},
	254: {transient, "NO_ACTIVE_REPLICAS", "replicas are away"},
	279: {transient, "ALL_CONNECTION_TRIES_FAILED", "network between the servers of a cluster"},
	285: {transient, "TOO_FEW_LIVE_REPLICAS", "a quorum is away"},
	286: {transient, "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE", "a quorum is away"},
	319: {transient, "UNKNOWN_STATUS_OF_INSERT", "stored or not: the token settles it"},
	364: {transient, "RECEIVED_ERROR_TOO_MANY_REQUESTS", "a busy server"},
	394: {transient, "QUERY_WAS_CANCELLED", "somebody killed the insert, or the server stops"},
	425: {transient, "SYSTEM_ERROR", "a fault of the machine"},
	439: {transient, "CANNOT_SCHEDULE_TASK", "no thread is free"},
	574: {transient, "DISTRIBUTED_TOO_MANY_PENDING_BYTES", "a shard is behind"},
	692: {transient, "TOO_MANY_MUTATIONS", "mutations are behind and catch up"},
	733: {transient, "TABLE_IS_BEING_RESTARTED", "comes back by itself"},
	745: {transient, "SERVER_OVERLOADED", "a busy server"},
	999: {transient, "KEEPER_EXCEPTION", "keeper is away or lost the session; the token settles what was stored"},

	// Somebody must act. No record is at fault, so none is set aside.
	7:   {operator, "INCORRECT_NUMBER_OF_COLUMNS", "the table is not the one this program migrates"},
	10:  {operator, "NOT_FOUND_COLUMN_IN_BLOCK", "the table or a view on it is not the one this program migrates"},
	16:  {operator, "NO_SUCH_COLUMN_IN_TABLE", "the schema is older than this program"},
	20:  {operator, "NUMBER_OF_COLUMNS_DOESNT_MATCH", "the table or a view on it is not the one this program migrates"},
	47:  {operator, "UNKNOWN_IDENTIFIER", "a view names a column that is not there"},
	48:  {operator, "NOT_IMPLEMENTED", "the table's engine takes no inserts"},
	60:  {operator, "UNKNOWN_TABLE", "a table is missing"},
	81:  {operator, "UNKNOWN_DATABASE", "the database is missing"},
	115: {operator, "UNKNOWN_SETTING", "the server is older than the product needs"},
	164: {operator, "READONLY", "the user may only read"},
	192: {operator, "UNKNOWN_USER", "user or password is wrong"},
	193: {operator, "WRONG_PASSWORD", "user or password is wrong"},
	194: {operator, "REQUIRED_PASSWORD", "user or password is wrong"},
	195: {operator, "IP_ADDRESS_NOT_ALLOWED", "the user may not connect from here"},
	218: {operator, "TABLE_IS_DROPPED", "a table is missing"},
	243: {operator, "NOT_ENOUGH_SPACE", "the disk is full"},
	291: {operator, "DATABASE_ACCESS_DENIED", "a grant is missing"},
	452: {operator, "SETTING_CONSTRAINT_VIOLATION", "the user's profile forbids a setting that inserts need"},
	472: {operator, "READONLY_SETTING", "the user's profile forbids a setting that inserts need"},
	497: {operator, "ACCESS_DENIED", "a grant is missing"},
	516: {operator, "AUTHENTICATION_FAILED", "user or password is wrong"},
	565: {operator, "TOO_MANY_PARTITIONS", "the table was partitioned by hand: the product's tables have no partitions"},
	720: {operator, "USER_EXPIRED", "the user is no longer valid"},
	774: {operator, "TABLE_IS_PERMANENTLY_READ_ONLY", "somebody must restore the replica"},

	// A value is refused, by a constraint or by the column itself; for views see classify.
	6:   {poison, "CANNOT_PARSE_TEXT", "a value does not parse"},
	27:  {poison, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", "a value does not parse"},
	38:  {poison, "CANNOT_PARSE_DATE", "a value does not parse"},
	41:  {poison, "CANNOT_PARSE_DATETIME", "a value does not parse"},
	53:  {poison, "TYPE_MISMATCH", "a value has another type"},
	69:  {poison, "ARGUMENT_OUT_OF_BOUND", "a value is out of range"},
	70:  {poison, "CANNOT_CONVERT_TYPE", "a value does not convert"},
	72:  {poison, "CANNOT_PARSE_NUMBER", "a value does not parse"},
	117: {poison, "INCORRECT_DATA", "a value is malformed"},
	128: {poison, "TOO_LARGE_ARRAY_SIZE", "a value is too large"},
	131: {poison, "TOO_LARGE_STRING_SIZE", "a value is too large"},
	190: {poison, "SIZES_OF_ARRAYS_DONT_MATCH", "parallel lists of a record differ in length"},
	321: {poison, "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE", "a value is out of range"},
	349: {poison, "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN", "a value is missing"},
	376: {poison, "CANNOT_PARSE_UUID", "a value does not parse"},
	395: {poison, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", "a function that is there to refuse rows did"},
	407: {poison, "DECIMAL_OVERFLOW", "a value is out of range"},
	467: {poison, "CANNOT_PARSE_BOOL", "a value does not parse"},
	469: {poison, "VIOLATED_CONSTRAINT", "a constraint of the table refuses the row"},
	691: {poison, "UNKNOWN_ELEMENT_OF_ENUM", "a value is none of those the column knows"},
}

// rowError is a failure to put values into columns before anything is sent.
type rowError struct{ err error }

func (e *rowError) Error() string { return e.err.Error() }
func (e *rowError) Unwrap() error { return e.err }

// classify says what an error of an insert means. An error without a code is of the
// network. A code that is in no table never costs a record.
func classify(err error) outcome {
	var ex *clickhouse.Exception
	if errors.As(err, &ex) {
		m, known := codes[ex.Code]
		switch {
		case !known:
			return unknown
		case ex.Code == 252 && strings.Contains(ex.Message, "partitions"):
			// Too many partitions in one block: the product's tables have none, so somebody
			// partitioned them, and the same block is refused for ever.
			return operator
		case strings.Contains(ex.Message, "pushing to view") && m.outcome == poison:
			// The history has the rows by now, and a view behind it does not take one. In halves,
			// with other tokens, the history would have the rows again. The product's own views
			// copy, so it is a view or a constraint that somebody added, and theirs to mend.
			return operator
		}
		return m.outcome
	}
	var row *rowError
	if !errors.As(err, &row) {
		return transient
	}
	var convert *column.ColumnConverterError
	var op *clickhouse.OpError
	if errors.As(err, &convert) || errors.As(err, &op) {
		return operator // a column has another type than this program migrates, or is missing
	}
	return poison
}

// why words an error with what its code means, where that is known.
func why(err error) error {
	var ex *clickhouse.Exception
	if errors.As(err, &ex) {
		if m, ok := codes[ex.Code]; ok {
			return fmt.Errorf("%s: %w", m.why, err)
		}
	}
	return err
}
