package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// Erasure is every trace of one person: what will be erased, and what was.
type Erasure struct {
	Tenant  string
	Digest  string               // names the person in the evidence: keyed, so that nobody can guess it
	Known   bool                 // a user record of the person was found
	Listed  bool                 // the last user record is no delete: the directory still has the person
	Records map[schemas.Kind]int // of the stream, by kind
	Others  int                  // of Records: those of other entities that name the person, such as a site's owner
	Letters int                  // dead letters
	Entries int                  // entries of the buckets of cursors and statuses; once erased, of checkpoints too
	Rows    map[string]uint64    // rows by table
	person  *person
	marked  map[string][]uint64 // stream: sequences
	keyed   []byte              // the tenant's digest key
	tables  map[string][]string // table: columns
}

// Empty reports whether nothing names the person.
func (e *Erasure) Empty() bool {
	rows := uint64(0)
	for _, n := range e.Rows {
		rows += n
	}
	return len(e.Records) == 0 && e.Letters == 0 && e.Entries == 0 && rows == 0
}

// Total is the number of records of the stream.
func (e *Erasure) Total() (n int) {
	for _, k := range e.Records {
		n += k
	}
	return n
}

// PlanErase finds every trace of a user, named by directory id or by any principal name
// the user ever had. It searches all records of the tenant, of whatever kind, for the id,
// principal names and mail addresses, and the display names where a report row has no
// other name. It changes nothing.
func (c *Consumer) PlanErase(ctx context.Context, tenant, user string) (*Erasure, error) {
	if err := c.notRebuilding(ctx); err != nil {
		return nil, err
	}
	e := &Erasure{Tenant: tenant, Records: map[schemas.Kind]int{}, Rows: map[string]uint64{}, marked: map[string][]uint64{}}
	entry, err := c.cursors.Get(ctx, schemas.DigestKeyName(tenant))
	switch {
	case err == nil:
		e.keyed = entry.Value()
	case !errors.Is(err, jetstream.ErrKeyNotFound):
		return nil, fmt.Errorf("read digest key of tenant %s: %w", tenant, err)
	}
	if err := c.identify(ctx, e, user); err != nil {
		return nil, err
	}
	if err := c.markRecords(ctx, e); err != nil {
		return nil, err
	}
	for stream, count := range map[string]*int{
		schemas.StreamDLQ.Name: &e.Letters, "KV_" + schemas.BucketCursors: &e.Entries, "KV_" + schemas.BucketStatus: &e.Entries,
	} {
		if err := c.markRaw(ctx, e, stream, count); err != nil {
			return nil, err
		}
	}
	return e, c.countRows(ctx, e)
}

// identify collects the names of the person from the history of users, in the stream and
// in the tables.
func (c *Consumer) identify(ctx context.Context, e *Erasure, user string) error {
	p := newPerson(user)
	users := Range{Filters: []string{schemas.Filter(e.Tenant, schemas.KindUser, "")}}
	pass := func(learn func(*schemas.User)) error {
		return Each(ctx, c.js, c.cfg.Stream, users, func(msg jetstream.Msg, _ *jetstream.MsgMetadata) error {
			var u schemas.User
			if schemas.Decode(msg.Data(), &u) == nil { // else a dead letter, searched as text
				if msg.Headers().Get(schemas.HeaderOp) == string(schemas.Delete) {
					u = schemas.User{ID: u.ID, Unknown: []byte("deleted")}
				}
				learn(&u)
			}
			return nil
		})
	}
	err := pass(func(u *schemas.User) {
		if p.has(u.UserPrincipalName) {
			p.add(u.ID)
		}
	})
	if err != nil {
		return err
	}
	if err := c.identifyRows(ctx, e, p, "lower(user_principal_name)"); err != nil {
		return err
	}
	err = pass(func(u *schemas.User) {
		if p.has(u.ID) {
			e.Known, e.Listed = true, string(u.Unknown) != "deleted"
			p.add(u.UserPrincipalName, u.Mail)
			p.call(u.DisplayName)
		}
	})
	if err != nil {
		return err
	}
	if err := c.identifyRows(ctx, e, p, "toString(user_id)"); err != nil {
		return err
	}
	if len(e.keyed) > 0 {
		e.Digest = schemas.KeyedDigest(e.keyed, strings.Join(p.ids(), " "))
		p.digest(e.keyed)
	}
	e.person = p
	return p.compile()
}

func (c *Consumer) identifyRows(ctx context.Context, e *Erasure, p *person, by string) error {
	rows, err := c.db.Query(quiet(ctx), `SELECT DISTINCT toString(user_id), user_principal_name, mail, display_name
		FROM `+schemas.Database+`.user_changes WHERE tenant_id = toUUID($1) AND has($2, `+by+`)`, e.Tenant, p.names())
	if err != nil {
		return fmt.Errorf("look for the user in user_changes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, upn, mail, name string
		if err := rows.Scan(&id, &upn, &mail, &name); err != nil {
			return fmt.Errorf("look for the user in user_changes: %w", err)
		}
		e.Known = true
		p.add(id, upn, mail)
		p.call(name)
	}
	return rows.Err()
}

// quiet keeps a query, which holds names, out of the server's log of queries.
func quiet(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"log_queries": 0}))
}

// markRecords finds the records of the stream.
func (c *Consumer) markRecords(ctx context.Context, e *Erasure) error {
	all := Range{Filters: []string{schemas.Filter(e.Tenant, "", "")}}
	return Each(ctx, c.js, c.cfg.Stream, all, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		own, named := e.person.in(msg.Subject(), msg.Data())
		if !own && !named {
			return nil
		}
		if !own {
			e.Others++
		}
		e.Records[schemas.Kind(token(msg.Subject(), 2))]++
		e.marked[c.cfg.Stream] = append(e.marked[c.cfg.Stream], meta.Sequence.Stream)
		return nil
	})
}

// markRaw finds messages of another stream that name the person anywhere.
func (c *Consumer) markRaw(ctx context.Context, e *Erasure, stream string, count *int) error {
	err := Each(ctx, c.js, stream, Range{}, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		var head []string
		for _, v := range msg.Headers() {
			head = append(head, v...)
		}
		own, named := e.person.in(strings.TrimPrefix(msg.Subject(), "dlq."), append([]byte(strings.Join(head, "\n")+"\n"), msg.Data()...))
		if own || named {
			*count++
			e.marked[stream] = append(e.marked[stream], meta.Sequence.Stream)
		}
		return nil
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	return err
}

// countRows finds the tables that name tenants and records, whatever they are, and counts
// the rows.
func (c *Consumer) countRows(ctx context.Context, e *Erasure) error {
	rows, err := c.db.Query(ctx, `SELECT table, groupArray(name) FROM system.columns
		WHERE database = $1 AND table IN (SELECT name FROM system.tables WHERE database = $1 AND engine LIKE '%MergeTree')
		GROUP BY table HAVING has(groupArray(name), 'tenant_id')`, schemas.Database)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	e.tables = map[string][]string{}
	for rows.Next() {
		var table string
		var columns []string
		if err := rows.Scan(&table, &columns); err != nil {
			return fmt.Errorf("list tables: %w", err)
		}
		e.tables[table] = columns
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for table := range e.tables {
		ids, err := c.rowsOf(ctx, e, table)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			e.Rows[table] = uint64(len(ids))
		}
	}
	return nil
}

// rowID is the column by which a table's rows can be told without a name: the stream sequence
// of what is made of records, the random id of what people bring along one by one, the moment
// of what they bring along together; empty where a table has none of them.
func rowID(columns []string) string {
	return firstOf(columns, "stream_seq", "exclusion_id", "recommendation_id", importedAt)
}

const importedAt = "imported_at"

// author is the column that says who brought a row along; empty where there is none.
func author(columns []string) string { return firstOf(columns, "who", "made_by", "imported_by") }

func firstOf(columns []string, wanted ...string) string {
	for _, name := range wanted {
		if slices.Contains(columns, name) {
			return name
		}
	}
	return ""
}

// ofTenant is the condition for a tenant's rows. What people bring along may be for all tenants.
const ofTenant = "tenant_id IN (toUUID($1), toUUID('" + schemas.AllTenants + "'))"

// rowsOf lists the ids, as SQL, of a table's rows that name the person.
func (c *Consumer) rowsOf(ctx context.Context, e *Erasure, table string) (ids []string, err error) {
	columns := e.tables[table]
	p := e.person
	condition := "match(toString(tuple(*)), $2)"
	args := []any{e.Tenant, p.rowPattern}
	if slices.Contains(columns, "row_key") && slices.Contains(columns, "user_principal_name") {
		// A display name alone names the person only where the row has no principal name.
		condition += " OR has($3, toString(row_key)) OR user_principal_name = '' AND match(toString(tuple(*)), $4)"
		args = append(args, p.rowKeys(), p.rowNames)
	}
	id := "''" // a table without
	if column := rowID(columns); column != "" {
		id = "toString(" + column + ")"
	}
	rows, err := c.db.Query(quiet(ctx), "SELECT "+id+" FROM "+schemas.Database+"."+table+" WHERE "+ofTenant+" AND ("+condition+")", args...)
	if err != nil {
		return nil, fmt.Errorf("search table %s: %w", table, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("search table %s: %w", table, err)
		}
		ids = append(ids, "'"+id+"'") // a number or a UUID
	}
	return ids, rows.Err()
}
