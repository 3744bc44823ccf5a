package graph

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seatstream/seatstream/schemas"
)

// reportBatch is how many rows are handed over at once.
const reportBatch = 1000

// groups of a record's columns.
const (
	groupDates = iota
	groupCounts
	groupFlags
	groupTexts
	groupUnknown
	groupCount
)

var groupOf = map[string]int{
	schemas.ColumnDate: groupDates, schemas.ColumnInt: groupCounts,
	schemas.ColumnBool: groupFlags, schemas.ColumnText: groupTexts,
}

// column is one column of the report at hand.
type column struct {
	name  string
	typ   string // empty: not in the catalogue
	group int
	own   bool // has a place of its own
}

// rowReader turns the text of a report into records. Records and what they hold are
// reused batch after batch.
type rowReader struct {
	spec   *schemas.ReportSpec
	digest func(string) string
	result *ReportResult

	columns                      []column
	key, fallback, concealed     []int
	upn, userID, refresh, period int // positions, -1 for a column that is not there

	seen  map[[16]byte]struct{}
	again map[[16]byte]int // further occurrences of a key

	rows   []schemas.Report
	groups [groupCount][]schemas.Column
	text   []byte
	keyBuf []byte
}

func newRowReader(spec *schemas.ReportSpec, digest func(string) string, result *ReportResult) *rowReader {
	return &rowReader{spec: spec, digest: digest, result: result, seen: map[[16]byte]struct{}{}, again: map[[16]byte]int{}}
}

// read reads a whole report and hands it over in batches.
func (r *rowReader) read(text io.Reader, batch int, yield func([]schemas.Report) error) error {
	in, err := newCSVReader(text)
	if err != nil {
		return err
	}
	if err := in.next(); err != nil {
		if err == io.EOF {
			return errors.New("the report is empty, without a header")
		}
		return err
	}
	if in.bad {
		return errors.New("the header is malformed")
	}
	if err := r.header(in.fields); err != nil {
		return err
	}
	for {
		err := in.next()
		if err == io.EOF {
			return r.flush(yield)
		}
		if err != nil {
			return err
		}
		if len(in.fields) == 1 && len(in.fields[0]) == 0 && !in.bad {
			continue // an empty line
		}
		if !in.terminated && len(in.fields) < len(r.columns) {
			return errCutRow
		}
		if in.bad || len(in.fields) != len(r.columns) {
			r.result.Rejected++
			continue
		}
		if err := r.row(in.fields); err != nil {
			return err
		}
		if len(r.rows) >= batch {
			if err := r.flush(yield); err != nil {
				return err
			}
		}
	}
}

// yieldError carries an error of the caller's past our own.
type yieldError struct{ error }

func (r *rowReader) flush(yield func([]schemas.Report) error) error {
	if len(r.rows) > 0 {
		if err := yield(r.rows); err != nil {
			return yieldError{err}
		}
	}
	r.rows, r.text = r.rows[:0], r.text[:0]
	for g := range r.groups {
		r.groups[g] = r.groups[g][:0]
	}
	return nil
}

// row turns one row into a record.
func (r *rowReader) row(cells [][]byte) error {
	key, err := r.keyOf(cells)
	if err != nil {
		return err
	}
	var start [groupCount]int
	for g := range r.groups {
		start[g] = len(r.groups[g])
	}
	for i := range r.columns {
		c := &r.columns[i]
		if c.own {
			continue
		}
		if c.typ == "" {
			r.keep(c, cells[i])
			continue
		}
		var (
			value jsontext.Value
			ok    bool
		)
		if r.text, value, ok = literal(r.text, c.typ, cells[i]); !ok {
			r.keep(c, cells[i])
			r.result.RejectedValues++
			continue
		}
		r.groups[c.group] = append(r.groups[c.group], schemas.Column{Name: c.name, Value: value})
	}
	rec := schemas.Report{Function: r.spec.Function, Key: key}
	r.own(&rec, cells)
	slice := func(g int) schemas.Columns {
		return schemas.Columns(r.groups[g][start[g]:len(r.groups[g]):len(r.groups[g])])
	}
	rec.Dates, rec.Counts, rec.Flags = slice(groupDates), slice(groupCounts), slice(groupFlags)
	rec.Texts, rec.UnknownColumns = slice(groupTexts), slice(groupUnknown)
	r.rows = append(r.rows, rec)
	r.result.Rows++
	if rec.Concealed {
		r.result.Concealed++
	}
	return nil
}

// keep puts a value that has no typed place among the unknown ones, as it came.
func (r *rowReader) keep(c *column, cell []byte) {
	var value jsontext.Value
	r.text, value = quoted(r.text, cell)
	r.groups[groupUnknown] = append(r.groups[groupUnknown], schemas.Column{Name: c.name, Value: value})
}

// own fills the fields that have a place of their own.
func (r *rowReader) own(rec *schemas.Report, cells [][]byte) {
	if date := bytes.TrimSpace(cells[r.refresh]); isDate(date) {
		if rec.RefreshDate = r.result.RefreshDate; rec.RefreshDate != string(date) {
			rec.RefreshDate = string(date)
		}
		r.result.RefreshDate = max(r.result.RefreshDate, rec.RefreshDate)
	} else if len(date) > 0 {
		r.keep(&r.columns[r.refresh], cells[r.refresh])
		r.result.RejectedValues++
	}
	if r.period >= 0 {
		if rec.Period = r.result.Period; rec.Period != string(cells[r.period]) {
			rec.Period = strings.ToValidUTF8(string(bytes.TrimSpace(cells[r.period])), "\ufffd")
			if r.result.Period == "" {
				r.result.Period = rec.Period
			}
		}
	}
	if r.userID >= 0 && !isZeroGUID(cells[r.userID]) {
		rec.UserID = strings.ToValidUTF8(schemas.GUID(string(cells[r.userID])), "\ufffd")
	}
	if r.upn >= 0 {
		rec.UserPrincipalName = strings.ToValidUTF8(string(bytes.TrimSpace(cells[r.upn])), "\ufffd")
	}
	rec.Concealed = r.isConcealed(cells)
}

// isConcealed looks at the values, row by row: the tenant's setting may change within a
// report's life. The UPN decides where there is one; else any other name, or an id of
// zeros. The report's own word (Unknown) says nothing either way.
func (r *rowReader) isConcealed(cells [][]byte) bool {
	unknown := false
	if r.upn >= 0 && len(cells[r.upn]) > 0 {
		if unknown = string(cells[r.upn]) == unknownName; !unknown {
			return isConcealed(cells[r.upn])
		}
	}
	for _, i := range r.concealed {
		if isConcealed(cells[i]) || !unknown && isZeroGUID(cells[i]) {
			return true
		}
	}
	return false
}

// keyOf names the row: a digest of the function and the key columns, or of the fallback
// columns if those name nobody. A second row of the same name is told apart by a number,
// so that none is lost.
func (r *rowReader) keyOf(cells [][]byte) (string, error) {
	positions := r.key
	if len(r.fallback) > 0 && !slices.ContainsFunc(r.key, func(i int) bool { return i >= 0 && !isNobody(bytes.TrimSpace(cells[i])) }) {
		positions = r.fallback
	}
	r.keyBuf = append(r.keyBuf[:0], r.spec.Function...)
	for _, i := range positions {
		r.keyBuf = append(r.keyBuf, 0)
		if i < 0 {
			continue
		}
		if cell := bytes.TrimSpace(cells[i]); !isNobody(cell) {
			r.keyBuf = appendLower(r.keyBuf, cell)
		}
	}
	key := r.digest(string(r.keyBuf))
	var id [16]byte
	if n, err := hex.Decode(id[:], []byte(key)); err != nil || n != len(id) || len(key) != 2*len(id) {
		return "", yieldError{errors.New("digest does not give 32 hex digits")}
	}
	if _, ok := r.seen[id]; !ok {
		r.seen[id] = struct{}{}
		return key, nil
	}
	r.again[id]++
	r.result.Duplicates++
	r.keyBuf = append(r.keyBuf, "\x00#"...)
	r.keyBuf = strconv.AppendInt(r.keyBuf, int64(r.again[id]+1), 10)
	return r.digest(string(r.keyBuf)), nil
}
