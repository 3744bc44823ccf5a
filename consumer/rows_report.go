package consumer

import (
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/seatstream/seatstream/schemas"
)

// reportRows are the rows of report_changes.
type reportRows struct {
	envelopes
	report, rowKey, period, upn, userID, unknown []string
	refresh, date, lastActivity                  []*time.Time
	concealed                                    []bool
	dates                                        []fields[time.Time]
	counts                                       []fields[int64]
	flags                                        []fields[bool]
	texts, unknownColumns                        []fields[string]
}

func (r *reportRows) table() string { return "report_changes" }

func (r *reportRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	tenant, err := uuid.Parse(env.Subject.Tenant)
	if err != nil {
		return err
	}
	var v schemas.Report
	if err := schemas.Decode(body, &v); err != nil {
		return err
	}
	refresh, err := day("reportRefreshDate", v.RefreshDate)
	if err != nil {
		return err
	}
	date, err := day("reportDate", v.Date)
	if err != nil {
		return err
	}
	dates, err := parseFields(v.Dates, last(r.dates).names, func(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) })
	if err != nil {
		return err
	}
	counts, err := parseFields(v.Counts, last(r.counts).names, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
	if err != nil {
		return err
	}
	flags, err := parseFields(v.Flags, last(r.flags).names, strconv.ParseBool)
	if err != nil {
		return err
	}
	texts, err := parseFields(v.Texts, last(r.texts).names, verbatim)
	if err != nil {
		return err
	}
	unknown, err := parseFields(v.UnknownColumns, last(r.unknownColumns).names, verbatim)
	if err != nil {
		return err
	}
	r.envelopes.add(tenant, env, seq)
	r.report, r.rowKey, r.period = append(r.report, env.Subject.Report), append(r.rowKey, env.Subject.Entity), append(r.period, v.Period)
	r.upn, r.userID = append(r.upn, v.UserPrincipalName), append(r.userID, v.UserID)
	r.refresh, r.date = append(r.refresh, refresh), append(r.date, date)
	r.lastActivity = append(r.lastActivity, lastActivity(dates))
	r.concealed = append(r.concealed, v.Concealed)
	r.dates, r.counts, r.flags, r.texts = append(r.dates, dates), append(r.counts, counts), append(r.flags, flags), append(r.texts, texts)
	r.unknownColumns, r.unknown = append(r.unknownColumns, unknown), append(r.unknown, string(v.Unknown))
	return nil
}

func verbatim(s string) (string, error) { return s, nil }

// last is the last row's group, or an empty one.
func last[T any](rows []fields[T]) fields[T] {
	if len(rows) == 0 {
		return fields[T]{}
	}
	return rows[len(rows)-1]
}

// lastActivity is the date most questions ask for; nil where it is blank or absent.
func lastActivity(dates fields[time.Time]) *time.Time {
	for i, name := range dates.names {
		if name == "Last Activity Date" && (dates.nulls == nil || !dates.nulls[i]) {
			return &dates.values[i]
		}
	}
	return nil
}

func (r *reportRows) columns() ([]string, []any) {
	return r.with([]string{
		"report", "row_key", "refresh_date", "report_date", "period", "user_principal_name", "user_id", "concealed", "last_activity_date",
		"dates", "counts", "flags", "texts", "unknown_columns", "unknown",
	}, []any{
		r.report, r.rowKey, r.refresh, r.date, r.period, r.upn, r.userID, r.concealed, r.lastActivity,
		r.dates, r.counts, r.flags, r.texts, r.unknownColumns, r.unknown,
	})
}

// runRows are the rows of run_changes.
type runRows struct {
	envelopes
	feed, connector, status, code, message, remedy, unknown                     []string
	baseline                                                                    []bool
	hidden                                                                      []*bool
	pages, entities, published, unchanged, deletes, events, rejected, concealed []int64
	refresh                                                                     []*time.Time
	missing, added, permissions, notes                                          [][]string
	moved                                                                       [][]uuid.UUID
	started, finished                                                           []time.Time
}

func (r *runRows) table() string { return "run_changes" }

func (r *runRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	tenant, err := uuid.Parse(env.Subject.Tenant)
	if err != nil {
		return err
	}
	var v schemas.Run
	if err := schemas.Decode(body, &v); err != nil {
		return err
	}
	refresh, err := day("reportRefreshDate", v.RefreshDate)
	if err != nil {
		return err
	}
	started, err := time.Parse(time.RFC3339Nano, v.StartedAt)
	if err != nil {
		return fmt.Errorf("startedAt: %w", err)
	}
	finished, err := time.Parse(time.RFC3339Nano, v.FinishedAt)
	if err != nil {
		return fmt.Errorf("finishedAt: %w", err)
	}
	moved, err := guids("movedSkus", v.MovedSKUs)
	if err != nil {
		return err
	}
	var problem schemas.RunError
	if v.Error != nil {
		problem = *v.Error
	}
	r.envelopes.add(tenant, env, seq)
	r.feed, r.connector, r.status = append(r.feed, env.Subject.Entity), append(r.connector, v.Connector), append(r.status, v.Status)
	r.baseline, r.pages, r.entities = append(r.baseline, v.Baseline), append(r.pages, v.Pages), append(r.entities, v.Entities)
	r.published, r.unchanged, r.deletes = append(r.published, v.Published), append(r.unchanged, v.Unchanged), append(r.deletes, v.Deleted)
	r.events, r.rejected, r.concealed = append(r.events, v.Events), append(r.rejected, v.Rejected), append(r.concealed, v.ConcealedRows)
	r.hidden = append(r.hidden, boolean(v.DisplayConcealedNames))
	r.refresh, r.started, r.finished = append(r.refresh, refresh), append(r.started, started), append(r.finished, finished)
	r.missing, r.added = append(r.missing, v.MissingColumns), append(r.added, v.NewColumns)
	r.permissions, r.notes, r.moved = append(r.permissions, v.Permissions), append(r.notes, v.Notes), append(r.moved, moved)
	r.code, r.message, r.remedy = append(r.code, problem.Code), append(r.message, problem.Message), append(r.remedy, problem.Remedy)
	r.unknown = append(r.unknown, string(v.Unknown))
	return nil
}

func (r *runRows) columns() ([]string, []any) {
	return r.with([]string{
		"feed", "connector", "status", "baseline", "pages", "entities", "published", "unchanged", "deletes", "events", "rejected",
		"refresh_date", "concealed_rows", "display_concealed_names", "missing_columns", "new_columns", "moved_skus", "permissions", "started_at", "finished_at",
		"notes", "error_code", "error_message", "error_remedy", "unknown",
	}, []any{
		r.feed, r.connector, r.status, r.baseline, r.pages, r.entities, r.published, r.unchanged, r.deletes, r.events, r.rejected,
		r.refresh, r.concealed, r.hidden, r.missing, r.added, r.moved, r.permissions, r.started, r.finished,
		r.notes, r.code, r.message, r.remedy, r.unknown,
	})
}
