package consumer_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// badUser is a record that decodes, and that the tables of these tests refuse.
func badUser(n int) string { return fmt.Sprintf(`{"id":%q,"department":"refused"}`, guid(n)) }

// publishWithBad stores n users, of which those named are refused.
func publishWithBad(t *testing.T, js jetstream.JetStream, n int, bad ...int) {
	t.Helper()
	at := 0
	for _, b := range bad {
		publishUsers(t, js, at, b, "r1")
		publish(t, js, message(schemas.KindUser, guid(b), "r1", schemas.Upsert, badUser(b)))
		at = b + 1
	}
	publishUsers(t, js, at, n, "r1")
}

// TestRefusedRowIsFound: the server refuses rows among 10,000. They are set aside, and the
// others stored once each.
func TestRefusedRowIsFound(t *testing.T) {
	t.Parallel()
	for name, ddl := range map[string]string{
		"constraint 469": "ALTER TABLE m365.user_changes ADD CONSTRAINT c CHECK department != 'refused'",
		"parse 6":        "ALTER TABLE m365.user_changes ADD CONSTRAINT c CHECK toUInt32(if(department = 'refused', 'x', '1')) = 1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
			keepParts(t, ch.Conn)
			exec(t, ch.Conn, ddl)
			const all = 10_000
			bad := []int{3, 4, 7777}
			publishWithBad(t, n.JS, all, bad...)
			c, _ := consume(t, n, ch.Conn, quick)
			teststack.Drain(t, c)
			expect(t, ch.Conn, "the others", users(all-len(bad)))
			dead := deadLetters(t, n.JS)
			if len(dead) != len(bad) {
				t.Fatalf("%d dead letters of %d refused records", len(dead), len(bad))
			}
			for i, b := range bad {
				if got := dead[i].Header.Get(schemas.HeaderDeadSequence); got != strconv.Itoa(b+1) || string(dead[i].Data) != badUser(b) {
					t.Errorf("dead letter %d is of sequence %s: %s", i, got, dead[i].Data)
				}
				if reason := dead[i].Header.Get(schemas.HeaderDeadReason); !strings.Contains(reason, "user_changes") || !strings.Contains(reason, "code: "+name[strings.LastIndex(name, " ")+1:]) {
					t.Errorf("reason %q", reason)
				}
			}
			if err := c.Healthy(); err != nil {
				t.Errorf("health: %v", err)
			}
		})
	}
}

// TestCrashWhileLookingForTheRow: a consumer ends amid the halves of a refused batch, again
// and again. The halves it stored come again with the tokens they had.
func TestCrashWhileLookingForTheRow(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	exec(t, ch.Conn, "ALTER TABLE m365.user_changes ADD CONSTRAINT c CHECK department != 'refused'")
	publishWithBad(t, n.JS, 1000, 700)
	for crash := 1; crash < 12; crash += 3 {
		ctx, cancel := context.WithCancel(t.Context())
		sends := 0
		db := &faultyDB{Conn: ch.Conn, send: func(_ string, insert func() error) error {
			err := insert()
			if sends++; sends == crash {
				cancel()
				return errLost // it may be committed, and the reply never came
			}
			return err
		}}
		c := consumer.New(quick, consumer.Deps{JS: n.JS, DB: db, Leases: n.Stores.Leases, Cursors: n.Stores.Cursors, Log: zerolog.Nop()})
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		if lag, err := c.Lag(t.Context()); err != nil || lag != 1000 {
			t.Fatalf("after %d inserts: lag %d, %v", crash, lag, err)
		}
	}
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Drain(t, c)
	expect(t, ch.Conn, "the others", users(999))
	if dead := deadLetters(t, n.JS); len(dead) != 1 {
		t.Errorf("%d dead letters", len(dead))
	}
}

// TestTableThatRefusesEverything: a table that was changed by hand refuses each row. That is
// nobody's record: nothing is set aside, and all are stored once the table is mended.
func TestTableThatRefusesEverything(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	exec(t, ch.Conn, "ALTER TABLE m365.user_changes ADD CONSTRAINT c CHECK department = 'nobody is'")
	publishUsers(t, n.JS, 0, 1000, "r1")
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Until(t, "unhealthy", func() bool {
		err := c.Healthy()
		return err != nil && strings.HasPrefix(err.Error(), "operator: ")
	})
	if dead := deadLetters(t, n.JS); len(dead) != 0 {
		t.Fatalf("%d healthy records were set aside", len(dead))
	}
	exec(t, ch.Conn, "ALTER TABLE m365.user_changes DROP CONSTRAINT c")
	teststack.Drain(t, c)
	expect(t, ch.Conn, "mended", users(1000))
	if dead := deadLetters(t, n.JS); len(dead) != 0 {
		t.Errorf("%d healthy records were set aside", len(dead))
	}
}

// TestCodesAreTheServers compares the names in the table of outcomes with the server's.
func TestCodesAreTheServers(t *testing.T) {
	t.Parallel()
	ch := teststack.StartClickHouse(t)
	for code, name := range consumer.CodeNames() {
		if got := ask(t, ch.Conn, fmt.Sprintf("SELECT errorCodeToName(%d)", code)); got != name {
			t.Errorf("code %d is %s, not %s", code, got, name)
		}
	}
}

// TestViewThatRefusesARow: a view that somebody put behind the history fails at one record.
// The history has the rows of the batch then, and halves of it would add them again. So the
// batch waits, whole, for whoever made the view.
func TestViewThatRefusesARow(t *testing.T) {
	t.Parallel()
	n, ch := teststack.StartNATS(t), teststack.StartClickHouse(t)
	keepParts(t, ch.Conn)
	exec(t, ch.Conn, "CREATE MATERIALIZED VIEW m365.own ENGINE = Memory AS SELECT toUInt32(if(department = 'refused', 'x', '1')) AS n FROM m365.user_changes")
	publishWithBad(t, n.JS, 1000, 500)
	c, _ := consume(t, n, ch.Conn, quick)
	teststack.Until(t, "unhealthy", func() bool {
		err := c.Healthy()
		return err != nil && strings.HasPrefix(err.Error(), "operator: ") && strings.Contains(err.Error(), "m365.own")
	})
	exec(t, ch.Conn, "DROP TABLE m365.own")
	teststack.Drain(t, c)
	expect(t, ch.Conn, "without the view", users(1000))
	if dead := deadLetters(t, n.JS); len(dead) != 0 {
		t.Errorf("%d records were set aside that the product's tables take", len(dead))
	}
}
