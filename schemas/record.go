// Package schemas is the contract between the parts of seatstream and with everyone
// who subscribes or queries: record types, subjects, message ids, streams, the JSON
// Schemas, the catalogue of usage reports, the ClickHouse tables and the queries.
// It is a leaf: it imports no driver and nothing else of this module.
package schemas

import (
	"fmt"
	"time"
)

// Kind is the second part of every subject: what a record is about.
type Kind string

// The kinds of records. Licence records are derived changes of holding; run records
// are the evidence of a collection; all others mirror what Microsoft Graph lists.
const (
	KindUser         Kind = "user"
	KindGroup        Kind = "group"
	KindMember       Kind = "member"
	KindSKU          Kind = "sku"
	KindSubscription Kind = "subscription"
	KindOrganization Kind = "organization"
	KindDeletedUser  Kind = "deleted_user" // a user in the recycle bin
	KindSignIn       Kind = "sign_in"
	KindReport       Kind = "report"
	KindLicence      Kind = "licence"
	KindRun          Kind = "run"
)

// Kinds lists every kind in the order in which a run publishes them.
var Kinds = []Kind{
	KindOrganization, KindSKU, KindSubscription, KindGroup, KindMember, KindUser,
	KindLicence, KindDeletedUser, KindReport, KindSignIn, KindRun,
}

// ParseKind returns the kind named s or an error that lists the kinds.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds {
		if string(k) == s {
			return k, nil
		}
	}
	return "", fmt.Errorf("unknown kind %q: one of %v", s, Kinds)
}

// Type is the CloudEvents type of the kind's current version, such as seatstream.user.v1.
func (k Kind) Type() string { return "seatstream." + string(k) + ".v1" }

// Op says what a record does to its entity.
type Op string

const (
	// Upsert carries the entity's whole state.
	Upsert Op = "upsert"
	// Delete says that a complete listing no longer has the entity; the body carries its id only.
	Delete Op = "delete"
)

// Message headers. Those with the prefix ce- are CloudEvents 1.0 attributes in binary
// content mode; ce-op and ce-hash are extension attributes of seatstream.
const (
	HeaderMsgID       = "Nats-Msg-Id"
	HeaderID          = "ce-id"
	HeaderSpecVersion = "ce-specversion"
	HeaderType        = "ce-type"
	HeaderSource      = "ce-source"
	HeaderTime        = "ce-time"
	HeaderContentType = "content-type"
	HeaderOp          = "ce-op"
	HeaderHash        = "ce-hash"
)

// SpecVersion is the version of CloudEvents that the records follow.
const SpecVersion = "1.0"

// ContentType is the media type of every record body.
const ContentType = "application/json"

// TimeLayout is the form of every time in headers and records: RFC 3339, UTC, milliseconds.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// FormatTime renders t in TimeLayout.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeLayout) }

// Record is one change of one entity, ready to be published.
type Record struct {
	Subject Subject
	Op      Op
	Run     string    // run id, see NewRunID
	Seen    int       // how often the run met the entity before; 0 for the first record
	Time    time.Time // when the page that showed the entity was read
	Hash    string    // Hash of the state, 32 hex digits; empty for deletes, licences and runs
	Body    []byte    // JSON
}

// ID names tenant, kind, entity and run, never the content: a value that flips back
// within the duplicate window must not be swallowed.
func (r Record) ID() string {
	id := r.Subject.idPrefix() + "/" + r.Run
	if r.Seen > 0 {
		id = fmt.Sprintf("%s+%d", id, r.Seen)
	}
	return id
}

// Headers returns the record's message headers, one value each.
func (r Record) Headers() map[string][]string {
	id := r.ID()
	h := map[string][]string{
		HeaderMsgID:       {id},
		HeaderID:          {id},
		HeaderSpecVersion: {SpecVersion},
		HeaderType:        {r.Subject.Kind.Type()},
		HeaderSource:      {"/m365/" + r.Subject.Tenant},
		HeaderTime:        {FormatTime(r.Time)},
		HeaderContentType: {ContentType},
		HeaderOp:          {string(r.Op)},
	}
	if r.Hash != "" {
		h[HeaderHash] = []string{r.Hash}
	}
	return h
}

// Envelope is what a stored message says about its record besides the body.
type Envelope struct {
	Subject Subject
	Type    string
	Op      Op
	Run     string
	Time    time.Time
	ID      string
}

// ParseEnvelope reads subject and headers of a stored message. get returns a header's
// first value or the empty string. The error names the header that is wrong.
func ParseEnvelope(subject string, get func(string) string) (Envelope, error) {
	s, err := ParseSubject(subject)
	if err != nil {
		return Envelope{}, err
	}
	e := Envelope{Subject: s, Type: get(HeaderType), Op: Op(get(HeaderOp)), ID: get(HeaderID)}
	if e.Type != s.Kind.Type() {
		return e, fmt.Errorf("header %s: %q is not a version this consumer knows, want %q", HeaderType, e.Type, s.Kind.Type())
	}
	if e.Op != Upsert && e.Op != Delete {
		return e, fmt.Errorf("header %s: %q is neither %q nor %q", HeaderOp, e.Op, Upsert, Delete)
	}
	if e.Run = runOf(e.ID); e.Run == "" {
		return e, fmt.Errorf("header %s: %q names no run", HeaderID, e.ID)
	}
	if e.Time, err = time.Parse(time.RFC3339Nano, get(HeaderTime)); err != nil {
		return e, fmt.Errorf("header %s: %w", HeaderTime, err)
	}
	return e, nil
}
