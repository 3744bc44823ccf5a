package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

// The product's side of the comparison: shipped queries, asked as the command asks them,
// and read back from the JSON that a program would get.

// row is one row of an answer.
type row map[string]any

// text is a column that must be text, or empty where it is null.
func (r row) text(column string) string {
	s, _ := r[column].(string)
	return s
}

// ask runs a shipped query.
func ask(t *testing.T, db driver.Conn, query string, params map[string]string) []row {
	t.Helper()
	q, err := schemas.QueryNamed(query)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := answer.Named(t.Context(), db, q, params, output.NewWriter(&out, output.FormatJSON, output.Options{})); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return decodeRows(t, out.Bytes())
}

// askSQL asks anything else.
func askSQL(t *testing.T, db driver.Conn, sql string) []row {
	t.Helper()
	var out bytes.Buffer
	if err := answer.SQL(t.Context(), db, sql, output.NewWriter(&out, output.FormatJSON, output.Options{})); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return decodeRows(t, out.Bytes())
}

func decodeRows(t *testing.T, text []byte) []row {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var rows []row
	if err := dec.Decode(&rows); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return rows
}

// lines renders the named columns of an answer as the oracle renders its own.
func lines(t *testing.T, rows []row, columns []string) (out []string) {
	t.Helper()
	for _, r := range rows {
		values := make([]any, len(columns))
		for i, c := range columns {
			v, ok := r[c]
			if !ok {
				t.Fatalf("the answer has no column %s", c)
			}
			if list, ok := v.([]any); ok {
				texts := []string{}
				for _, e := range list {
					texts = append(texts, fmt.Sprint(e))
				}
				v = texts
			}
			values[i] = v
		}
		out = append(out, line(values...))
	}
	return out
}

// same compares two sets of lines, each counted as often as it stands there.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	balance := map[string]int{}
	for _, l := range got {
		balance[l]++
	}
	for _, l := range want {
		balance[l]--
	}
	var differ []string
	for l, n := range balance {
		switch {
		case n > 0:
			differ = append(differ, fmt.Sprintf("%s  + tables, %d more", l, n))
		case n < 0:
			differ = append(differ, fmt.Sprintf("%s  - oracle, %d more", l, -n))
		}
	}
	if len(differ) == 0 {
		return
	}
	slices.Sort(differ)
	t.Errorf("%s: %d lines, oracle %d, %d differ:\n%s", what, len(got), len(want), len(differ), strings.Join(differ[:min(12, len(differ))], "\n"))
}

// compare holds every shipped answer about a tenant against the oracle's.
func compare(t *testing.T, when string, db driver.Conn, o *oracle) {
	t.Helper()
	tenant := map[string]string{"tenant": o.tenant.ID}
	check := func(query string, columns, want []string) {
		t.Helper()
		same(t, when+", "+o.tenant.Domain+", "+query, lines(t, ask(t, db, query, tenant), columns), want)
	}
	compareListed(t, when, db, o)
	check("licence-position", positionColumns, o.positions())
	check("unused-licences", unusedColumns, o.unused(90))
	check("use-summary", summaryColumns, o.summary(90))
	check("tenants", []string{"tenant_id", "tenant", "display_name", "status"},
		[]string{line(o.tenant.ID, o.tenant.Domain, o.tenant.Name, o.last().status())})
	everyHolderOnce(t, when, ask(t, db, "use-summary", tenant), ask(t, db, "licence-position", tenant))
}

// compareListed is the part of compare that depends on no clock: what is listed and held, and
// what the reports say.
func compareListed(t *testing.T, when string, db driver.Conn, o *oracle) {
	t.Helper()
	tenant := map[string]string{"tenant": o.tenant.ID}
	if len(o.holders()) == 0 {
		t.Fatalf("%s, %s: the oracle has nothing to compare", when, o.tenant.Domain)
	}
	for _, q := range []struct {
		query         string
		columns, want []string
	}{
		{"licence-holders", holderColumns, o.holders()},
		{"reconciliation", reconciliationColumns, o.reconciled()},
		{"last-use", lastUseColumns, o.lastUse()},
	} {
		same(t, when+", "+o.tenant.Domain+", "+q.query, lines(t, ask(t, db, q.query, tenant), q.columns), q.want)
	}
	same(t, when+", "+o.tenant.Domain+", members", lines(t, askSQL(t, db, fmt.Sprintf(membersSQL, o.tenant.ID)), memberColumns), o.memberships())
	same(t, when+", "+o.tenant.Domain+", subscriptions",
		lines(t, askSQL(t, db, fmt.Sprintf(subscriptionsSQL, o.tenant.ID)), subscriptionColumns), o.purchases())
}

// everyHolderOnce checks that the answers about use count each holder, and each once.
func everyHolderOnce(t *testing.T, when string, use, position []row) {
	t.Helper()
	number := func(r row, column string) int64 {
		n, ok := r[column].(json.Number)
		if !ok {
			t.Fatalf("%s: column %s is %v", when, column, r[column])
		}
		i, err := n.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	counted := map[string]int64{}
	for _, r := range use {
		counted[r.text("sku_id")] = number(r, "active") + number(r, "inactive") + number(r, "never_used") + number(r, "unknown")
	}
	for _, r := range position {
		if holders := number(r, "holders"); counted[r.text("sku_id")] != holders {
			t.Errorf("%s: %s: active, inactive, never used and unknown are %d of %d holders", when, r.text("sku"), counted[r.text("sku_id")], holders)
		}
	}
}

// message is a record as the stream has it.
type message struct {
	seq     uint64
	subject string
	kind    string
	op      string
	body    []byte
	header  nats.Header
}

// messages reads the records of the stream that came after a sequence.
func messages(t *testing.T, n *teststack.NATS, after uint64) (list []message) {
	t.Helper()
	err := consumer.Each(t.Context(), n.JS, schemas.StreamM365.Name, consumer.Range{}, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if meta.Sequence.Stream > after {
			list = append(list, message{
				seq: meta.Sequence.Stream, subject: m.Subject(), kind: strings.Split(m.Subject(), ".")[2], op: m.Headers().Get("ce-op"), body: m.Data(), header: m.Headers(),
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// rawCounts holds the history tables against the stream: every record once, none lost,
// and none twice even before the tables are merged.
func rawCounts(t *testing.T, when string, n *teststack.NATS, db driver.Conn) {
	t.Helper()
	inStream := map[string]int{}
	for _, m := range messages(t, n, 0) {
		inStream[m.kind]++
	}
	for _, kind := range schemas.Kinds {
		var rows, distinct uint64
		sql := "SELECT count(), uniqExact(stream_seq) FROM m365." + string(kind) + "_changes"
		if err := db.QueryRow(t.Context(), sql).Scan(&rows, &distinct); err != nil {
			t.Fatal(err)
		}
		if want := uint64(inStream[string(kind)]); rows != want || distinct != want {
			t.Errorf("%s: %s: %d rows, %d distinct, %d in the stream: lost %d, twice %d", when, kind, rows, distinct, want, want-distinct, rows-distinct)
		}
	}
}
