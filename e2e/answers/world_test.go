// Package answers tries every shipped question on small worlds made by hand, whose answers
// are worked out on paper beside them. A world is a tenant of its own in one engine that
// all tests share, so that whatever leaks from one tenant into another shows.
package answers

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/internal/teststack"
	"github.com/seatstream/seatstream/schemas"
)

func TestMain(m *testing.M) { teststack.Main(m, http.DefaultClient.CloseIdleConnections) }

// row is one row of a table or of an answer.
type row map[string]any

// world is one tenant, filled as records would fill it.
type world struct {
	t     testing.TB
	ch    *teststack.ClickHouse
	id    string
	now   time.Time      // when what is added was observed
	batch map[string]row // rows to insert, by table and sequence
	users map[string]row
	run   int

	generated bool // by chance, not by hand
}

// asked are the questions that worlds made by hand were asked.
var asked sync.Map

// seq gives every row of every world a stream sequence of its own.
var seq atomic.Uint64

// newWorld begins at six in the morning of Monday, the second of March 2026.
func newWorld(t testing.TB, ch *teststack.ClickHouse) *world {
	return &world{t: t, ch: ch, id: uuid.NewString(), batch: map[string]row{}, users: map[string]row{}, now: at("2026-03-02")}
}

func at(day string) time.Time {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return d.Add(6 * time.Hour)
}

// on moves the world to six in the morning of a day.
func (w *world) on(day string) *world {
	w.now = at(day)
	return w
}

// guid is the id of a named thing, the same in every world.
func guid(name string) string {
	sum := sha256.Sum256([]byte(name))
	id, err := uuid.FromBytes(sum[:16])
	if err != nil {
		panic(err)
	}
	return id.String()
}

const clock = "2006-01-02 15:04:05.000"

// add puts a row into a history table.
func (w *world) add(table string, r row) {
	n := seq.Add(1)
	all := row{"tenant_id": w.id, "stream_seq": n, "observed_at": w.now.Format(clock), "run_id": fmt.Sprint("run", w.run), "op": "upsert", "deleted": 0}
	for k, v := range r {
		all[k] = v
	}
	w.batch[fmt.Sprintf("%s %020d", table, n)] = all
}

// refer puts a row into a table that is not fed by the stream.
func (w *world) refer(table string, r row) {
	w.batch[fmt.Sprintf("%s %020d", table, seq.Add(1))] = r
}

// flush inserts what was added, in order.
func (w *world) flush() {
	w.t.Helper()
	bodies := map[string]*bytes.Buffer{}
	keys := make([]string, 0, len(w.batch))
	for k := range w.batch {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		table := strings.Fields(k)[0]
		if bodies[table] == nil {
			bodies[table] = &bytes.Buffer{}
		}
		if err := json.NewEncoder(bodies[table]).Encode(w.batch[k]); err != nil {
			w.t.Fatal(err)
		}
	}
	clear(w.batch)
	for table, body := range bodies {
		insert(w.t, w.ch, table, body)
	}
}

func insert(t testing.TB, ch *teststack.ClickHouse, table string, body io.Reader) {
	t.Helper()
	ask := url.Values{"query": {"INSERT INTO m365." + table + " FORMAT JSONEachRow"}, "date_time_input_format": {"best_effort"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ch.HTTPURL()+"/?"+ask.Encode(), body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("insert into %s: %s", table, text)
	}
}

// ask runs a shipped query about this world; params are name=value.
func (w *world) ask(query string, params ...string) []row {
	w.t.Helper()
	w.flush()
	q, err := schemas.QueryNamed(query)
	if err != nil {
		w.t.Fatal(err)
	}
	values := map[string]string{"tenant": w.id}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		values[name] = value
	}
	if !w.generated {
		asked.Store(query, true)
	}
	var out bytes.Buffer
	if err := answer.Named(w.t.Context(), w.ch.Conn, q, values, output.NewWriter(&out, output.FormatJSON, output.Options{})); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	dec := json.NewDecoder(&out)
	dec.UseNumber()
	var rows []row
	if err := dec.Decode(&rows); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return rows
}

// lines renders columns of rows, sorted: values joined by " | ".
func lines(t testing.TB, rows []row, columns string) (out []string) {
	t.Helper()
	for _, r := range rows {
		var parts []string
		for _, c := range strings.Fields(columns) {
			v, ok := r[c]
			if !ok {
				t.Fatalf("the answer has no column %s: %v", c, r)
			}
			switch x := v.(type) {
			case nil:
				parts = append(parts, "-")
			case []any:
				texts := make([]string, len(x))
				for i, e := range x {
					texts[i] = fmt.Sprint(e)
				}
				parts = append(parts, strings.Join(texts, ", "))
			default:
				parts = append(parts, fmt.Sprint(x))
			}
		}
		out = append(out, strings.Join(parts, " | "))
	}
	slices.Sort(out)
	return out
}

// want holds an answer against the lines worked out by hand, in any order.
func (w *world) want(rows []row, columns string, want ...string) {
	w.t.Helper()
	got := lines(w.t, rows, columns)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s\n got:\n  %s\nwant:\n  %s", columns, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
