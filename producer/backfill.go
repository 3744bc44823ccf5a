package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// The rows of single days are kept apart from those of a report's period: they are a feed
// of their own, <function>-daily. They are read for the days that no run has seen as a
// report's newest: those before the first run, and those of an outage. A day that was
// newest when a run read the report is read by date only where the connector asks for it.

// DefaultBackfill is how many days Graph offers by date: the service answers 28 where its
// documentation says 30.
const DefaultBackfill = 28

// budgetKept is what backfill leaves of a report function's 14 requests in ten minutes, for
// the next readings of the report itself.
const budgetKept = 4

// codePending is the code of evidence that days are left for later runs.
const codePending = "BackfillPending"

// daysCursor says which days of a report are settled.
type daysCursor struct {
	Done    []string `json:"done,omitempty"`    // read by date
	Newest  []string `json:"newest,omitempty"`  // were the newest when the report was read
	Refused []string `json:"refused,omitempty"` // Graph does not offer them
	// Begun: a run began to read days and has not said how it ended. What it published
	// is then looked up, so that nothing is published twice.
	Begun bool `json:"begun,omitzero"`
}

// due lists the days to read by date, the oldest first: it is the first that Graph will no
// longer offer.
func (d *daysCursor) due(c *Connector, today time.Time, newest string) (days []string) {
	for n := c.backfillDays(); n >= 0; n-- {
		day := today.AddDate(0, 0, -n).Format(time.DateOnly)
		if day > newest || slices.Contains(d.Done, day) || slices.Contains(d.Refused, day) {
			continue
		}
		if c.DailyReports || !slices.Contains(d.Newest, day) {
			days = append(days, day)
		}
	}
	return days
}

// forget drops days that are long past the window.
func (d *daysCursor) forget(today time.Time) {
	limit := today.AddDate(0, 0, -2*DefaultBackfill).Format(time.DateOnly)
	for _, list := range []*[]string{&d.Done, &d.Newest, &d.Refused} {
		*list = slices.DeleteFunc(*list, func(day string) bool { return day < limit })
	}
}

// backfill reads single days of the connector's reports, as many as Graph's budget allows.
// It comes behind all other feeds: who runs a connector gets the current state first.
func (u *run) backfill(ctx context.Context, specs []*schemas.ReportSpec) error {
	if u.conn.backfillDays() == 0 {
		return nil
	}
	for _, spec := range specs {
		i := slices.IndexFunc(u.results, func(ev *schemas.Run) bool { return ev.Feed == spec.Function })
		if !spec.Date || i < 0 || u.results[i].Status != schemas.RunComplete || u.results[i].RefreshDate == "" {
			continue // where the report itself was not read, its evidence says why
		}
		if err := u.backfillReport(ctx, spec, u.results[i].RefreshDate); err != nil {
			return fmt.Errorf("feed %s: %w", spec.Daily(), err)
		}
	}
	return nil
}

// dailies names the feeds of single days that the connector asks for.
func (u *run) dailies(specs []*schemas.ReportSpec) (names []string) {
	for _, spec := range specs {
		if spec.Date && u.conn.backfillDays() > 0 {
			names = append(names, spec.Daily())
		}
	}
	return names
}

func (u *run) backfillReport(ctx context.Context, spec *schemas.ReportSpec, newest string) error {
	var d daysCursor
	err := u.Stores.readCursor(ctx, u.tenant, spec.Daily(), &d)
	if err != nil && !errors.Is(err, errNoCursor) {
		return err
	}
	today := u.now().UTC()
	seen := slices.Contains(d.Newest, newest)
	if !seen {
		d.Newest = append(d.Newest, newest)
	}
	d.forget(today)
	due := d.due(&u.conn, today, newest)
	if len(due) == 0 {
		if seen {
			return nil
		}
		return u.Stores.writeCursor(ctx, u.tenant, spec.Daily(), d)
	}
	f := feed{name: spec.Daily(), kind: schemas.KindReport, report: spec.Daily(), keeps: true, blank: !d.Begun}
	d.Begun = true
	if err := u.Stores.writeCursor(ctx, u.tenant, spec.Daily(), d); err != nil {
		return err
	}
	f.read = func(ctx context.Context, ev *schemas.Run, page pageFunc) error {
		return u.days(ctx, spec, due, &d, ev, page)
	}
	f.stored = func(ctx context.Context) error {
		d.Begun = false
		return u.Stores.writeCursor(ctx, u.tenant, spec.Daily(), d)
	}
	return u.feed(ctx, f)
}

// days reads the days that are due until the budget is spent. What a day lists is who was
// active on it (Microsoft Graph documentation of the reports), so a day without rows is a
// day on which nobody was.
func (u *run) days(ctx context.Context, spec *schemas.ReportSpec, due []string, d *daysCursor, ev *schemas.Run, page pageFunc) error {
	var read []string
	defer func() {
		if len(read) > 0 {
			ev.RefreshDate = read[len(read)-1]
			ev.Notes = append(ev.Notes, fmt.Sprintf("days read: %d, %s to %s", len(read), read[0], ev.RefreshDate))
		}
	}()
	for i, day := range due {
		if left, _ := u.client.ReportBudget(spec.Function); left <= budgetKept {
			return &graph.Error{
				Kind: graph.Throttled, Code: codePending, Remedy: "nothing: each run reads as many as Graph allows",
				Message: fmt.Sprintf("%d of %d days are left for later runs, from %s on: Graph allows 14 requests in ten minutes", len(due)-i, len(due), day),
			}
		}
		err := u.day(ctx, spec, day, ev, page)
		if graph.KindOf(err) == graph.Unsupported {
			d.Refused = append(d.Refused, day)
			ev.Notes = append(ev.Notes, "Graph does not offer "+day)
			continue
		}
		if err != nil {
			return err
		}
		d.Done, read = append(d.Done, day), append(read, day)
	}
	return nil
}

// day reads one day of a report. Rows are named by day: the same person has a row for each.
func (u *run) day(ctx context.Context, spec *schemas.ReportSpec, day string, ev *schemas.Run, page pageFunc) error {
	var buf []schemas.Entity
	digest := func(row string) string { return u.digest(day + "\x00" + row) }
	before := ev.Pages
	res, err := u.client.Report(ctx, spec, graph.ReportArg{Date: day}, digest, func(rows []schemas.Report) error {
		buf = buf[:0]
		for i := range rows {
			rows[i].Function, rows[i].Date = spec.Daily(), day
			buf = append(buf, &rows[i])
		}
		return page(u.now(), buf)
	})
	if err != nil {
		return err
	}
	if ev.Pages == before {
		ev.Pages++ // a report without rows
	}
	ev.ConcealedRows, ev.Rejected = ev.ConcealedRows+res.Concealed, ev.Rejected+res.Rejected
	ev.MissingColumns, ev.NewColumns = res.MissingColumns, res.NewColumns
	return nil
}
