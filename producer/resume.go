package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// DefaultWindow is the longest time a run takes before it makes room for others.
const DefaultWindow = 6 * time.Hour

// CodeWindow is the code of a listing that its run's window cut.
const CodeWindow = "WindowPassed"

// cut says that a run ends before its end and is to be continued.
type cut struct {
	at     string // the feed where it goes on
	window bool
	after  time.Duration // when to go on
}

const (
	soonest = time.Minute // a throttled tenant is left alone for so long at least
	latest  = time.Hour
)

// within cuts the run where its window has passed and there is more to do.
func (u *run) within(feed, where string, more bool) error {
	if u.Window <= 0 || !more || u.now().Sub(u.began) < u.Window {
		return nil
	}
	u.cut = &cut{at: feed, window: true, after: busyWait}
	return &graph.Error{
		Kind: graph.Cancelled, Code: CodeWindow, Message: fmt.Sprintf("the run's window of %s has passed %s", shortDuration(u.Window), where),
		Remedy: "the next run goes on from there; producer.window is the longest a run may take",
	}
}

// CodeNotBegun is the code of evidence of a feed that its run did not come to.
const CodeNotBegun = "NotBegun"

// notBegun leaves evidence of feeds that the run's window left no time for, so that nobody
// takes what is known of them for read by this run.
func (u *run) notBegun(ctx context.Context, feeds []string) error {
	p := u.publisher(ctx, u.log)
	enc := schemas.NewEncoder()
	for _, feed := range feeds {
		if ev := u.earlier[feed]; ev != nil && ev.Status == schemas.RunComplete {
			continue // an earlier attempt of this run has read it
		}
		at := schemas.FormatTime(u.now())
		ev := &schemas.Run{
			RunID: u.id, Connector: u.conn.Name, Feed: feed, Status: schemas.RunIncomplete, Permissions: u.permissions,
			StartedAt: at, FinishedAt: at, Error: &schemas.RunError{
				Code: CodeNotBegun, Message: fmt.Sprintf("not begun: the run's window of %s passed before it", shortDuration(u.Window)),
				Remedy: "the next run goes on at " + u.cut.at + "; producer.window is the longest a run may take",
			},
		}
		if err := u.evidence(p, enc, ev); err != nil {
			p.abort()
			return err
		}
		showEvidence(ev)
	}
	return p.close()
}

// throttled lets a listing that Graph throttles be continued by the next run.
func (u *run) throttled(c *collection, f feed, readErr error) {
	var ge *graph.Error
	if !errors.As(readErr, &ge) || ge.Kind != graph.Throttled || c.book.pages == 0 || u.cut != nil {
		return
	}
	u.cut = &cut{at: f.name, after: min(max(soonest, ge.RetryAfter), latest)}
	c.ev.Notes = append(c.ev.Notes, fmt.Sprintf("the next run goes on behind page %d", c.book.pages))
}

// evidenceSoFar reads what earlier attempts of this run said of their feeds.
func (u *run) evidenceSoFar(ctx context.Context) (map[string]*schemas.Run, error) {
	m := map[string]*schemas.Run{}
	err := eachLast(ctx, u.JS, schemas.Filter(u.tenant, schemas.KindRun, ""), false, func(msg jetstream.Msg) error {
		ev := &schemas.Run{}
		if err := schemas.Decode(msg.Data(), ev); err != nil {
			return nil //nolint:nilerr // evidence of another version is none of this run
		}
		if delete(m, ev.Feed); ev.RunID == u.id {
			m[ev.Feed] = ev
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read evidence of run %s: %w", u.id, err)
	}
	return m, nil
}

// done tells whether an earlier attempt has finished a feed, and then moves the cursor, as
// that attempt may have been stopped before it did. Feeds behind one that is not finished
// are read again: the second reading of SKUs, for one, must come behind the users.
func (u *run) done(ctx context.Context, f feed) (bool, error) {
	ev := u.earlier[f.name]
	if u.ahead || ev == nil || ev.Status != schemas.RunComplete && ev.Status != schemas.RunUnavailable {
		return false, nil
	}
	if f.name == feedGroups && ev.Status == schemas.RunComplete {
		marks, err := u.marks(ctx, f.name)
		if err != nil {
			return false, err
		}
		if len(marks) == 0 || marks[len(marks)-1].Next != "" {
			return false, nil // which groups carry licences is no longer known
		}
		u.groupsWhole = true
		u.licensed = licensedOf(marks)
	}
	u.results = append(u.results, ev)
	// A report that was not read again has no page, and its cursor does not move.
	if ev.Status != schemas.RunComplete || f.kind == schemas.KindReport && ev.Pages == 0 {
		return true, nil
	}
	finished, err := time.Parse(time.RFC3339Nano, ev.FinishedAt)
	if err != nil {
		finished = u.now()
	}
	return true, u.Stores.moveCursor(ctx, u.tenant, f.name, cursorOf(ev, finished))
}

func licensedOf(marks []mark) []string {
	var ids []string
	for _, m := range marks {
		ids = append(ids, m.Licensed...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// continues tells whether a run is a further attempt and this the feed where it goes on.
func (u *run) continues(ctx context.Context, c *collection, f feed) error {
	if u.attempt == 0 {
		return nil
	}
	if f.kind == schemas.KindUser && !c.baseline {
		var err error
		if c.ev.Events, err = u.eventsSoFar(ctx); err != nil {
			return err
		}
	}
	if u.ahead { // what was read of it belongs to what is now read anew
		return u.Stores.forget(ctx, u.JS, u.tenant+"."+f.name)
	}
	marks, err := u.marks(ctx, f.name)
	if err != nil {
		return err
	}
	events := c.ev.Events
	c.book.takeOver(marks)
	c.ev.Events = max(events, c.ev.Events)
	if f.name == feedGroups {
		u.licensed = licensedOf(marks)
	}
	u.ahead = true
	note := fmt.Sprintf("attempt %d of this run, at %s: goes on from page %d", u.attempt+1, f.name, len(marks)+1)
	u.log.Info().Str("tenant", u.tenant).Str("feed", f.name).Int("page", len(marks)+1).Msg("run goes on")
	c.ev.Notes = append(c.ev.Notes, note)
	u.notes = append(u.notes, note)
	settings, err := u.settings()
	if err != nil {
		return err
	}
	return u.rememberRun(ctx, settings)
}

// eventsSoFar counts the licence records of earlier attempts.
func (u *run) eventsSoFar(ctx context.Context) (n int64, err error) {
	err = eachLast(ctx, u.JS, schemas.Filter(u.tenant, schemas.KindLicence, ""), true, func(msg jetstream.Msg) error {
		if u.own(0)(msg.Headers().Get(schemas.HeaderID)) {
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count licence records of run %s: %w", u.id, err)
	}
	return n, nil
}

// own tells which message ids are of earlier attempts of this run, and of the reading of a
// kind that this is.
func (u *run) own(again int) func(id string) bool {
	if u.attempt == 0 {
		return func(string) bool { return false }
	}
	return func(id string) bool {
		run, number, _ := strings.Cut(id[strings.LastIndexByte(id, '/')+1:], "+")
		n, _ := strconv.Atoi(number) // none is 0
		return run == u.id && n%attemptStride >= again
	}
}

// resumable reads a listing from where an earlier attempt ended and remembers its pages.
// Where Graph no longer takes a link, it begins once more at the beginning: entities met
// twice are published once, and what was met before is not deleted.
func resumable[T any, P interface {
	*T
	schemas.Entity
}](ctx context.Context, u *run, page pageFunc, about func(*mark, []T), from func(link string, yield func(graph.Page[T]) error) error) error {
	b := u.current.book
	link := ""
	if b.last != nil {
		if link = b.last.Next; link == "" {
			return nil // all was read, and the run stopped before it said so
		}
	}
	return b.restarted(link, func(link string, read *bool) error {
		take := pages[T, P](page)
		return from(link, func(p graph.Page[T]) error {
			*read = true
			m := mark{Next: p.Next}
			if about != nil {
				about(&m, p.Items)
			}
			if err := take(p); err != nil {
				return err
			}
			return b.remember(ctx, m)
		})
	})
}

// restarted reads a listing again from its beginning, once, when Graph says that a page
// token has expired (Directory_ExpiredPageToken) or refuses a link that was kept.
func (b *book) restarted(link string, list func(link string, read *bool) error) error {
	read := false
	err := list(link, &read)
	kind := graph.KindOf(err)
	refused := link != "" && !read && (kind == graph.Unsupported || kind == graph.ForeignHost || kind == graph.NotFound)
	if kind != graph.ExpiredPage && !refused {
		return err
	}
	b.c.ev.Notes = append(b.c.ev.Notes, fmt.Sprintf("listed again from the beginning: Graph no longer took the link behind page %d", b.c.ev.Pages))
	return list("", &read)
}
