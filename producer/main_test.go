package producer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m) }

const (
	tenant  = "0f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	tenantB = "1f1d2c3b-4a59-4687-9786-a5b4c3d2e1f0"
	skuE3   = "05e9a617-0261-4cee-bb44-138d3ef5d965"
	skuE5   = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
)

var testTime = time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)

// guid is the nth of a row of GUIDs.
func guid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

// userRecord is a record of the nth user in a run.
func userRecord(n int, run string) schemas.Record {
	return schemas.Record{
		Subject: schemas.Subject{Tenant: tenant, Kind: schemas.KindUser, Entity: guid(n)}, Op: schemas.Upsert, Run: run,
		Time: testTime, Body: []byte(`{"id":"` + guid(n) + `"}`),
	}
}

// user is the nth user with a department and licences.
func user(n int, department string, skus ...string) *schemas.User {
	u := &schemas.User{ID: guid(n), UserPrincipalName: fmt.Sprintf("u%d@contoso.com", n), Department: department}
	for _, sku := range skus {
		u.AssignedLicenses = append(u.AssignedLicenses, schemas.AssignedLicense{SKUID: sku})
		u.LicenseAssignmentStates = append(u.LicenseAssignmentStates, schemas.AssignmentState{SKUID: sku, State: "Active"})
	}
	return u
}

// stored are the messages of the product's stream in their order.
func stored(t *testing.T, js jetstream.JetStream) []*jetstream.RawStreamMsg {
	t.Helper()
	stream, err := js.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	state := stream.CachedInfo().State
	var msgs []*jetstream.RawStreamMsg
	for seq := max(1, state.FirstSeq); seq <= state.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatalf("message %d: %v", seq, err)
		}
		msgs = append(msgs, m)
	}
	return msgs
}

// heads renders messages of one kind as "op entity", in their order; the entity of the
// nth user or SKU is its number.
func heads(msgs []*jetstream.RawStreamMsg, kind schemas.Kind) []string {
	var out []string
	for _, m := range msgs {
		s, err := schemas.ParseSubject(m.Subject)
		if err != nil || s.Kind != kind {
			continue
		}
		out = append(out, m.Header.Get(schemas.HeaderOp)+" "+short(s.Entity))
	}
	return out
}

func short(entity string) string {
	first, rest, _ := strings.Cut(entity, "_")
	if tail, ok := strings.CutPrefix(first, "00000000-0000-4000-8000-"); ok {
		first = strings.TrimLeft(tail, "0")
	}
	switch rest {
	case skuE3:
		return first + " E3"
	case skuE5:
		return first + " E5"
	}
	return first
}

// newRunner is a runner on the server's stream.
func newRunner(t *testing.T, n *teststack.NATS) *producer.Runner {
	return &producer.Runner{JS: n.JS, Stores: n.Stores, Log: teststack.Log(t)}
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}
