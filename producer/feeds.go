package producer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// feed is one thing a run reads. read hands over pages of entities and returns nil only
// when Graph has given everything.
type feed struct {
	name       string
	kind       schemas.Kind
	report     string
	again      int  // 1 for the second reading of a kind in one run
	neverEmpty bool // an empty listing is not believed where entities are known
	keeps      bool // what a listing no longer has is not deleted: it has left the report's window
	blank      bool // nothing of it is in the stream, so there is nothing to compare with
	// stored, where set, is called in place of moving the cursor, when all is acknowledged.
	stored func(context.Context) error
	read   func(ctx context.Context, ev *schemas.Run, page pageFunc) error
}

type pageFunc func(read time.Time, entities []schemas.Entity) error

// feeds lists what a run reads, in order. SKUs come before users and once more behind
// them: units that moved meanwhile make a reconciliation inconclusive.
func (u *run) feeds(org *directory, reports []*schemas.ReportSpec) []feed {
	list := []feed{
		{name: "organization", kind: schemas.KindOrganization, neverEmpty: true,
			read: func(_ context.Context, _ *schemas.Run, page pageFunc) error {
				if org.err != nil {
					return org.err
				}
				return page(org.read, []schemas.Entity{&org.organization})
			}},
		{name: "skus", kind: schemas.KindSKU, neverEmpty: true, read: u.skus},
		{name: "subscriptions", kind: schemas.KindSubscription,
			read: func(ctx context.Context, _ *schemas.Run, page pageFunc) error {
				return u.client.Subscriptions(ctx, pages[schemas.Subscription](page))
			}},
		{name: feedGroups, kind: schemas.KindGroup, read: u.groups},
		{name: "members", kind: schemas.KindMember, read: u.members},
		{name: "users", kind: schemas.KindUser, neverEmpty: true,
			read: func(ctx context.Context, _ *schemas.Run, page pageFunc) error {
				return resumable[schemas.User](ctx, u, page, nil, func(link string, yield func(graph.Page[schemas.User]) error) error {
					return u.client.UsersFrom(ctx, link, yield)
				})
			}},
		{name: "skus_after", kind: schemas.KindSKU, again: 1, neverEmpty: true, read: u.skusAgain},
	}
	list = append(list, feed{name: "deleted_users", kind: schemas.KindDeletedUser,
		read: func(ctx context.Context, _ *schemas.Run, page pageFunc) error {
			return u.current.book.restarted("", func(string, *bool) error {
				return u.client.DeletedUsers(ctx, pages[schemas.DeletedUser](page))
			})
		}})
	for _, spec := range reports {
		list = append(list, feed{
			name: spec.Function, kind: schemas.KindReport, report: spec.Function, neverEmpty: true, keeps: spec.ByDay(), read: u.report(spec),
		})
	}
	return append(list, feed{name: feedSignIns, kind: schemas.KindSignIn, neverEmpty: true, read: u.signIns})
}

// pages adapts a typed page of the Graph client.
func pages[T any, P interface {
	*T
	schemas.Entity
}](page pageFunc) func(graph.Page[T]) error {
	var buf []schemas.Entity
	return func(p graph.Page[T]) error {
		buf = buf[:0]
		for i := range p.Items {
			buf = append(buf, P(&p.Items[i]))
		}
		return page(p.Read, buf)
	}
}

func (u *run) skus(ctx context.Context, _ *schemas.Run, page pageFunc) error {
	return u.client.SKUs(ctx, pages[schemas.SKU](page))
}

// skusAgain reads the SKUs once more and names those that moved since the first reading.
func (u *run) skusAgain(ctx context.Context, ev *schemas.Run, page pageFunc) error {
	return u.client.SKUs(ctx, func(p graph.Page[schemas.SKU]) error {
		for i := range p.Items {
			before := ev.Published
			if err := page(p.Read, []schemas.Entity{&p.Items[i]}); err != nil {
				return err
			}
			if ev.Published > before {
				ev.MovedSKUs = append(ev.MovedSKUs, p.Items[i].SKUID)
			}
		}
		ev.Pages = int64(p.Number) // not one for each item
		return nil
	})
}

// feedGroups is the feed whose pages say which groups carry licences.
const feedGroups = "groups"

func (u *run) groups(ctx context.Context, _ *schemas.Run, page pageFunc) error {
	u.groupsWhole = false
	if u.current.book.last == nil {
		u.licensed = nil
	}
	licensed := func(m *mark, groups []schemas.Group) {
		for i := range groups {
			if u.conn.Members == MembersAll || len(groups[i].AssignedLicenses) > 0 {
				m.Licensed = append(m.Licensed, schemas.GUID(groups[i].ID))
			}
		}
		u.licensed = append(u.licensed, m.Licensed...)
	}
	err := resumable[schemas.Group](ctx, u, page, licensed, func(link string, yield func(graph.Page[schemas.Group]) error) error {
		return u.client.GroupsFrom(ctx, link, yield)
	})
	slices.Sort(u.licensed)
	u.licensed = slices.Compact(u.licensed)
	u.groupsWhole = err == nil
	return err
}

// members reads the direct members of the groups that carry licences, for only they
// inherit, or of all groups where the connector says so.
func (u *run) members(ctx context.Context, ev *schemas.Run, page pageFunc) error {
	b := u.current.book
	for _, id := range u.licensed {
		link, last := "", b.last
		if last != nil && (id < last.Group || id == last.Group && last.Next == "") {
			continue // an earlier attempt has read it
		}
		if last != nil && id == last.Group {
			link = last.Next
		}
		err := b.restarted(link, func(link string, read *bool) error {
			take := pages[schemas.Member](page)
			return u.client.MembersFrom(ctx, id, link, func(p graph.Page[schemas.Member]) error {
				*read = true
				if err := take(p); err != nil {
					return err
				}
				return b.remember(ctx, mark{Group: id, Next: p.Next})
			})
		})
		if err != nil {
			return err
		}
	}
	if !u.groupsWhole {
		return &graph.Error{Kind: graph.NotFound, Code: "GroupsIncomplete", Message: "the groups were not listed completely, so neither are their members"}
	}
	if len(u.licensed) == 0 {
		ev.Notes = append(ev.Notes, "no group carries licences, so no members were read")
	}
	return nil
}

// rereadReport is how long a report whose refresh date has not moved is taken for read.
// Microsoft issues rows again under the same date, so a daily run reads it whole.
const rereadReport = 20 * time.Hour

// errSameReport ends the reading of a report whose refresh date has not moved.
var errSameReport = errors.New("refresh date has not moved")

func (u *run) report(spec *schemas.ReportSpec) func(context.Context, *schemas.Run, pageFunc) error {
	return func(ctx context.Context, ev *schemas.Run, page pageFunc) error {
		last, err := u.Stores.cursor(ctx, u.tenant, spec.Function)
		if err != nil && !errors.Is(err, errNoCursor) {
			return &streamError{err}
		}
		var buf []schemas.Entity
		res, err := u.client.Report(ctx, spec, graph.ReportArg{Period: spec.Widest()}, u.digest, func(rows []schemas.Report) error {
			if ev.Pages == 0 && len(rows) > 0 && rows[0].RefreshDate == last.Refresh && u.now().Sub(last.Finished) < rereadReport {
				ev.RefreshDate = last.Refresh
				ev.Entities, ev.Unchanged = last.Entities, last.Entities
				ev.Notes = append(ev.Notes, "not read again: its refresh date has not moved since run "+last.Run)
				return errSameReport
			}
			buf = buf[:0]
			for i := range rows {
				buf = append(buf, &rows[i])
			}
			return page(u.now(), buf)
		})
		if errors.Is(err, errSameReport) {
			ev.ConcealedRows = last.Concealed
			return err
		}
		ev.RefreshDate, ev.ConcealedRows, ev.Rejected = res.RefreshDate, res.Concealed, ev.Rejected+res.Rejected
		ev.MissingColumns, ev.NewColumns = res.MissingColumns, res.NewColumns
		return err
	}
}
