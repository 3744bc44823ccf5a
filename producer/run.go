package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/internal/lease"
	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// Runner runs connectors: it collects every feed of a tenant and publishes what changed.
type Runner struct {
	JS     jetstream.JetStream
	Stores *Stores
	Log    zerolog.Logger
	Now    func() time.Time // the clock; time.Now where nil
	// Reports is the catalogue of reports; that of the schemas where nil.
	Reports []schemas.ReportSpec
	// Progress, where set, is told after every page.
	Progress func(connector string, ev *schemas.Run)

	// Limiter keeps all runs of a process within Graph's limits; give all runners the same
	// one. Without one every run has its own.
	Limiter *graph.Limiter
	Secrets *Secrets // finds the connectors' secrets; those in variables and files where nil
	// Yield is graph.Config's: it lets other runs work while this one waits for Graph.
	Yield func() (resume func())

	// Begun, where set, is told when the run has the tenant for itself.
	Begun func()
	// Window is the longest time a run takes, at the end of a page; 0 for no end.
	Window time.Duration
	// Unfinished, where set, is told that the run ended before its end, and when to go on.
	Unfinished func(after time.Duration)

	giveUp time.Duration  // of the publishers, where set
	rest   *time.Duration // in the place of restMost
}

func (r *Runner) publisher(ctx context.Context, log zerolog.Logger) *publisher {
	p := newPublisher(ctx, r.JS, log)
	if r.giveUp > 0 {
		p.giveUp = r.giveUp
	}
	return p
}

func (r *Runner) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// run is one run of one connector.
type run struct {
	*Runner
	conn        Connector
	client      *graph.Client
	log         zerolog.Logger
	id          string
	tenant      string
	started     time.Time
	began       time.Time // this attempt
	attempt     int       // from 0
	earlier     map[string]*schemas.Run
	ahead       bool // this attempt has come to what is not finished
	cut         *cut
	current     *collection
	permissions []string
	notes       []string // what changed since the run before
	digest      func(string) string
	licensed    []string // groups whose members are read: those that carry licences, or all
	groupsWhole bool
	results     []*schemas.Run
}

// Run collects all feeds of a connector and returns the evidence of the whole run. A feed
// that fails does not stop the others. The error is not nil where nothing could be
// collected at all: sign-in refused, tenant busy, stream away.
func (r *Runner) Run(ctx context.Context, c Connector) (*schemas.Run, error) {
	started := r.now()
	u := &run{Runner: r, conn: c, started: started, began: started, id: schemas.NewRunID(started)}
	u.log = r.Log.With().Str("connector", c.Name).Str("run", u.id).Logger()
	all, err := u.collect(ctx)
	// A run that lost its lease is silent: another may be amid its own.
	if err != nil && ctx.Err() == nil && !errors.Is(err, ErrBusy) && !errors.Is(err, lease.ErrLost) {
		u.failed(ctx, err)
	}
	return all, err
}

// failed publishes the evidence of a run that could not collect. A tenant that has never
// been reached has no subject yet; its failure stands in the connector's status alone.
func (u *run) failed(ctx context.Context, cause error) {
	if u.tenant == "" {
		u.tenant = u.Stores.tenantOf(ctx, u.conn)
	}
	if u.tenant == "" {
		return
	}
	ev := &schemas.Run{
		RunID: u.id, Connector: u.conn.Name, Feed: schemas.FeedAll, Status: schemas.RunFailed, Permissions: u.permissions,
		StartedAt: schemas.FormatTime(u.started), FinishedAt: schemas.FormatTime(u.now()), Error: runError(cause, u.now()),
	}
	p := u.publisher(ctx, u.log)
	err := u.evidence(p, schemas.NewEncoder(), ev)
	if err := errors.Join(err, p.close()); err != nil {
		u.log.Warn().Err(err).Msg("evidence of the failed run not stored")
	}
}

func (u *run) collect(ctx context.Context) (*schemas.Run, error) {
	r, c := u.Runner, u.conn
	specs, err := c.reportSpecs(r.Reports)
	if err != nil {
		return nil, err
	}
	if u.client, err = r.client(c, u.log); err != nil {
		return nil, err
	}
	defer u.client.Close()
	if u.permissions, err = u.client.Permissions(ctx); err != nil {
		return nil, fmt.Errorf("run connector %s: %w", c.Name, err)
	}
	org, err := u.reach(ctx)
	if err != nil {
		return nil, fmt.Errorf("run connector %s: %w", c.Name, err)
	}
	held, release, err := r.Stores.lease(ctx, u.tenant, u.id)
	if err != nil {
		return nil, fmt.Errorf("run connector %s: %w", c.Name, err)
	}
	defer release()
	all, err := u.holding(held, org, specs)
	if lost := context.Cause(held); err != nil && ctx.Err() == nil && errors.Is(lost, lease.ErrLost) {
		// What broke off is of no interest, and mostly says that a context was cancelled.
		err = fmt.Errorf("run connector %s: %w", c.Name, r.Stores.takenOver(ctx, u.tenant, u.id, lost))
	}
	return all, err
}

// holding is the run while it has the tenant for itself.
func (u *run) holding(ctx context.Context, org *directory, specs []*schemas.ReportSpec) (*schemas.Run, error) {
	r, c := u.Runner, u.conn
	if last, err := r.Stores.cursor(ctx, u.tenant, "users"); err == nil {
		u.client.SetUsers(int(last.Entities)) // the quota follows the size of the tenant
	}
	if err := r.Stores.rememberTenant(ctx, c.Name, u.tenant); err != nil {
		return nil, err
	}
	var err error
	if u.digest, err = r.Stores.digest(ctx, u.tenant); err != nil {
		return nil, err
	}
	if u.notes, err = r.Stores.consentChanges(ctx, u.tenant, u.permissions); err != nil {
		return nil, err
	}
	if err := u.takeUp(ctx); err != nil {
		return nil, err
	}
	if u.Begun != nil {
		u.Begun()
	}
	u.log.Info().Str("tenant", u.tenant).Strs("notes", u.notes).Msg("run started")
	if err := u.all(ctx, u.feeds(org, specs)); err != nil {
		return nil, fmt.Errorf("run connector %s: %w", c.Name, err)
	}
	if err := u.past(ctx, specs); err != nil {
		return nil, fmt.Errorf("run connector %s: %w", c.Name, err)
	}
	return u.finish(ctx)
}

// past reads what may wait until the current state is there.
func (u *run) past(ctx context.Context, specs []*schemas.ReportSpec) error {
	if u.cut != nil && u.cut.window {
		return u.notBegun(ctx, append([]string{schemas.FeedReportSettings}, u.dailies(specs)...))
	}
	if err := u.reportSettings(ctx); err != nil {
		return err
	}
	return u.backfill(ctx, specs)
}

// all reads the feeds that are not finished, until the run's window has passed.
func (u *run) all(ctx context.Context, feeds []feed) error {
	for i, f := range feeds {
		done, err := u.done(ctx, f)
		if err == nil && !done {
			err = u.feed(ctx, f)
		}
		if err != nil {
			return fmt.Errorf("feed %s: %w", f.name, err)
		}
		if i+1 < len(feeds) && u.cut == nil && !done {
			_ = u.within(feeds[i+1].name, "", true) // the cut stands in the run
		}
		if u.cut != nil && u.cut.window {
			var names []string
			for _, f := range feeds[i+1:] {
				names = append(names, f.name)
			}
			return u.notBegun(ctx, names)
		}
	}
	return nil
}

// feed collects one feed and publishes its evidence. The error is one of the stream: a
// feed that Graph refuses is evidence, not an error.
func (u *run) feed(ctx context.Context, f feed) error {
	ev := &schemas.Run{
		RunID: u.id, Connector: u.conn.Name, Feed: f.name, StartedAt: schemas.FormatTime(u.now()), Permissions: u.permissions,
	}
	_, err := u.Stores.cursor(ctx, u.tenant, f.name)
	if ev.Baseline = errors.Is(err, errNoCursor); err != nil && !ev.Baseline {
		return err
	}
	c := &collection{
		ctx: ctx, js: u.JS, log: u.log, tenant: u.tenant, kind: f.kind, report: f.report, baseline: ev.Baseline,
		again: f.again, base: u.attempt * attemptStride, enc: schemas.NewEncoder(), ev: ev,
	}
	c.state = state{}
	if !f.blank {
		var err error
		if c.state, ev.Deleted, err = loadState(ctx, u.JS, schemas.Filter(u.tenant, f.kind, f.report), u.own(f.again)); err != nil {
			return err
		}
	}
	c.book = &book{u: u, c: c, feed: f.name, off: u.Stores.Checkpoints == nil || !f.lists()}
	u.current = c
	if err := u.continues(ctx, c, f); err != nil {
		return err
	}
	c.pub = u.publisher(ctx, u.log)
	known := len(c.state)
	readErr := f.read(ctx, ev, u.paged(c))
	return u.settle(ctx, c, f, known, readErr)
}

// paged is what a feed hands its pages to.
func (u *run) paged(c *collection) pageFunc {
	return func(read time.Time, entities []schemas.Entity) error {
		if err := c.page(read, entities); err != nil {
			return &streamError{err}
		}
		if u.Progress != nil {
			u.Progress(u.conn.Name, c.ev)
		}
		return nil
	}
}

// settle ends a feed: what a complete listing no longer has is deleted, and the evidence
// is published.
func (u *run) settle(ctx context.Context, c *collection, f feed, known int, readErr error) error {
	ev := c.ev
	var broken *streamError
	if errors.As(readErr, &broken) {
		c.pub.abort()
		return errors.Join(broken.err, c.pub.err)
	}
	same := errors.Is(readErr, errSameReport)
	if same {
		ev.Status = schemas.RunComplete
	} else {
		u.throttled(c, f, readErr)
		u.judge(ev, f, known, readErr)
	}
	if ev.Status == schemas.RunComplete && !same && !f.keeps {
		if err := c.deleteUnseen(u.now()); err != nil {
			c.pub.abort()
			return errors.Join(err, c.pub.err)
		}
	}
	return u.conclude(ctx, c, f, ev.Status == schemas.RunComplete && !same)
}

// streamError marks an error of publishing, which ends the run, apart from one of Graph.
type streamError struct{ err error }

func (e *streamError) Error() string { return e.err.Error() }
func (e *streamError) Unwrap() error { return e.err }
