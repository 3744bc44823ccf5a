package producer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// A run that is stopped goes on where it was: under its id, as a further attempt. What it
// has to know for that stands in a bucket: the run itself under <tenant>, and every page of
// a listing under <tenant>.<feed>.<number> once all records of the page are stored.
const (
	// checkpointTTL is when what is remembered of a run goes by itself.
	checkpointTTL = 24 * time.Hour
	// restMost is how long a run may have been at rest to be taken up again: Graph's page
	// tokens expire, and what was read ages.
	restMost = 6 * time.Hour
	// runMost is how long a run may last in all.
	runMost = 48 * time.Hour
	// attemptStride sets the message ids of attempts apart: an id that the server has seen
	// is refused. An attempt meets an entity at most 256 times.
	attemptStride = 1000
	// checkpointForm changes where what is remembered is no longer understood.
	checkpointForm = "1"
)

// unfinished is what is remembered of a run.
type unfinished struct {
	Run       string    `json:"run"`
	Connector string    `json:"connector"`
	Settings  string    `json:"settings"` // digest of the connector
	Started   time.Time `json:"started"`
	Attempt   int       `json:"attempt"` // from 0
	Notes     []string  `json:"notes,omitempty"`
}

// mark is a page whose records are all stored. Counts are those of the listing so far.
type mark struct {
	Run       string   `json:"run"`
	Next      string   `json:"next,omitzero"`      // where the listing goes on; empty behind the last page
	Group     string   `json:"group,omitzero"`     // of a page of members
	Licensed  []string `json:"licensed,omitempty"` // of a page of groups: those that carry licences
	Met       []byte   `json:"met,omitempty"`      // 8 bytes of hash for each entity on the page
	Notes     []string `json:"notes,omitempty"`    // since the page before
	Started   string   `json:"started"`
	Entities  int64    `json:"entities"`
	Published int64    `json:"published"`
	Unchanged int64    `json:"unchanged"`
	Events    int64    `json:"events"`
	Rejected  int64    `json:"rejected"`
}

// settings is a digest of what a connector reads and where: a link of one is not followed
// for another.
func (u *run) settings() (string, error) {
	c := u.conn
	c.Schedule, c.ClientSecret, c.Endpoint, c.Paused, c.CreatedAt = Schedule{}, "", "", false, time.Time{}
	body, err := schemas.NewEncoder().Encode(&c)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(body, checkpointForm...))
	return hex.EncodeToString(sum[:16]), nil
}

// takeUp makes this run the next attempt of the tenant's unfinished one, where there is one
// that fits, and remembers the run.
func (u *run) takeUp(ctx context.Context) error {
	settings, err := u.settings()
	if err != nil || u.Stores.Checkpoints == nil {
		return err
	}
	rec, rest, err := u.Stores.unfinished(ctx, u.tenant)
	if err != nil {
		return err
	}
	switch {
	case rec == nil:
	case rec.Connector != u.conn.Name || rec.Settings != settings:
		u.notes = append(u.notes, "run "+rec.Run+" was not finished and is not continued: the connector has changed")
	case rest > u.restMost() || u.now().Sub(rec.Started) > runMost:
		u.notes = append(u.notes, "run "+rec.Run+" was not finished and is not continued: it is too old")
	default:
		return u.resume(ctx, rec, settings)
	}
	if rec != nil {
		if err := u.Stores.forget(ctx, u.JS, u.tenant); err != nil {
			return err
		}
	}
	return u.rememberRun(ctx, settings)
}

// resume takes the place of an earlier attempt.
func (u *run) resume(ctx context.Context, rec *unfinished, settings string) error {
	id, started := u.id, u.started
	u.id, u.started, u.attempt = rec.Run, rec.Started, rec.Attempt+1
	var err error
	if u.earlier, err = u.evidenceSoFar(ctx); err != nil {
		return err
	}
	if all := u.earlier[schemas.FeedAll]; all != nil && all.Status == schemas.RunComplete {
		// It was finished, and stopped before that was forgotten.
		u.id, u.started, u.attempt, u.earlier = id, started, 0, nil
		if err := u.Stores.forget(ctx, u.JS, u.tenant); err != nil {
			return err
		}
		return u.rememberRun(ctx, settings)
	}
	u.notes = append(rec.Notes, u.notes...)
	u.log = u.Log.With().Str("connector", u.conn.Name).Str("run", u.id).Int("attempt", u.attempt+1).Logger()
	return u.rememberRun(ctx, settings)
}

func (u *run) restMost() time.Duration {
	if u.rest != nil {
		return *u.rest
	}
	return restMost
}

func (u *run) rememberRun(ctx context.Context, settings string) error {
	body, err := schemas.NewEncoder().Encode(&unfinished{
		Run: u.id, Connector: u.conn.Name, Settings: settings, Started: u.started, Attempt: u.attempt, Notes: u.notes,
	})
	if err != nil {
		return err
	}
	if _, err := u.Stores.Checkpoints.Put(ctx, u.tenant, body); err != nil {
		return fmt.Errorf("remember run of tenant %s: %w", u.tenant, err)
	}
	return nil
}

// unfinished returns the tenant's unfinished run and how long ago it last got on; nil
// where there is none.
func (s *Stores) unfinished(ctx context.Context, tenant string) (*unfinished, time.Duration, error) {
	e, err := s.Checkpoints.Get(ctx, tenant)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read unfinished run of tenant %s: %w", tenant, err)
	}
	rec, last := &unfinished{}, e.Created()
	if err := schemas.Decode(e.Value(), rec); err != nil {
		return nil, 0, fmt.Errorf("read unfinished run of tenant %s: %w", tenant, err)
	}
	w, err := s.Checkpoints.Watch(ctx, tenant+".>", jetstream.MetaOnly(), jetstream.IgnoreDeletes())
	if err != nil {
		return nil, 0, fmt.Errorf("read checkpoints of tenant %s: %w", tenant, err)
	}
	defer func() { _ = w.Stop() }() // the watch ends with ctx otherwise
	for e := range w.Updates() {
		if e == nil {
			break
		}
		if e.Created().After(last) {
			last = e.Created()
		}
	}
	return rec, time.Since(last), ctx.Err()
}

// forget removes all that is remembered of the unfinished run of a tenant, or, with the
// feed behind the tenant's id and a dot, of one of its feeds.
func (s *Stores) forget(ctx context.Context, js jetstream.JetStream, tenant string) error {
	stream, err := js.Stream(ctx, "KV_"+schemas.BucketCheckpoints)
	if err != nil {
		return fmt.Errorf("forget unfinished run of tenant %s: %w", tenant, err)
	}
	if err := s.overwriteLinks(ctx, stream, tenant); err != nil {
		return fmt.Errorf("forget unfinished run of tenant %s: %w", tenant, err)
	}
	prefix := "$KV." + schemas.BucketCheckpoints + "." + tenant
	for _, subject := range []string{prefix, prefix + ".>"} {
		if err := stream.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
			return fmt.Errorf("forget unfinished run of tenant %s: %w", tenant, err)
		}
	}
	return nil
}

// overwriteLinks overwrites the links to pages of users in the server's files: they are Graph's
// and opaque, and may hold a principal name. A purge leaves the bytes.
func (s *Stores) overwriteLinks(ctx context.Context, stream jetstream.Stream, of string) error {
	if stream.CachedInfo().Config.DenyDelete {
		return nil // a bucket of an earlier version
	}
	tenant, feed, _ := strings.Cut(of, ".")
	if feed != "" && feed != "users" {
		return nil
	}
	w, err := s.Checkpoints.Watch(ctx, tenant+".users.*", jetstream.MetaOnly(), jetstream.IgnoreDeletes())
	if err != nil {
		return err
	}
	defer func() { _ = w.Stop() }() // the watch ends with ctx otherwise
	for e := range w.Updates() {
		if e == nil {
			break
		}
		if err := stream.SecureDeleteMsg(ctx, e.Revision()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// marks reads the pages of a feed that this run has read, from the first on. One that is
// missing ends them: what comes behind it says nothing about the listing.
func (u *run) marks(ctx context.Context, feed string) ([]mark, error) {
	prefix := u.tenant + "." + feed + "."
	w, err := u.Stores.Checkpoints.Watch(ctx, prefix+"*", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("read checkpoints of %s: %w", feed, err)
	}
	defer func() { _ = w.Stop() }() // the watch ends with ctx otherwise
	found := map[int]mark{}
	for e := range w.Updates() {
		if e == nil {
			break
		}
		var m mark
		if err := schemas.Decode(e.Value(), &m); err != nil {
			return nil, fmt.Errorf("read checkpoint %s: %w", e.Key(), err)
		}
		if n, err := strconv.Atoi(strings.TrimPrefix(e.Key(), prefix)); err == nil && m.Run == u.id {
			found[n] = m
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	var list []mark
	for m, ok := found[1]; ok; m, ok = found[len(list)+1] {
		list = append(list, m)
	}
	return list, nil
}

// book is what a listing remembers of its pages.
type book struct {
	u     *run
	c     *collection
	feed  string
	last  *mark  // of the pages stored
	pages int    // stored
	notes int    // of the evidence, stored
	met   []byte // of the page in hand
	// off is set where a page could not be stored: those before it stay good. And of feeds
	// that are read whole.
	off bool
}

// lists tells whether a feed is a listing that goes on from a page.
func (f *feed) lists() bool {
	return f.kind == schemas.KindUser || f.kind == schemas.KindGroup || f.kind == schemas.KindMember
}

func entityHash(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return h.Sum64()
}

func (b *book) meet(id string) {
	if !b.off {
		b.met = binary.LittleEndian.AppendUint64(b.met, entityHash(id))
	}
}

// remember stores that a page is read, when all its records are stored, and before the
// next one is asked for: a run that goes on reads no page twice but the one in hand. A page
// that cannot be remembered is no reason to end the run.
func (b *book) remember(ctx context.Context, m mark) error {
	ev := b.c.ev
	m.Run, m.Met, m.Notes, m.Started = b.u.id, b.met, ev.Notes[b.notes:], ev.StartedAt
	m.Entities, m.Published, m.Unchanged, m.Events, m.Rejected = ev.Entities, ev.Published, ev.Unchanged, ev.Events, ev.Rejected
	b.met = b.met[:0]
	if b.off {
		return nil
	}
	if err := b.c.pub.flush(); err != nil {
		return &streamError{err}
	}
	body, err := b.c.enc.Encode(&m)
	if err == nil {
		_, err = b.u.Stores.Checkpoints.Create(ctx, b.u.tenant+"."+b.feed+"."+strconv.Itoa(b.pages+1), body)
	}
	if ctx.Err() != nil {
		return &streamError{context.Cause(ctx)}
	}
	if err != nil {
		b.off = true
		b.u.log.Warn().Err(err).Str("feed", b.feed).Int("page", b.pages+1).Msg("page not remembered: should the run be stopped, it goes on behind the pages before")
		return nil
	}
	b.pages, b.notes, m.Met = b.pages+1, len(ev.Notes), nil
	b.last = &m
	return b.u.within(b.feed, fmt.Sprintf("after page %d of %s", b.pages, b.feed), m.Next != "" || m.Group != "")
}

// takeOver brings a collection to where the marks of an earlier attempt end.
func (b *book) takeOver(marks []mark) {
	if len(marks) == 0 {
		return
	}
	c, ev, last := b.c, b.c.ev, marks[len(marks)-1]
	met := map[uint64]struct{}{}
	for _, m := range marks {
		for at := 0; at+8 <= len(m.Met); at += 8 {
			met[binary.LittleEndian.Uint64(m.Met[at:])] = struct{}{}
		}
		ev.Notes = append(ev.Notes, m.Notes...)
	}
	for id, e := range c.state {
		if _, ok := met[entityHash(id)]; ok {
			e.seen = 1
			c.state[id] = e
		}
	}
	last.Met = nil
	b.last, b.pages, b.notes = &last, len(marks), len(ev.Notes)
	ev.StartedAt, ev.Pages, ev.Entities, ev.Published = last.Started, int64(len(marks)), last.Entities, last.Published
	ev.Unchanged, ev.Events, ev.Rejected = last.Unchanged, last.Events, last.Rejected
}
