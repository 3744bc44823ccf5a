package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/producer"
)

// errNotReady ends connector check with exit code 1; the tables have said why.
var errNotReady = errors.New("something the connector needs is missing: see the remedies above")

func connectorCheck(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check NAME", Short: "Try out sign-in, permissions and every feed, and say what will be answered", Args: exactArgs(1, "one name"),
		Long: `check signs in, looks at the granted permissions, asks every feed with one small request,
sees whether reports show names, and says which questions will be answered. It changes
nothing. It ends with exit code 1 when something the connector needs is missing.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withApp(c, cmd, func(ctx context.Context, a *app.App, r *producer.Registry) error {
				n, err := r.Get(ctx, args[0])
				if err != nil {
					return err
				}
				// The verdict says what the log would.
				v, err := (&producer.Runner{JS: r.JS, Stores: r.Stores, Log: zerolog.Nop(), Secrets: a.Secrets()}).Check(ctx, n)
				if err != nil {
					return err
				}
				if err := c.printVerdict(cmd, v); err != nil {
					return err
				}
				if !v.Ready() {
					return errNotReady
				}
				return nil
			})
		},
	}
	c.outputFlag(cmd)
	return cmd
}

// printVerdict shows the checks and, for people, the questions in a second table. JSON and
// CSV have one table: the questions are rows of it.
func (c *cli) printVerdict(cmd *cobra.Command, v *producer.Verdict) error {
	checks := &output.Table{Title: "Checks", Columns: []output.Column{{Name: "check"}, {Name: "result"}, {Name: "detail"}, {Name: "took"}, {Name: "remedy"}}}
	for _, k := range v.Checks {
		result := string(k.Status)
		if k.Optional {
			result += " (optional)"
		}
		took := ""
		if k.Took > 0 {
			took = k.Took.Round(time.Millisecond).String()
		}
		checks.Rows = append(checks.Rows, []any{k.Name, result, k.Detail, took, k.Remedy})
	}
	questions := &output.Table{Title: "Questions that will be answered", Columns: []output.Column{{Name: "question"}, {Name: "answered"}, {Name: "missing"}}}
	for _, q := range v.Questions {
		questions.Rows = append(questions.Rows, []any{q.Name, q.Answer, strings.Join(q.Missing, "; ")})
	}
	out := cmd.OutOrStdout()
	if c.format != "" && c.format != output.FormatTable {
		for _, row := range questions.Rows {
			checks.Rows = append(checks.Rows, []any{"question " + row[0].(string), row[1], row[2], "", ""})
		}
		return render(c.writer(out), checks)
	}
	if err := render(c.writer(out), checks); err != nil {
		return err
	}
	if _, err := out.Write([]byte("\n")); err != nil {
		return err
	}
	return render(c.writer(out), questions)
}
