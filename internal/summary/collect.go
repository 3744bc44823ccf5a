// Package summary makes a page about one tenant that stands alone: a single HTML file
// without script and without anything to load, for people who get it by mail or on paper.
// What it says comes from the shipped queries; nothing is defined here.
package summary

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/schemas"
)

// The states of use, in their order everywhere.
const (
	Active = iota
	Inactive
	NeverUsed
	Unknown
	states
)

// StateNames are the states as people read them.
var StateNames = [states]string{"active", "inactive", "never used", "unknown"}

// Summary is what the page says.
type Summary struct {
	Tenant, TenantID string
	Made             time.Time
	Status, Notes    string     // of the last run
	LastRun          *time.Time // nil: none is stored
	ReportDate       *time.Time // anchor of the answers about use; nil: no report
	SKUs             []SKU      // most unused money first
	Reasons          []Reason   // why use is unknown
	Evidence         []Feed
}

// SKU is one product of the tenant. Figures are seats.
type SKU struct {
	Name, PartNumber          string
	Enabled, Consumed         int64
	Unassigned, OverAllocated int64
	Use                       [states]int64
	Excluded                  int64 // unused, and left alone on purpose
	Unused                    Money // a month
	Unpriced                  int64 // unused seats without a price
}

// UnusedSeats are those that are inactive or never used.
func (s SKU) UnusedSeats() int64 { return s.Use[Inactive] + s.Use[NeverUsed] }

// Money is an amount per currency: currencies are never added up.
type Money map[string]decimal.Decimal

// Reason says why the use of so many licences is unknown.
type Reason struct {
	Text     string
	Licences int64
}

// Feed is the evidence of one feed.
type Feed struct {
	Name, Status, Missing string
	CollectedAt           *time.Time
	ReportDate            *time.Time
	Entities              string
	Concealed             string // share of rows; empty: not a report
}

// Collect asks the shipped queries about one tenant, by its directory id.
func Collect(ctx context.Context, db driver.Conn, tenant string, now time.Time) (*Summary, error) {
	s := &Summary{TenantID: tenant, Tenant: tenant, Made: now}
	bySKU := map[string]*SKU{}
	ask := func(query string, row func(row)) error { return each(ctx, db, query, tenant, row) }
	err := ask("tenants", func(r row) {
		s.Tenant, s.Status, s.Notes, s.LastRun = cmp.Or(r.Text("tenant"), tenant), r.Text("status"), r.Text("notes"), r.Time("last_run")
	})
	if err != nil {
		return nil, err
	}
	err = ask("licence-position", func(r row) {
		bySKU[r.Text("sku_id")] = &SKU{
			Name: cmp.Or(r.Text("name"), r.Text("sku")), PartNumber: r.Text("sku"), Enabled: r.Count("enabled"), Consumed: r.Count("consumed"),
			Unassigned: r.Count("unassigned"), OverAllocated: r.Count("over_allocated"), Unused: Money{},
		}
	})
	if err != nil {
		return nil, err
	}
	reasons := map[string]int64{}
	err = ask("unused-licences", func(r row) {
		k := bySKU[r.Text("sku_id")]
		if k == nil { // held, and the listing of SKUs has it not
			k = &SKU{Name: cmp.Or(r.Text("name"), r.Text("sku"), r.Text("sku_id")), PartNumber: r.Text("sku"), Unused: Money{}}
			bySKU[r.Text("sku_id")] = k
		}
		s.licence(k, r, reasons)
	})
	if err != nil {
		return nil, err
	}
	for _, k := range bySKU {
		s.SKUs = append(s.SKUs, *k)
	}
	slices.SortFunc(s.SKUs, func(a, b SKU) int {
		return cmp.Or(b.Unused.most().Cmp(a.Unused.most()), cmp.Compare(b.UnusedSeats(), a.UnusedSeats()), cmp.Compare(b.Enabled, a.Enabled), cmp.Compare(a.Name, b.Name))
	})
	for text, n := range reasons {
		s.Reasons = append(s.Reasons, Reason{text, n})
	}
	slices.SortFunc(s.Reasons, func(a, b Reason) int { return cmp.Or(cmp.Compare(b.Licences, a.Licences), cmp.Compare(a.Text, b.Text)) })
	return s, s.evidence(ctx, db)
}

// licence counts one licence that is held.
func (s *Summary) licence(k *SKU, r row, reasons map[string]int64) {
	if at := r.Time("report_date"); at != nil && (s.ReportDate == nil || at.Before(*s.ReportDate)) {
		s.ReportDate = at
	}
	state := slices.Index(StateNames[:], r.Text("state"))
	if state < 0 {
		state = Unknown // a state that the page does not know is no reason to reclaim
	}
	k.Use[state]++
	switch state {
	case Active:
	case Unknown:
		reasons[cmp.Or(r.Text("reason"), "no reason given")]++
	default:
		if r.Text("excluded") != "" {
			k.Excluded++
			return
		}
		if reclaim, known := r["reclaim"].(bool); known && !reclaim {
			return // free, or nothing to be had back
		}
		price, err := decimal.NewFromString(r.Text("price"))
		if err != nil || r.Text("currency") == "" {
			k.Unpriced++
			return
		}
		k.Unused[r.Text("currency")] = k.Unused[r.Text("currency")].Add(price)
	}
}

func (s *Summary) evidence(ctx context.Context, db driver.Conn) error {
	q, err := schemas.QueryNamed("unused-licences")
	if err != nil {
		return err
	}
	err = answer.Evidence(ctx, db, q, s.TenantID, &answer.Rows{Take: func(r row) {
		f := Feed{
			Name: r.Text("feed"), Status: r.Text("status"), Missing: r.Text("missing"), CollectedAt: r.Time("collected_at"),
			ReportDate: r.Time("report_date"), Entities: r.Text("entities"),
		}
		if share, ok := r["concealed"].(float64); ok {
			f.Concealed = strconv.FormatFloat(100*share, 'f', 1, 64) + "%"
		}
		s.Evidence = append(s.Evidence, f)
	}})
	if err != nil {
		return fmt.Errorf("collect evidence: %w", err)
	}
	return nil
}

func (m Money) most() (most decimal.Decimal) {
	for _, amount := range m {
		most = decimal.Max(most, amount)
	}
	return most
}

func each(ctx context.Context, db driver.Conn, query, tenant string, take func(row)) error {
	q, err := schemas.QueryNamed(query)
	if err != nil {
		return err
	}
	if err := answer.Named(ctx, db, q, map[string]string{"tenant": tenant}, &answer.Rows{Take: take}); err != nil {
		return fmt.Errorf("query %s: %w", query, err)
	}
	return nil
}

// row is one row of an answer.
type row = answer.Row
