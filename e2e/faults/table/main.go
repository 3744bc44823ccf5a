// Command table turns the outcomes of the fault tests into the table of
// docs/guarantee.md: table OUTCOMES DOCUMENT.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seatstream/seatstream/e2e/faults"
)

const (
	begin = "<!-- table: make faults -->\n"
	end   = "<!-- end of table -->\n"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: table OUTCOMES DOCUMENT")
	}
	outcomes, err := read(args[0])
	if err != nil {
		return err
	}
	doc, err := os.ReadFile(args[1])
	if err != nil {
		return fmt.Errorf("read document: %w", err)
	}
	head, rest, ok := bytes.Cut(doc, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return fmt.Errorf("%s: the marks %q and %q are not there", args[1], strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(args[1], slices.Concat(head, []byte(begin), render(outcomes), []byte(end), tail), 0o644) //nolint:gosec // a document of the repository
}

func read(path string) ([]faults.Outcome, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read outcomes: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var list []faults.Outcome
	for lines := bufio.NewScanner(f); ; {
		if !lines.Scan() {
			return list, lines.Err()
		}
		var o faults.Outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return nil, fmt.Errorf("read outcome %d of %s: %w", len(list)+1, path, err)
		}
		list = append(list, o)
	}
}

// row is all runs of one fault.
type row struct {
	faults.Outcome
	runs     int
	seeds    []uint64
	recovery []time.Duration
}

// render makes one row a fault: counts are sums over its runs.
func render(list []faults.Outcome) []byte {
	rows := map[string]*row{}
	for _, o := range list {
		r := rows[o.Fault]
		if r == nil {
			r = &row{Outcome: faults.Outcome{Fault: o.Fault}}
			rows[o.Fault] = r
		}
		r.runs++
		r.seeds = append(r.seeds, o.Seed)
		r.recovery = append(r.recovery, o.Recovery)
		r.Acked += o.Acked
		r.Present += o.Present
		r.Lost += o.Lost
		r.DupRaw += o.DupRaw
		r.DupQuery += o.DupQuery
		r.Dead += o.Dead
	}
	sorted := make([]*row, 0, len(rows))
	for _, r := range rows {
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, func(a, b *row) int {
		return cmp.Or(cmp.Compare(number(a.Fault), number(b.Fault)), strings.Compare(a.Fault, b.Fault))
	})
	var b bytes.Buffer
	b.WriteString("| | what is done | runs | acked | LOST | DUP raw | DUP in queries | dead-lettered | recovery, median and longest | seeds |\n|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, r := range sorted {
		id, done, _ := strings.Cut(r.Fault, " ")
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %d | %d | %s | %s |\n", id, strings.ReplaceAll(done, "|", "/"), r.runs, r.Acked, r.Lost,
			r.DupRaw, r.DupQuery, r.Dead, spread(r.recovery), span(r.seeds))
	}
	return b.Bytes()
}

// number orders N2 before N10, and kinds of faults by their letter.
func number(fault string) string {
	id, _, _ := strings.Cut(fault, " ")
	if len(id) < 2 {
		return id
	}
	return fmt.Sprintf("%s%4s", id[:1], id[1:])
}

func spread(d []time.Duration) string {
	slices.Sort(d)
	if d[len(d)-1] == 0 {
		return "none needed"
	}
	return fmt.Sprintf("%.1f s, %.1f s", d[len(d)/2].Seconds(), d[len(d)-1].Seconds())
}

// span lists seeds; those that follow one another as a range.
func span(seeds []uint64) string {
	slices.Sort(seeds)
	var parts []string
	for i := 0; i < len(seeds); {
		j := i + 1
		for j < len(seeds) && seeds[j] <= seeds[j-1]+1 {
			j++
		}
		part := strconv.FormatUint(seeds[i], 10)
		if seeds[j-1] != seeds[i] {
			part += " to " + strconv.FormatUint(seeds[j-1], 10)
		}
		parts, i = append(parts, part), j
	}
	return strings.Join(parts, ", ")
}
