package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

// VerifyOptions choose what Verify compares.
type VerifyOptions struct {
	Tenants      []string       // directory ids; none for all
	Kinds        []schemas.Kind // none for all
	Since, Until time.Time      // when records were stored in the stream; zero for no bound
	Repair       bool           // replay what differs
	// DeleteOrphans lets a repair delete rows whose record the stream does not hold. They may be
	// the last copy of what a damaged stream has lost.
	DeleteOrphans bool
	Progress      func(records int)
}

// Finding is what one table holds of one tenant and day, beside what it should hold. A
// history table is compared with the stream, a state table with its history.
type Finding struct {
	Tenant        string
	Kind          schemas.Kind
	Table         string
	Day           string // of observed_at; empty for a state table
	Want, Have    uint64 // records of the stream, or entities of the history; rows
	Missing       uint64
	Different     uint64
	Extra         uint64
	Superseded    uint64   // rows whose record the stream's history limit has removed
	DeadLettered  uint64   // records that no table took and a dead letter keeps
	Orphaned      uint64   // rows at sequences where the stream holds nothing: it has lost the record, or there was none
	Sequences     []uint64 // the first of those missing, different or extra
	Repaired      bool
	digest, other tally // while comparing
}

// Differs tells whether the table does not hold what it should.
func (f *Finding) Differs() bool { return f.Missing+f.Different+f.Extra+f.Orphaned > 0 }

// Verification is what Verify came to.
type Verification struct {
	From, To uint64 // stream sequences that were compared
	Waiting  uint64 // records behind To that the consumer has not stored yet
	Findings []*Finding
	Evidence []EvidenceFinding
}

// Clean reports whether nothing differs, or everything that did has been repaired.
func (v *Verification) Clean() bool {
	return !slices.ContainsFunc(v.Findings, func(f *Finding) bool { return f.Differs() && (!f.Repaired || f.Orphaned > 0) }) &&
		!slices.ContainsFunc(v.Evidence, func(e EvidenceFinding) bool { return e.Differs })
}

// keptSequences is how many sequences a finding names.
const keptSequences = 20

func (f *Finding) name(seq uint64) {
	if len(f.Sequences) < keptSequences {
		f.Sequences = append(f.Sequences, seq)
	}
}

// Filters returns the subject filters of tenants and kinds; none stands for all.
func Filters(tenants []string, kinds []schemas.Kind) (filters []string) {
	if len(tenants) == 0 {
		tenants = []string{""}
	}
	if len(kinds) == 0 {
		kinds = []schemas.Kind{""}
	}
	for _, t := range tenants {
		for _, k := range kinds {
			filters = append(filters, schemas.Filter(t, k, ""))
		}
	}
	return filters
}

// groupKey is the grain of the comparison.
type groupKey struct {
	tenant string
	kind   schemas.Kind
	day    string
}

type verifier struct {
	c        *Consumer // its inserts have tokens of their own
	opt      VerifyOptions
	tables   map[schemas.Kind]*tableSpec
	dead     map[uint64]bool // sequences that a dead letter keeps
	stream   jetstream.Stream
	limit    int64 // records that the stream keeps of an entity; 0 for all
	from, to uint64
	groups   map[groupKey]*Finding
	bad      map[groupKey][]uint64 // records that do not decode and that no dead letter keeps
	out      *Verification
}

// Verify compares the stream with the tables, per tenant, kind and day. First both sides
// are counted and digested: every record is decoded as the consumer does and hashed by
// ClickHouse over the columns it would insert; the sum of the hashes does not depend on
// their order. Only where a digest differs are the rows themselves compared. Memory
// follows the batch. What the consumer has not stored yet is not compared.
//
// With Repair, what is missing is inserted, what differs or should not be there is deleted
// by its sequence and inserted again; nothing else is touched. A row at a sequence where the
// stream holds no record at all is kept, for the stream may have lost it.
func (c *Consumer) Verify(ctx context.Context, opt VerifyOptions) (*Verification, error) {
	v := &verifier{
		c: c.salted("verify " + schemas.NewRunID(time.Now())), opt: opt, tables: map[schemas.Kind]*tableSpec{},
		groups: map[groupKey]*Finding{}, bad: map[groupKey][]uint64{}, out: &Verification{},
	}
	if err := v.prepare(ctx); err != nil {
		return nil, err
	}
	if v.to >= v.from {
		if err := v.digests(ctx); err != nil {
			return nil, err
		}
		if err := v.details(ctx); err != nil {
			return nil, err
		}
	}
	if err := v.beyond(ctx); err != nil {
		return nil, err
	}
	if err := v.states(ctx); err != nil {
		return nil, err
	}
	if err := v.evidence(ctx); err != nil {
		return nil, err
	}
	v.out.From, v.out.To = v.from, v.to
	slices.SortStableFunc(v.out.Findings, compareFindings)
	return v.out, nil
}

// salted returns a consumer whose inserts the server does not take for repeated ones.
func (c *Consumer) salted(salt string) *Consumer {
	s := New(c.cfg, Deps{JS: c.js, DB: c.db, Leases: c.leases, Cursors: c.cursors, Log: c.log})
	s.salt, s.database = salt, c.database
	return s
}

func (v *verifier) kinds() []schemas.Kind {
	if len(v.opt.Kinds) > 0 {
		return v.opt.Kinds
	}
	return schemas.Kinds
}

// prepare finds the tables, the stretch of the stream and the dead letters.
func (v *verifier) prepare(ctx context.Context) error {
	for _, kind := range v.kinds() {
		t, err := v.c.tableSpec(ctx, kind)
		if err != nil {
			return err
		}
		v.tables[kind] = t
	}
	stream, err := v.c.js.Stream(ctx, v.c.cfg.Stream)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", v.c.cfg.Stream, err)
	}
	v.stream = stream
	info := stream.CachedInfo()
	// Beside other streams, this one's tables are the rows of its tenants.
	ids, known := tenantsOf(info.Config.Subjects)
	if !known {
		return fmt.Errorf("stream %s copies another: which rows are of its records is not known", v.c.cfg.Stream)
	}
	if ids != nil {
		v.opt.Tenants = slices.DeleteFunc(ids, func(id string) bool { return len(v.opt.Tenants) > 0 && !slices.Contains(v.opt.Tenants, id) })
		if len(v.opt.Tenants) == 0 {
			v.opt.Tenants = []string{schemas.AllTenants} // nobody
		}
	}
	v.limit = max(0, info.Config.MaxMsgsPerSubject)
	v.from, v.to = max(1, info.State.FirstSeq), info.State.LastSeq
	// Everything up to the acknowledgement floor is stored, or set aside.
	cons, err := stream.Consumer(ctx, v.c.cfg.Durable)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("look at consumer %s: %w", v.c.cfg.Durable, err)
	}
	if err == nil {
		if i := cons.CachedInfo(); i.NumPending+uint64(i.NumAckPending) > 0 {
			v.out.Waiting = i.NumPending + uint64(i.NumAckPending)
			v.to = min(v.to, i.AckFloor.Stream)
		}
	}
	if !v.opt.Since.IsZero() {
		if v.from, err = firstSince(ctx, stream, v.opt.Since); err != nil {
			return err
		}
	}
	if !v.opt.Until.IsZero() {
		behind, err := firstSince(ctx, stream, v.opt.Until.Add(1))
		if err != nil {
			return err
		}
		v.to = min(v.to, behind-1)
	}
	v.dead, err = v.c.deadSequences(ctx)
	return err
}

// beyond finds rows whose sequence the stream has not reached: the stream was made anew, or
// went back to a backup, and tables and stream no longer belong together. No repair mends
// that: replay into an empty database.
func (v *verifier) beyond(ctx context.Context) error {
	newest := map[schemas.Kind]uint64{}
	for _, kind := range v.kinds() {
		var seq uint64
		err := v.c.db.QueryRow(ctx, "SELECT max(stream_seq) FROM "+v.tables[kind].history+" WHERE 1"+v.ofTenants()).Scan(&seq)
		if err != nil {
			return fmt.Errorf("read newest row of %s: %w", v.tables[kind].history, err)
		}
		newest[kind] = seq
	}
	stream, err := v.c.js.Stream(ctx, v.c.cfg.Stream) // later: what it had not reached then, no row can have
	if err != nil {
		return fmt.Errorf("open stream %s: %w", v.c.cfg.Stream, err)
	}
	last := stream.CachedInfo().State.LastSeq
	for kind, seq := range newest {
		if seq > last {
			v.out.Findings = append(v.out.Findings, &Finding{
				Kind: kind, Table: string(kind) + "_changes", Day: "behind the stream's end", Extra: 1, Sequences: []uint64{seq},
			})
		}
	}
	return nil
}

// firstSince is the first sequence stored at a time or later; one behind the last where
// there is none.
func firstSince(ctx context.Context, stream jetstream.Stream, at time.Time) (uint64, error) {
	cons, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &at, HeadersOnly: true,
	})
	if err != nil {
		return 0, fmt.Errorf("find sequence of %s: %w", at, err)
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("find sequence of %s: %w", at, err)
	}
	if info.NumPending == 0 {
		return stream.CachedInfo().State.LastSeq + 1, nil
	}
	msg, err := cons.Next()
	if err != nil {
		return 0, fmt.Errorf("find sequence of %s: %w", at, err)
	}
	meta, err := msg.Metadata()
	if err != nil {
		return 0, fmt.Errorf("find sequence of %s: %w", at, err)
	}
	return meta.Sequence.Stream, nil
}

func compareFindings(a, b *Finding) int {
	for _, pair := range [][2]string{{a.Tenant, b.Tenant}, {a.Table, b.Table}, {a.Day, b.Day}} {
		if pair[0] != pair[1] {
			if pair[0] < pair[1] {
				return -1
			}
			return 1
		}
	}
	return 0
}
