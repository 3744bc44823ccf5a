package producer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/seatstream/seatstream/schemas"
)

// collection compares what Graph lists in one feed with what the stream last said and
// publishes the difference.
type collection struct {
	ctx      context.Context
	js       jetstream.JetStream
	log      zerolog.Logger
	tenant   string
	kind     schemas.Kind
	report   string
	baseline bool // nothing is known of before: no licence events
	again    int  // 1 where the run reads the kind a second time, so that message ids differ
	state    state
	pub      *publisher
	enc      *schemas.Encoder
	ev       *schemas.Run
	base     int // added to the number of every message id: those of earlier attempts are taken
	book     *book
	changes  changes
}

func (c *collection) subject(kind schemas.Kind, entity string) schemas.Subject {
	s := schemas.Subject{Tenant: c.tenant, Kind: kind, Entity: entity}
	if kind == schemas.KindReport {
		s.Report = c.report
	}
	return s
}

// changed is an entity of a page that differs from what the stream last said.
type changed struct {
	entity schemas.Entity
	record schemas.Record
	known  bool // the stream has an earlier state
}

// page takes the entities of one page: those that are new or changed are published.
func (c *collection) page(read time.Time, entities []schemas.Entity) error {
	var diff []changed
	for _, e := range entities {
		ch, ok, err := c.compare(e, read)
		if err != nil {
			return err
		}
		if ok {
			diff = append(diff, ch)
		}
	}
	c.ev.Pages++
	for _, e := range entities {
		c.book.meet(e.Entity())
	}
	before, err := c.previousUsers(diff)
	if err != nil {
		return err
	}
	for _, ch := range diff {
		records := []schemas.Record{ch.record}
		if o, ok := ch.entity.(*schemas.Organization); ok && ch.known {
			if err := c.organization(o); err != nil {
				return err
			}
		}
		if u, ok := ch.entity.(*schemas.User); ok && !c.baseline {
			events, err := c.licences(before[u.ID], u, ch.record.Seen, read)
			if err != nil {
				return err
			}
			records = append(records, events...)
			if old := before[u.ID]; old != nil && old.UserPrincipalName != u.UserPrincipalName {
				c.changes.renamed++
			}
			before[u.ID] = u // should the page list it once more
		}
		if err := c.publish(records...); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) publish(records ...schemas.Record) error {
	err := c.pub.add(records...)
	switch {
	case errors.Is(err, errTooLarge):
		c.ev.Rejected++
		c.ev.Notes = append(c.ev.Notes, err.Error())
		return nil
	case err != nil:
		return err
	}
	c.ev.Published++
	c.ev.Events += int64(len(records) - 1)
	return nil
}

// compare normalises an entity and tells whether it must be published.
func (c *collection) compare(e schemas.Entity, read time.Time) (changed, bool, error) {
	e.Normalize()
	c.changes.observe(e)
	id := e.Entity()
	subject := c.subject(c.kind, id)
	if problem := subject.Check(); problem != nil {
		c.ev.Rejected++
		c.ev.Notes = append(c.ev.Notes, "not published: "+problem.Error())
		return changed{}, false, nil //nolint:nilerr // it is counted, and the rest goes on
	}
	hash, body, err := c.encode(e)
	if err != nil {
		return changed{}, false, err
	}
	old, known := c.state[id]
	seen := old.seen
	same := known && old.hash == hash
	c.state[id] = entry{hash: hash, seen: seen + min(1, 255-seen), mine: old.mine || !same}
	if seen == 0 {
		c.ev.Entities++
	}
	if same {
		switch {
		case seen == 0 && old.mine:
			c.ev.Published++ // before the run was stopped
		case seen == 0:
			c.ev.Unchanged++
		}
		return changed{}, false, nil
	}
	return changed{entity: e, known: known, record: schemas.Record{
		Subject: subject, Op: schemas.Upsert, Run: c.ev.RunID, Seen: c.base + c.again + int(seen), Time: read,
		Hash: schemas.FormatHash(hash), Body: bytes.Clone(body),
	}}, true, nil
}

// encode returns the hash and the body. A report row that differs only in its refresh
// date is unchanged, so the date stays out of the hash.
func (c *collection) encode(e schemas.Entity) (hash [16]byte, body []byte, err error) {
	row, ok := e.(*schemas.Report)
	if !ok {
		if body, err = c.enc.Encode(e); err != nil {
			return hash, nil, err
		}
		return schemas.StateHash(body), body, nil
	}
	date := row.RefreshDate
	row.RefreshDate = ""
	body, err = c.enc.Encode(row)
	row.RefreshDate = date
	if err != nil {
		return hash, nil, err
	}
	hash = schemas.StateHash(body)
	if old, known := c.state[row.Key]; known && old.hash == hash {
		return hash, body, nil
	}
	body, err = c.enc.Encode(row)
	return hash, body, err
}

// previousUsers reads the earlier states of changed users, which licence events compare.
func (c *collection) previousUsers(diff []changed) (map[string]*schemas.User, error) {
	if c.kind != schemas.KindUser || c.baseline {
		return nil, nil
	}
	var ids []string
	again := false
	met := make(map[string]bool, len(diff))
	for _, ch := range diff {
		id := ch.entity.Entity()
		if ch.known && !met[id] {
			ids = append(ids, id)
		}
		met[id] = true
		again = again || c.state[id].seen > 1
	}
	// Graph may list an entity again when it changes meanwhile: its first record of
	// this run must be readable then.
	if again {
		if err := c.pub.flush(); err != nil {
			return nil, err
		}
	}
	users, err := c.lastUsers(ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if users[id] == nil {
			return nil, fmt.Errorf("read last record of user %s: the stream no longer has it", id)
		}
	}
	return users, nil
}

// lastUsers reads the last records of users whole. Deleted users are left out.
func (c *collection) lastUsers(ids []string) (map[string]*schemas.User, error) {
	users := make(map[string]*schemas.User, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), maxBatch)
		subjects := make([]string, n)
		for i, id := range ids[:n] {
			subjects[i] = c.subject(schemas.KindUser, id).String()
		}
		ids = ids[n:]
		msgs, err := jetstreamext.GetLastMsgsFor(c.ctx, c.js, schemas.StreamM365.Name, subjects)
		if err != nil {
			return nil, fmt.Errorf("read last records of %d users: %w", n, err)
		}
		for msg, err := range msgs {
			if errors.Is(err, jetstreamext.ErrNoMessages) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read last records of %d users: %w", n, err)
			}
			if msg.Header.Get(schemas.HeaderOp) == string(schemas.Delete) {
				continue
			}
			u := &schemas.User{}
			if err := schemas.Decode(msg.Data, u); err != nil {
				return nil, fmt.Errorf("read last record of %s: %w", msg.Subject, err)
			}
			users[u.ID] = u
		}
	}
	return users, nil
}

// licences derives the events between two states of a user.
func (c *collection) licences(before, after *schemas.User, seen int, read time.Time) ([]schemas.Record, error) {
	changes := schemas.LicenceChanges(before, after)
	records := make([]schemas.Record, 0, len(changes))
	for i := range changes {
		body, err := c.enc.Encode(&changes[i])
		if err != nil {
			return nil, err
		}
		records = append(records, schemas.Record{
			Subject: c.subject(schemas.KindLicence, changes[i].Entity()), Op: schemas.Upsert,
			Run: c.ev.RunID, Seen: seen, Time: read, Body: bytes.Clone(body),
		})
	}
	return records, nil
}

// deleteUnseen publishes a delete for every entity that a complete listing no longer has.
func (c *collection) deleteUnseen(read time.Time) error {
	gone := c.state.unseen()
	if err := c.departed(gone); err != nil {
		return err
	}
	var users map[string]*schemas.User
	if c.kind == schemas.KindUser && !c.baseline {
		var err error
		if users, err = c.lastUsers(gone); err != nil {
			return err
		}
	}
	for _, id := range gone {
		subject := c.subject(c.kind, id)
		records := []schemas.Record{{
			Subject: subject, Op: schemas.Delete, Run: c.ev.RunID, Seen: c.base + c.again, Time: read, Body: schemas.Tombstone(subject),
		}}
		if u := users[id]; u != nil {
			events, err := c.licences(u, nil, c.base, read)
			if err != nil {
				return err
			}
			records = append(records, events...)
		}
		if err := c.pub.add(records...); err != nil {
			return err
		}
		c.ev.Deleted++
		c.ev.Events += int64(len(records) - 1)
	}
	return nil
}
