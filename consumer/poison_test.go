package consumer_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// poison is a record that no table can take.
type poison struct {
	name   string
	reason string // what the dead letter must say
	msg    *nats.Msg
}

func poisons() []poison {
	n := 1000
	user := func(change func(*nats.Msg)) *nats.Msg {
		n++
		m := userMsg(n, "bad")
		change(m)
		return m
	}
	body := func(s string) *nats.Msg { return user(func(m *nats.Msg) { m.Data = []byte(s) }) }
	header := func(k, v string) *nats.Msg { return user(func(m *nats.Msg) { m.Header.Set(k, v) }) }
	return []poison{
		{"not JSON", "decode", body("<html>")},
		{"truncated", "decode", body(`{"id":"00000000-0000-4000-8000-0000000`)},
		{"empty", "decode", body("")},
		{"another type of value", "decode", body(`{"id":{"a":1}}`)},
		{"bad GUID", "skuId", body(`{"id":"x","assignedLicenses":[{"skuId":"not-a-guid"}]}`)},
		{"bad time", "createdDateTime", body(`{"id":"x","createdDateTime":"yesterday"}`)},
		{"version unknown", schemas.HeaderType, header(schemas.HeaderType, "seatstream.user.v9")},
		{"no operation", schemas.HeaderOp, header(schemas.HeaderOp, "")},
		{"no run", schemas.HeaderID, header(schemas.HeaderID, "x")},
		{"no time", schemas.HeaderTime, header(schemas.HeaderTime, "now")},
		{"tenant by name", "tenant", user(func(m *nats.Msg) { m.Subject = "m365.contoso.user.x" })},
		{"no such kind", "kind", user(func(m *nats.Msg) { m.Subject = "m365." + tenant + ".mailbox.x" })},
		{"entity no GUID", "user id", user(func(m *nats.Msg) { m.Subject = "m365." + tenant + ".user.x" })},
	}
}

// deadLetters reads the dead-letter stream.
func deadLetters(t *testing.T, js jetstream.JetStream) []*jetstream.RawStreamMsg {
	t.Helper()
	stream, err := js.Stream(t.Context(), schemas.StreamDLQ.Name)
	if err != nil {
		t.Fatal(err)
	}
	var msgs []*jetstream.RawStreamMsg
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, m)
	}
	return msgs
}

// checkLetter compares a dead letter with the record it keeps.
func checkLetter(t *testing.T, dead *jetstream.RawStreamMsg, p poison, seq uint64) {
	t.Helper()
	if dead.Subject != "dlq."+p.msg.Subject || !bytes.Equal(dead.Data, p.msg.Data) {
		t.Errorf("%s: kept as %s with %d bytes of %d", p.name, dead.Subject, len(dead.Data), len(p.msg.Data))
	}
	for k, v := range map[string]string{
		schemas.HeaderDeadStream: schemas.StreamM365.Name, schemas.HeaderDeadSequence: strconv.FormatUint(seq, 10),
		schemas.HeaderDeadSubject: p.msg.Subject,
	} {
		if got := dead.Header.Get(k); got != v {
			t.Errorf("%s: header %s is %q, want %q", p.name, k, got, v)
		}
	}
	if reason := dead.Header.Get(schemas.HeaderDeadReason); !strings.Contains(reason, p.reason) {
		t.Errorf("%s: reason %q does not say %q", p.name, reason, p.reason)
	}
	for k, v := range p.msg.Header { // the message id is the letter's own; ce-id has the record's
		if k != schemas.HeaderMsgID && !strings.HasPrefix(k, "Nats-") && !slices.Equal(dead.Header[k], v) {
			t.Errorf("%s: header %s was %q and is %q", p.name, k, v, dead.Header[k])
		}
	}
}

func TestPoisonIsSetAsideOnceAndTheRestStored(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	list := poisons()
	for i, p := range list {
		publish(t, n.JS, userMsg(2*i, "good"), p.msg, userMsg(2*i+1, "good"))
	}
	c, stop := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	stop()
	// Read again from the beginning: what was set aside is not set aside twice.
	if err := n.JS.DeleteConsumer(t.Context(), schemas.StreamM365.Name, schemas.ConsumerName); err != nil {
		t.Fatal(err)
	}
	c, _ = consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	dead := deadLetters(t, n.JS)
	if len(dead) != len(list) {
		t.Fatalf("%d dead letters of %d poisoned records", len(dead), len(list))
	}
	for i, p := range list {
		checkLetter(t, dead[i], p, uint64(3*i+2))
	}
	expect(t, ch.Conn, "the rest", map[string]string{
		"SELECT count() FROM m365.user_changes FINAL":                               strconv.Itoa(2 * len(list)),
		"SELECT uniqExact(user_id) FROM m365.users FINAL WHERE department = 'good'": strconv.Itoa(2 * len(list)),
	})
}

// TestPoisonWithInstructionsToTheServer: headers that told the server how to store the
// record must not keep the dead letter from being stored, or the consumer hangs for ever.
func TestPoisonWithInstructionsToTheServer(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	// What a producer publishes comes in an atomic batch.
	batched := poison{"in a batch", "decode", userMsg(1, "bad")}
	batched.msg.Data = []byte("<html>")
	if _, err := jetstreamext.PublishMsgBatch(t.Context(), n.JS, []*nats.Msg{userMsg(0, "good"), batched.msg}); err != nil {
		t.Fatal(err)
	}
	expected := poison{"expects its stream", "decode", userMsg(2, "bad")}
	expected.msg.Data = []byte("<html>")
	expected.msg.Header.Set("Nats-Expected-Stream", schemas.StreamM365.Name)
	large := poison{"as large as the server takes", "decode", userMsg(3, "bad")}
	large.msg.Data = bytes.Repeat([]byte("x"), int(n.Conn.MaxPayload())-1024)
	for large.msg.Size() < int(n.Conn.MaxPayload()) {
		large.msg.Data = append(large.msg.Data, 'x')
	}
	publish(t, n.JS, expected.msg, large.msg, userMsg(4, "good"))
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	dead := deadLetters(t, n.JS)
	if len(dead) != 3 {
		t.Fatalf("%d dead letters", len(dead))
	}
	checkLetter(t, dead[0], batched, 2)
	checkLetter(t, dead[1], expected, 3)
	// There is no room for the body and the reason in one message: the record itself stays
	// in the stream, where the letter says.
	if dead[2].Header.Get(schemas.HeaderDeadSequence) != "4" || dead[2].Header.Get(schemas.HeaderDeadOmitted) == "" || !strings.Contains(dead[2].Header.Get(schemas.HeaderDeadReason), "decode") {
		t.Errorf("large record: %v", dead[2].Header)
	}
	expect(t, ch.Conn, "the rest", map[string]string{"SELECT count() FROM m365.user_changes": "2"})
}

func TestNothingIsAcknowledgedWhileDeadLettersAreAway(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	dlq, err := n.JS.Stream(t.Context(), schemas.StreamDLQ.Name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := dlq.CachedInfo().Config
	if err := n.JS.DeleteStream(t.Context(), cfg.Name); err != nil {
		t.Fatal(err)
	}
	p := poisons()[0]
	publish(t, n.JS, userMsg(1, "good"), p.msg, userMsg(2, "good"))
	var refused bytes.Buffer
	tried := make(chan struct{}, 100)
	c, _ := consumeLogged(t, n, ch.Conn, quick, zerolog.New(&refused).Hook(zerolog.HookFunc(func(_ *zerolog.Event, _ zerolog.Level, msg string) {
		if strings.Contains(msg, "dead letter not stored") {
			tried <- struct{}{}
		}
	})))
	for range 3 {
		<-tried
	}
	if err := c.Healthy(); err == nil {
		t.Error("healthy while dead letters cannot be stored and nothing moves")
	}
	if lag, err := c.Lag(t.Context()); err != nil || lag < 2 {
		t.Errorf("%d records are not acknowledged, %v: the poisoned one and what follows must not be", lag, err)
	}
	if _, err := n.JS.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	teststack.Drain(t, c)
	dead := deadLetters(t, n.JS)
	if len(dead) != 1 {
		t.Fatalf("%d dead letters", len(dead))
	}
	checkLetter(t, dead[0], p, 2)
	expect(t, ch.Conn, "afterwards", map[string]string{"SELECT count() FROM m365.user_changes": "2"})
}
