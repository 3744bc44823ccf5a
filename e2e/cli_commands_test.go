package e2e

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCommands asks one running instance everything that the commands offer.
func TestCommands(t *testing.T) {
	t.Parallel()
	s := startStation(t, "contoso.onmicrosoft.com=60", "fabrikam.onmicrosoft.com=30")
	users := len(s.sim.of(0).list("users", "id")) + len(s.sim.of(1).list("users", "id"))
	s.stored(float64(users), "SELECT count() FROM m365.users FINAL")
	s.stored(2, "SELECT uniqExact(tenant_id) FROM m365.run_changes WHERE feed = 'all'")
	// The subtests share the instance and come one after the other.
	t.Run("query", s.queries)
	t.Run("every query in every form", s.everyQuery)
	t.Run("sql", s.sql)
	t.Run("subscribe", s.subscribes)
	t.Run("replay", s.replays)
	t.Run("operate", s.operates)
	t.Run("connector", s.connectors)
}

// operates asks what an operator asks: do stream, tables and settings hold?
func (s *station) operates(t *testing.T) {
	for _, r := range rows(t, s.ok("verify", "-o", "json")) {
		if r["result"] != "equal" {
			t.Errorf("verify: %v", r)
		}
	}
	for _, r := range rows(t, s.ok("doctor", "-o", "json")) {
		if r["result"] == "fails" || r["result"] == "cannot be seen" {
			t.Errorf("doctor: %v", r)
		}
	}
	if list := rows(t, s.ok("dlq", "list", "-o", "json")); len(list) != 0 {
		t.Errorf("dead letters: %v", list)
	}
	s.refused(1, []string{"dlq", "show", "1"}, "no dead letter 1")
	s.refused(2, []string{"dlq", "requeue"}, "--all")
	s.refused(1, []string{"replay", "--resume", "--name", "none"}, "none")
	s.refused(2, []string{"replay", "--resume", "--kind", "user"}, "--kind")
	s.refused(2, []string{"erase", "--tenant", "contoso"}, "--user")
	if out := s.ok("erase", "--tenant", "contoso", "--user", "nobody@contoso.onmicrosoft.com"); !strings.Contains(out, "nothing names") {
		t.Errorf("erase of nobody: %s", out)
	}
	people := rows(t, s.ok("query", "--sql", "SELECT user_principal_name AS upn, toString(user_id) AS id FROM m365.users FINAL WHERE user_principal_name LIKE '%@contoso.onmicrosoft.com' LIMIT 1", "-o", "json"))
	upn, _ := people[0]["upn"].(string)
	id, _ := people[0]["id"].(string)
	s.refused(2, []string{"erase", "--tenant", "contoso", "--user", upn}, "--yes")
	s.ok("erase", "--tenant", "contoso", "--user", upn, "--yes")
	if out := s.ok("replay", "--tenant", "contoso", "--stdout"); strings.Contains(out, upn) || strings.Contains(out, id) {
		t.Error("the stream still names an erased person")
	}
	s.ok("verify")
	s.ok("connector", "run", "contoso") // the directory still lists the person
	s.stored(1, "SELECT count() FROM m365.users FINAL WHERE user_principal_name = '"+upn+"'")
	s.ok("verify", "--tenant", "contoso")
}

func (s *station) queries(t *testing.T) {
	all := rows(t, s.ok("query", "licence-position", "-o", "json"))
	one := rows(t, s.ok("query", "licence-position", "--tenant", "contoso", "-o", "json"))
	byDomain := rows(t, s.ok("query", "licence-position", "--tenant", "contoso.onmicrosoft.com", "-o", "json"))
	byID := rows(t, s.ok("query", "licence-position", "--tenant", strings.ToUpper(s.sim.tenants[0].id), "-o", "json"))
	if len(one) == 0 || len(all) <= len(one) || len(byDomain) != len(one) || len(byID) != len(one) {
		t.Errorf("rows: all %d, by connector %d, by domain %d, by id %d", len(all), len(one), len(byDomain), len(byID))
	}
	strict := rows(t, s.ok("query", "unused-licences", "--param", "days=1", "--param", "state=inactive", "-o", "json"))
	loose := rows(t, s.ok("query", "unused-licences", "--param", "days=170", "--param", "state=inactive", "-o", "json"))
	if len(strict) <= len(loose) {
		t.Errorf("%d licences unused for a day, %d for 170", len(strict), len(loose))
	}
	s.refused(1, []string{"query", "licence-position", "--tenant", "nobody"}, `"nobody"`, "seatstream query tenants")
	s.refused(1, []string{"query", "licence-position", "--param", "colour=red"}, `"colour"`, "tenant")
	s.refused(1, []string{"query", "unused-licences", "--param", "days=many"}, "parameter")
}

func (s *station) everyQuery(t *testing.T) {
	list := rows(t, s.ok("query", "list", "-o", "json"))
	if len(list) < 5 {
		t.Fatalf("query list: %v", list)
	}
	for _, q := range list {
		name, _ := q["name"].(string)
		inJSON, inCSV := rows(t, s.ok("query", name, "-o", "json")), table(t, s.ok("query", name, "-o", "csv"))
		if len(inCSV) != len(inJSON)+1 {
			t.Errorf("%s: %d rows in JSON, %d in CSV with its header", name, len(inJSON), len(inCSV))
		}
		if len(inJSON) > 0 && len(inJSON[0]) != len(inCSV[0]) {
			t.Errorf("%s: %d columns in JSON, %d in CSV", name, len(inJSON[0]), len(inCSV[0]))
		}
	}
}

func (s *station) sql(t *testing.T) {
	got := table(t, s.ok("query", "--sql", "SELECT 1 AS a, 'x,\"y\"' AS b", "-o", "csv"))
	if len(got) != 2 || got[1][0] != "1" || got[1][1] != `x,"y"` {
		t.Errorf("csv: %q", got)
	}
	before := s.ok("query", "--sql", "SELECT count(), max(stream_seq) FROM m365.user_changes", "-o", "json")
	for _, sql := range []string{
		"DROP TABLE m365.users", "TRUNCATE TABLE m365.users", "DROP DATABASE m365", "ALTER TABLE m365.users DELETE WHERE 1",
		"INSERT INTO m365.users (display_name) VALUES ('x')", "CREATE TABLE m365.x (a Int8) ENGINE = Memory", "SYSTEM SHUTDOWN",
	} {
		s.refused(1, []string{"query", "--sql", sql}, "only reading is allowed")
	}
	s.refused(1, []string{"query", "--sql", "SELECT nothing FROM m365.users"}, "nothing")
	s.refused(1, []string{"query", "--sql", "SELECT 1; DROP TABLE m365.users"}, "ask ClickHouse")
	s.refused(1, []string{"query", "--sql", "SELECT 1 SETTINGS readonly = 0"}, "ask ClickHouse")
	if after := s.ok("query", "--sql", "SELECT count(), max(stream_seq) FROM m365.user_changes", "-o", "json"); after != before {
		t.Errorf("a refused statement changed the table: %s, then %s", before, after)
	}
}

// printed is what subscribe and replay --stdout print, a line each.
type printed struct {
	SpecVersion, ID, Type, Source, Subject, Time, Op string
	Sequence                                         uint64
	Data                                             map[string]any
}

func events(t *testing.T, out string) []printed {
	t.Helper()
	var list []printed
	for line := range strings.Lines(out) {
		var e printed
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("not an event: %v: %.300s", err, line)
		}
		if e.SpecVersion != "1.0" || e.ID == "" || !strings.HasPrefix(e.Subject, "m365.") || e.Sequence == 0 || e.Data == nil {
			t.Fatalf("event lacks something: %.300s", line)
		}
		list = append(list, e)
	}
	return list
}

func (s *station) subscribes(t *testing.T) {
	skus := rows(t, s.ok("query", "--sql", "SELECT sku_id FROM m365.skus FINAL WHERE tenant_id = '"+s.sim.tenants[1].id+"'", "-o", "json"))
	got := events(t, s.ok("subscribe", "--kind", "sku", "--tenant", "fabrikam", "--last-per-subject", "--count", strconv.Itoa(len(skus))))
	for _, e := range got {
		if e.Type != "seatstream.sku.v1" || !strings.HasPrefix(e.Subject, "m365."+s.sim.tenants[1].id+".sku.") {
			t.Errorf("not a SKU of fabrikam: %+v", e)
		}
	}
	if since := events(t, s.ok("subscribe", "--since", "1h", "--count", "3")); len(since) != 3 || since[0].Sequence != 1 {
		t.Errorf("--since 1h begins with %+v", since)
	}
	s.refused(2, []string{"subscribe", "m365.>", "--kind", "user"}, "not both")
	s.refused(2, []string{"subscribe", "--kind", "person"}, `"person"`, "user")
	s.refused(2, []string{"subscribe", "--since", "yesterday"}, `"yesterday"`, "2h")
	s.refused(2, []string{"subscribe", "m365..user"}, "filter")
	s.refused(2, []string{"subscribe", "mail.>"}, "m365.")
}

func (s *station) replays(t *testing.T) {
	const count = "SELECT count() AS n, uniqExact(stream_seq) AS s FROM m365.user_changes FINAL"
	before := s.ok("query", "--sql", count, "-o", "json")
	records := events(t, s.ok("replay", "--kind", "user", "--stdout"))
	out := s.ok("replay", "--kind", "user")
	if want := "replayed " + strconv.Itoa(len(records)) + " records\n"; len(records) == 0 || out != want {
		t.Errorf("replay says %q, want %q", out, want)
	}
	if after := s.ok("query", "--sql", count, "-o", "json"); after != before {
		t.Errorf("a replay changed an answer: %s, then %s", before, after)
	}
	if out := s.ok("replay", "--until", "2020-01-01", "--stdout"); out != "" {
		t.Errorf("records of before the stream began:\n%s", tail(out))
	}
	s.refused(2, []string{"replay", "--until", "never"}, `"never"`)
}

func (s *station) connectors(t *testing.T) {
	list := table(t, s.ok("connector", "list", "-o", "csv"))
	if len(list) != 3 || list[1][0] != "contoso" || list[2][0] != "fabrikam" {
		t.Errorf("connector list: %q", list)
	}
	shown := s.ok("connector", "show", "contoso")
	for _, want := range []string{"env:SECRET_contoso", s.sim.tenants[0].clientID, "schedule", "getOffice365ActiveUserDetail"} {
		if !strings.Contains(shown, want) {
			t.Errorf("connector show lacks %s:\n%s", want, shown)
		}
	}
	secret := filepath.Join(s.dir, "none.secret")
	if out := s.ok(s.sim.connector(0, "third", "file:"+secret)...); !strings.Contains(out, "added") {
		t.Errorf("connector add: %s", out)
	}
	if out := s.ok(append(s.sim.connector(0, "third", "file:"+secret), "--then", "12h")...); !strings.Contains(out, "changed") {
		t.Errorf("connector add again: %s", out)
	}
	if out := s.ok("connector", "list"); !strings.Contains(out, "then 12h") {
		t.Errorf("connector list lacks the new schedule:\n%s", out)
	}
	if out := s.ok("connector", "remove", "third"); !strings.Contains(out, "removed") {
		t.Errorf("connector remove: %s", out)
	}
	for _, args := range [][]string{{"remove", "third"}, {"show", "third"}, {"run", "third"}} {
		s.refused(1, append([]string{"connector"}, args...), `"third"`, "seatstream connector list")
	}
	if out := s.ok("connector", "run", "fabrikam"); !strings.Contains(out, " 0 published") {
		t.Errorf("an unchanged tenant is published again: %s", out)
	}
}
