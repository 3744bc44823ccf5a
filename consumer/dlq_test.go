package consumer_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// letters reads all dead letters whole.
func letters(t *testing.T, js jetstream.JetStream) (list []*consumer.Letter) {
	t.Helper()
	err := consumer.Letters(t.Context(), js, func(l *consumer.Letter) error {
		whole, err := consumer.ReadLetter(t.Context(), js, l.Sequence)
		list = append(list, whole)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRequeueStoresOnceAndInItsPlace(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	// A record of a kind whose table cannot be reached is not what makes a dead letter, so
	// the letter is written as an older program would have: its decoding knew less.
	publish(t, n.JS, userMsg(1, "r1"), userMsg(1, "r2"), userMsg(2, "r2"))
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	stream, err := n.JS.Stream(t.Context(), schemas.StreamM365.Name)
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []string{"1", "3"} { // an older record of user 1, the only one of user 2
		m, err := stream.GetMsg(t.Context(), uint64(seq[0]-'0'))
		if err != nil {
			t.Fatal(err)
		}
		exec(t, ch.Conn, "ALTER TABLE m365.user_changes DELETE WHERE stream_seq = "+seq+" SETTINGS mutations_sync = 1",
			"ALTER TABLE m365.users DELETE WHERE stream_seq = "+seq+" SETTINGS mutations_sync = 1")
		h := nats.Header{}
		for k, v := range m.Header {
			h[k] = v
		}
		h.Set(schemas.HeaderMsgID, "M365/"+seq)
		h.Set(schemas.HeaderDeadReason, "decode: not known yet")
		h.Set(schemas.HeaderDeadStream, "M365")
		h.Set(schemas.HeaderDeadSequence, seq)
		h.Set(schemas.HeaderDeadSubject, m.Subject)
		publish(t, n.JS, &nats.Msg{Subject: "dlq." + m.Subject, Header: h, Data: m.Data})
	}
	if got := verify(t, n, ch.Conn, consumer.VerifyOptions{}); !got.Clean() {
		t.Errorf("dead letters count as missing: %v", faults(got))
	}
	for _, l := range letters(t, n.JS) {
		if why, err := c.Requeue(t.Context(), l); why != nil || err != nil {
			t.Fatalf("requeue %d: %v, %v", l.Sequence, why, err)
		}
		if why, err := c.Requeue(t.Context(), l); why != nil || err != nil { // as after a crash before the removal
			t.Fatalf("requeue %d again: %v, %v", l.Sequence, why, err)
		}
	}
	if left := letters(t, n.JS); len(left) != 0 {
		t.Errorf("%d letters are left", len(left))
	}
	expect(t, ch.Conn, "afterwards", map[string]string{
		"SELECT groupArray(stream_seq) FROM (SELECT stream_seq FROM m365.user_changes FINAL ORDER BY stream_seq)": "[1,2,3]",
		"SELECT groupArray(run_id) FROM (SELECT run_id FROM m365.users FINAL ORDER BY user_id)":                   "['r2','r2']",
	})
	if got := verify(t, n, ch.Conn, consumer.VerifyOptions{}); !got.Clean() {
		t.Errorf("verify: %v", faults(got))
	}
}

func TestRequeueInVainKeepsTheLetter(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	p := poisons()[0]
	publish(t, n.JS, p.msg)
	c, stop := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	stop()
	l := letters(t, n.JS)[0]
	first := l.Reason
	if why, err := c.Requeue(t.Context(), l); why == nil || err != nil {
		t.Fatalf("requeue: %v, %v", why, err)
	}
	if got := letters(t, n.JS); len(got) != 1 || got[0].Reason != first {
		t.Fatalf("letters %+v", got)
	}
	l.Reason = "an older reason"
	if why, err := c.Requeue(t.Context(), l); why == nil || err != nil {
		t.Fatalf("requeue: %v, %v", why, err)
	}
	got := letters(t, n.JS)
	if len(got) != 1 || got[0].Tries != 1 || !strings.Contains(got[0].Reason, "decode") || string(got[0].Body) != string(p.msg.Data) || got[0].Origin != 1 {
		t.Errorf("letters %+v", got)
	}
	// Nothing can be stored while the server is away, and the letter is not blamed for it.
	exec(t, ch.Conn, "DETACH TABLE m365.user_changes")
	good := userMsg(5, "r1")
	publish(t, n.JS, good)
	g := *got[0]
	g.Header, g.Body, g.Origin = good.Header, good.Data, 2
	if why, err := c.Requeue(t.Context(), &g); why != nil || err == nil {
		t.Errorf("requeue without a table: %v, %v", why, err)
	}
	if len(letters(t, n.JS)) != 1 {
		t.Error("the letter is gone")
	}
}
