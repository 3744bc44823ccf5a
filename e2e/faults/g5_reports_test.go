//go:build linux

package faults

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/graphsim"
)

// TestG5 lets a report be issued again with other rows, and names be concealed and shown
// again. After every run the tables have what the simulator says then.
func TestG5(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 5, func(t *testing.T, seed uint64, rng *rand.Rand) {
		f := startFleet(t, seed, 1, 60)
		info := f.sim.Tenants()[0]
		sum := Outcome{Fault: "G5 a report issued again with rows changed, gone and new; names concealed, shown, concealed, shown", Seed: seed}
		step := func() {
			f.healthy()
			drained(t, f.n.JS)
			o := Outcome{}
			compareTenant(t, f.tables, info.ID, askGraph(t, f.sim, info).truth(t), &o)
			sum.Acked, sum.Present, sum.Lost = sum.Acked+o.Acked, sum.Present+o.Present, sum.Lost+o.Lost
			sum.DupRaw, sum.DupQuery = o.DupRaw, sum.DupQuery+o.DupQuery
		}
		for range 5 {
			cells := map[string]string{}
			for i := range 40 {
				if rng.IntN(4) > 0 {
					cells[fmt.Sprintf("u%d@%s", i, info.Domain)] = time.Date(2026, 1, 1+rng.IntN(50), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				}
			}
			text := "Report Refresh Date,User Principal Name,Teams Last Activity Date\r\n"
			for name, day := range cells {
				text += "2026-03-01," + name + "," + day + "\r\n"
			}
			f.sim.Verbatim("/reports/"+activity, []byte(text))
			step()
			if got := f.cells(t, "toString(dates['Teams Last Activity Date'])"); !maps.Equal(got, cells) {
				t.Errorf("%d rows differ from the %d of the report", len(got), len(cells))
				sum.Lost++
			}
		}
		f.sim.Verbatim("/reports/"+activity, nil)
		for _, concealed := range []bool{true, false, true, false} {
			f.change(info.Domain, func(s *graphsim.Switches) { s.ConcealNames = concealed })
			step()
		}
		sum.Dead = dead(t, f.n.JS)
		strict(t, sum)
	})
}

// cells is one value of every row of the report, by principal name.
func (f *fleet) cells(t testing.TB, value string) map[string]string {
	t.Helper()
	got := map[string]string{}
	rows, err := f.tables.Conn.Query(t.Context(), "SELECT user_principal_name, "+value+" FROM m365.reports FINAL WHERE report = '"+activity+"'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, v string
		if err := rows.Scan(&name, &v); err != nil {
			t.Fatal(err)
		}
		got[name] = v
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestP2 reads a report whose cells are hostile, with columns in another order, one under
// another name and some more. All rows are in the tables as they came, but for the one that no
// message holds: the evidence counts it.
func TestP2(t *testing.T) {
	t.Parallel()
	f, seed := startFleet(t, 1, 1, 60), rand.Uint64N(1_000_000)
	rng := rand.New(rand.NewPCG(seed, 0))
	hostile := []string{
		`"`, `""`, `","`, "\r\n", "\n", "\x00", "=cmd|'/c calc'!A0", "<script>alert(1)</script>", "'; DROP TABLE m365.users; --", `\`, `\N`, "{{.}}", "\u202e", "\ufeff", "a\tb", "%s%n",
	}
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	want := map[string]string{}
	text := "\ufeffTeams Last Activity Date,Loop \"Next\",Is Gone,User Principal Name,Report Refresh Date,\"Comma, Column\"\r\n"
	text = strings.Replace(text, `Loop "Next"`, quote(`Loop "Next"`), 1)
	for i := range 500 {
		cell := ""
		for range rng.IntN(5) {
			cell += hostile[rng.IntN(len(hostile))] + fmt.Sprint(rng.IntN(10))
		}
		name := fmt.Sprintf("u%d@contoso.example", i)
		want[name] = cell
		text += "2026-02-20," + quote(cell) + ",yes," + quote(name) + ",2026-03-01," + quote(cell) + "\r\n"
	}
	text += "2026-02-20," + quote(strings.Repeat("x", 1<<20)) + ",yes,huge@contoso.example,2026-03-01,\r\n"
	f.sim.Verbatim("/reports/"+activity, []byte(text))
	f.run()
	drained(t, f.n.JS)
	o := Outcome{Fault: "P2 a hostile report: quotes, NUL, CRLF, a cell of 1 MiB (refused), columns reordered, renamed and more", Seed: seed, Acked: int64(len(want)), Dead: dead(t, f.n.JS)}
	got := f.cells(t, `unknown_columns['Loop "Next"']`)
	for name, cell := range want {
		if v, ok := got[name]; ok && strings.ReplaceAll(v, "\r\n", "\n") == strings.ReplaceAll(cell, "\r\n", "\n") {
			o.Present++
		} else {
			t.Errorf("%s: %q, want %q", name, v, cell)
		}
	}
	o.Lost, o.DupQuery = o.Acked-o.Present, int64(len(got))-o.Present
	var rejected int64
	if err := f.tables.Conn.QueryRow(t.Context(), "SELECT toInt64(rejected) FROM m365.run_changes WHERE feed = '"+activity+"'").Scan(&rejected); err != nil || rejected != 1 {
		t.Errorf("the evidence counts %d refused rows, want the one that is too large; %v", rejected, err)
	}
	strict(t, o)
}
