package consumer

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/seatstream/seatstream/schemas"
)

// rows collects the records of one table as columns, ready to be inserted and, should
// the insert fail, inserted again unchanged.
type rows interface {
	// table is the history table the rows belong to.
	table() string
	// add decodes one record. On error nothing was added.
	add(env *schemas.Envelope, seq uint64, body []byte) error
	// columns returns names and values, parallel slices of equal length.
	columns() ([]string, []any)
	// size is the number of rows.
	size() int
	// seqs are the rows' stream sequences.
	seqs() []uint64
}

// newRows returns empty rows for a kind.
func newRows(kind schemas.Kind) (rows, error) {
	switch kind {
	case schemas.KindUser:
		return &userRows{}, nil
	case schemas.KindGroup:
		return &groupRows{}, nil
	case schemas.KindMember:
		return &memberRows{}, nil
	case schemas.KindSKU:
		return &skuRows{}, nil
	case schemas.KindSubscription:
		return &subscriptionRows{}, nil
	case schemas.KindOrganization:
		return &organizationRows{}, nil
	case schemas.KindDeletedUser:
		return &deletedUserRows{}, nil
	case schemas.KindSignIn:
		return &signInRows{}, nil
	case schemas.KindReport:
		return &reportRows{}, nil
	case schemas.KindLicence:
		return &licenceRows{}, nil
	case schemas.KindRun:
		return &runRows{}, nil
	}
	return nil, fmt.Errorf("no table for kind %q", kind)
}

// envelopes are the columns that every table has.
type envelopes struct {
	tenant  []uuid.UUID
	seq     []uint64
	at      []time.Time
	run     []string
	op      []string
	deleted []uint8
}

// key is what add parses before it touches a column.
type key struct {
	tenant, entity uuid.UUID
}

// parseKey reads the tenant and, where the entity is a GUID, the entity of a record.
func parseKey(env *schemas.Envelope) (key, error) {
	tenant, err := uuid.Parse(env.Subject.Tenant)
	if err != nil {
		return key{}, fmt.Errorf("tenant id: %w", err)
	}
	entity, err := uuid.Parse(env.Subject.Entity)
	if err != nil {
		return key{}, fmt.Errorf("%s id: %w", env.Subject.Kind, err)
	}
	return key{tenant: tenant, entity: entity}, nil
}

// parsePair reads the tenant and the two GUIDs of a member's or licence's entity.
func parsePair(env *schemas.Envelope) (tenant, first, second uuid.UUID, err error) {
	a, b, err := env.Subject.Pair()
	if err != nil {
		return
	}
	if tenant, err = uuid.Parse(env.Subject.Tenant); err != nil {
		return
	}
	if first, err = uuid.Parse(a); err != nil {
		return
	}
	second, err = uuid.Parse(b)
	return
}

func (e *envelopes) add(tenant uuid.UUID, env *schemas.Envelope, seq uint64) {
	e.tenant = append(e.tenant, tenant)
	e.seq = append(e.seq, seq)
	e.at = append(e.at, env.Time)
	e.run = append(e.run, env.Run)
	e.op = append(e.op, string(env.Op))
	var deleted uint8
	if env.Op == schemas.Delete {
		deleted = 1
	}
	e.deleted = append(e.deleted, deleted)
}

func (e *envelopes) size() int { return len(e.seq) }

func (e *envelopes) seqs() []uint64 { return e.seq }

func (e *envelopes) with(names []string, values []any) ([]string, []any) {
	return append([]string{"tenant_id", "stream_seq", "observed_at", "run_id", "op", "deleted"}, names...),
		append([]any{e.tenant, e.seq, e.at, e.run, e.op, e.deleted}, values...)
}

// guids parses a list of GUIDs.
func guids(field string, ids []string) ([]uuid.UUID, error) {
	out := make([]uuid.UUID, len(ids))
	for i, id := range ids {
		var err error
		if out[i], err = uuid.Parse(id); err != nil {
			return nil, fmt.Errorf("%s[%d] %q: %w", field, i, id, err)
		}
	}
	return out, nil
}

// when parses a time that Graph gives; null and the zero time of .NET are unknown.
func when(field, s string) (*time.Time, error) {
	if s == "" || s == "0001-01-01T00:00:00Z" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", field, s, err)
	}
	return &t, nil
}

// day parses a date of a report.
func day(field, s string) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", field, s, err)
	}
	return &t, nil
}

// boolean turns a tristate into a nullable value.
func boolean(t schemas.Tristate) *bool {
	if t == schemas.Unknown {
		return nil
	}
	b := t == schemas.Yes
	return &b
}
