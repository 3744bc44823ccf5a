package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/internal/output"
)

// errDiffers ends verify with exit code 1; the tables have said what differs.
var errDiffers = errors.New("stream, tables and evidence do not agree: see above; seatstream verify --repair replays what the tables lack")

func verifyCommand(c *cli) *cobra.Command {
	var s selection
	var repair, orphans bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Compare the stream with the tables, and repair what differs",
		Long: `verify compares the stream with the tables per tenant, kind and day: counts, and a digest
over every column. Where one differs it names the sequences that are missing, different or
extra. State tables are compared with their history, and the stream with what the last
complete run says that Graph listed. Records in dead letters are accounted for, and so are
rows whose record the stream's history limit has removed. Rows are orphaned where the stream
holds nothing at their sequence: a damaged stream has lost the record, or there never was one.

--repair replays just what differs and touches nothing else; orphaned rows stay, for they may
be the last copy, unless --delete-orphans is given. The exit code is 1 where
something differs and is not repaired. verify may run while everything else does: what the
consumer has not stored yet is not compared.`,
		Example: `  seatstream verify
  seatstream verify --tenant contoso --kind user --since 24h
  seatstream verify --repair -o json`,
		Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if orphans && !repair {
				return usagef("--delete-orphans goes with --repair")
			}
			opt := consumer.VerifyOptions{Repair: repair, DeleteOrphans: orphans}
			var err error
			if opt.Since, err = moment("since", s.since); err != nil {
				return err
			}
			if opt.Until, err = moment("until", s.until); err != nil {
				return err
			}
			a, err := c.open("verify")
			if err != nil {
				return err
			}
			defer a.Close()
			if opt.Tenants, opt.Kinds, err = s.parts(cmd.Context(), a); err != nil {
				return err
			}
			return c.verify(cmd, a, opt)
		},
	}
	c.outputFlag(cmd)
	s.flags(cmd)
	cmd.Flags().StringVar(&s.until, "until", "", "up to this time; left out: up to now")
	cmd.Flags().BoolVar(&repair, "repair", false, "replay what is missing, different or extra")
	cmd.Flags().BoolVar(&orphans, "delete-orphans", false, "with --repair: delete rows whose record the stream does not hold")
	return cmd
}

func (c *cli) verify(cmd *cobra.Command, a *app.App, opt consumer.VerifyOptions) error {
	consumers, err := a.ConsumersOf(cmd.Context(), opt.Tenants...)
	if err != nil {
		return err
	}
	clean := true
	for _, cons := range consumers {
		bar := progress("verify")
		opt.Progress = func(n int) { bar.Add(int64(n)) }
		v, err := cons.Verify(cmd.Context(), opt)
		bar.Done()
		if err != nil {
			return err
		}
		if err := c.printVerification(cmd, cons.Stream(), v); err != nil {
			return err
		}
		clean = clean && v.Clean()
	}
	if !clean {
		return errDiffers
	}
	return nil
}

// printVerification shows one row a table, tenant and day. For people, days on which
// nothing differs are one row.
func (c *cli) printVerification(cmd *cobra.Command, stream string, v *consumer.Verification) error {
	t := &output.Table{
		Title:    "Stream against tables",
		Subtitle: fmt.Sprintf("stream %s, sequences %d to %d; %d records wait for the consumer and are not compared", stream, v.From, v.To, v.Waiting),
		Columns: []output.Column{
			{Name: "tenant_id"}, {Name: "table"}, {Name: "day"}, {Name: "want", Type: output.Count}, {Name: "have", Type: output.Count},
			{Name: "missing", Type: output.Count}, {Name: "different", Type: output.Count}, {Name: "extra", Type: output.Count},
			{Name: "orphaned", Type: output.Count}, {Name: "superseded", Type: output.Count}, {Name: "dead_letters", Type: output.Count}, {Name: "result"}, {Name: "sequences"},
		},
		Noun: "tables", Empty: "nothing to compare: the stream holds no such records",
	}
	findings := v.Findings
	people := c.format == "" || c.format == output.FormatTable
	if people {
		findings = mergeDays(findings)
	}
	for _, f := range findings {
		seqs := make([]string, 0, len(f.Sequences)+1)
		for _, n := range f.Sequences {
			seqs = append(seqs, fmt.Sprint(n))
		}
		if all := f.Missing + f.Different + f.Extra + f.Orphaned; all > uint64(len(seqs)) {
			seqs = append(seqs, fmt.Sprintf("and %d more", all-uint64(len(seqs))))
		}
		t.Rows = append(t.Rows, []any{
			f.Tenant, f.Table, f.Day, f.Want, f.Have, f.Missing, f.Different, f.Extra, f.Orphaned, f.Superseded, f.DeadLettered,
			verdict(f.Differs(), f.Repaired && f.Orphaned == 0), strings.Join(seqs, " "),
		})
	}
	evidence := &output.Table{
		Title: "Stream against what Graph listed",
		Columns: []output.Column{
			{Name: "tenant_id"}, {Name: "feed"}, {Name: "run"}, {Name: "listed", Type: output.Count}, {Name: "in_stream", Type: output.Count},
			{Name: "result"}, {Name: "note"},
		},
		Empty: "no run has left its evidence yet",
	}
	for _, e := range v.Evidence {
		if !people {
			t.Rows = append(t.Rows, []any{e.Tenant, "graph " + e.Feed, "", e.Listed, e.Live, nil, nil, nil, nil, nil, nil, verdict(e.Differs, false), e.Note})
		}
		evidence.Rows = append(evidence.Rows, []any{e.Tenant, e.Feed, e.Run, e.Listed, e.Live, verdict(e.Differs, false), e.Note})
	}
	out := cmd.OutOrStdout()
	if err := render(c.writer(out), t); err != nil || !people {
		return err
	}
	if _, err := out.Write([]byte("\n")); err != nil {
		return err
	}
	return render(c.writer(out), evidence)
}

func verdict(differs, repaired bool) string {
	switch {
	case differs && repaired:
		return "repaired"
	case differs:
		return "differs"
	}
	return "equal"
}

// mergeDays makes one row of the days of a tenant and table on which nothing differs.
func mergeDays(findings []*consumer.Finding) (merged []*consumer.Finding) {
	for _, f := range findings {
		if last := len(merged) - 1; last >= 0 && !f.Differs() && !merged[last].Differs() &&
			merged[last].Tenant == f.Tenant && merged[last].Table == f.Table {
			m := merged[last]
			first, _, _ := strings.Cut(m.Day, " ")
			m.Day = first + " to " + f.Day
			m.Want, m.Have, m.Superseded, m.DeadLettered = m.Want+f.Want, m.Have+f.Have, m.Superseded+f.Superseded, m.DeadLettered+f.DeadLettered
			continue
		}
		one := *f
		one.Sequences = slices.Clone(f.Sequences)
		merged = append(merged, &one)
	}
	return merged
}
