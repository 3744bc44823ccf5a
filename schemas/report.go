package schemas

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Report is seatstream.report.v1: one row of a Microsoft 365 usage report. Values stand
// under the column's own name, grouped by type. Null is a blank field of the report; a
// name that is absent is a column the report did not have, which is unknown, never zero.
type Report struct {
	Function    string `json:"report"`
	RefreshDate string `json:"reportRefreshDate"` // YYYY-MM-DD, the date of the data
	// Date is the one day that a row of a daily report is about, YYYY-MM-DD.
	Date              string         `json:"reportDate,omitzero"`
	Period            string         `json:"reportPeriod,omitzero"`
	Key               string         `json:"key"` // keyed digest, the last token of the subject
	UserPrincipalName string         `json:"userPrincipalName,omitzero"`
	UserID            string         `json:"userId,omitzero"`
	Concealed         bool           `json:"concealed"`
	Dates             Columns        `json:"dates,omitempty"`  // YYYY-MM-DD
	Counts            Columns        `json:"counts,omitempty"` // whole numbers
	Flags             Columns        `json:"flags,omitempty"`  // booleans
	Texts             Columns        `json:"texts,omitempty"`
	UnknownColumns    Columns        `json:"unknownColumns,omitempty"` // text as it came: columns the catalogue lacks, values not of their type
	Unknown           jsontext.Value `json:",embed"`
}

// Column is one named value of a report row: a JSON literal.
type Column struct {
	Name  string
	Value jsontext.Value
}

// Columns keeps the order of the report.
type Columns []Column

// MarshalJSONTo writes an object.
func (c Columns) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, col := range c {
		if err := enc.WriteToken(jsontext.String(col.Name)); err != nil {
			return err
		}
		if err := enc.WriteValue(col.Value); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// UnmarshalJSONFrom reads an object and keeps its order.
func (c *Columns) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if k := dec.PeekKind(); k != '{' {
		return fmt.Errorf("report columns: want an object, got %v", k)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	*c = (*c)[:0]
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		col := Column{Name: name.String()}
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		col.Value = slices.Clone(value)
		*c = append(*c, col)
	}
	_, err := dec.ReadToken()
	return err
}

// ReportSpec is one entry of the catalogue: how a report function is asked for and what
// its columns mean. Adding a report to the product is adding an entry.
type ReportSpec struct {
	Function    string            `json:"function"`
	Version     string            `json:"version"` // v1.0 or beta
	Path        string            `json:"path"`    // below the version
	Level       string            `json:"level"`   // user, mailbox, account, site, group, team or count
	Periods     []string          `json:"periods"` // D7 ...; none: the function takes no argument
	Date        bool              `json:"date"`    // accepts date=YYYY-MM-DD for the past 28 days
	Default     bool              `json:"default"` // read unless the connector says otherwise
	Key         []string          `json:"key"`     // columns that together name a row
	KeyFallback []string          `json:"keyFallback"`
	UPN         string            `json:"upn"`       // the column that joins to users
	Concealed   []string          `json:"concealed"` // columns the tenant can conceal
	Columns     map[string]string `json:"columns"`   // name: date, int, bool or text
}

// Types of report columns.
const (
	ColumnDate = "date"
	ColumnInt  = "int"
	ColumnBool = "bool"
	ColumnText = "text"
)

// Daily is the name under which the rows of single days are kept, apart from those of the
// function's period: as report of the subject, as feed of the evidence and in the tables.
func (r *ReportSpec) Daily() string { return r.Function + "-daily" }

// ByDay reports whether the rows of the function's period are named by a day, so that a
// later report no longer has those that have left its window.
func (r *ReportSpec) ByDay() bool { return slices.Contains(r.Key, "Report Date") }

// Widest is the widest period the function offers, D180 as a rule; empty if it takes none.
func (r *ReportSpec) Widest() string {
	switch {
	case len(r.Periods) == 0:
		return ""
	case slices.Contains(r.Periods, "D180"):
		return "D180"
	}
	return r.Periods[len(r.Periods)-1]
}

// Detail reports whether the function gives one row per user, mailbox, site, group or
// team, and not totals.
func (r *ReportSpec) Detail() bool { return r.Level != "count" }

//go:embed reports.json
var reportsJSON []byte

// Reports returns the catalogue of usage report functions, read from reports.json.
var Reports = sync.OnceValue(func() []ReportSpec {
	specs, err := ParseReports(reportsJSON)
	if err != nil {
		panic(fmt.Sprintf("embedded report catalogue: %v", err))
	}
	return specs
})

// ParseReports reads a catalogue and checks every entry.
func ParseReports(data []byte) ([]ReportSpec, error) {
	var specs []ReportSpec
	if err := json.UnmarshalRead(bytes.NewReader(data), &specs, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("parse report catalogue: %w", err)
	}
	for i := range specs {
		if err := specs[i].check(); err != nil {
			return nil, fmt.Errorf("report catalogue entry %d: %w", i+1, err)
		}
	}
	return specs, nil
}

func (r *ReportSpec) check() error {
	if !IsToken(r.Function) {
		return fmt.Errorf("function %q: letters and digits only", r.Function)
	}
	if r.Version != "v1.0" && r.Version != "beta" {
		return fmt.Errorf("%s: version %q: v1.0 or beta", r.Function, r.Version)
	}
	if !strings.HasPrefix(r.Path, "/") {
		return fmt.Errorf("%s: path %q: must begin with /", r.Function, r.Path)
	}
	for name, typ := range r.Columns {
		switch typ {
		case ColumnDate, ColumnInt, ColumnBool, ColumnText:
		default:
			return fmt.Errorf("%s: column %q: type %q: date, int, bool or text", r.Function, name, typ)
		}
	}
	for _, name := range append(slices.Clone(r.Key), r.KeyFallback...) {
		if r.Columns[name] == "" {
			return fmt.Errorf("%s: key column %q is not among the columns", r.Function, name)
		}
	}
	return nil
}

// ReportNamed returns the catalogue entry of a report function.
func ReportNamed(function string) (*ReportSpec, error) {
	specs := Reports()
	for i := range specs {
		if specs[i].Function == function {
			return &specs[i], nil
		}
	}
	return nil, fmt.Errorf("unknown report %q: not in the report catalogue (seatstream schema list)", function)
}

// Entity is the last token of the record's subject.
func (r *Report) Entity() string { return r.Key }

// Normalize brings the record into its one form. Rows are read in it.
func (r *Report) Normalize() {}
