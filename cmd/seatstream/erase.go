package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/output"
)

func eraseCommand(c *cli) *cobra.Command {
	var s selection
	var user string
	var yes bool
	cmd := &cobra.Command{
		Use: "erase", Short: "Erase every trace of a person from stream, dead letters and tables",
		Long: `erase finds every record of a tenant that names a person, by directory id, by every
principal name and mail address the person ever had, and by display name in report rows that
name nobody else; exclusions and recommendations among them. What an unfinished run of the
tenant has left is erased whole: the run begins anew. It says in numbers what it found and asks before it erases: messages are
overwritten in the stream's files, rows are deleted and the table parts that held them are
removed from disk. A run record of the feed "erase" stays, which names the person by a keyed
digest only. nats-server rewrites its index of subjects, which hold directory ids, every two
minutes and when it stops.

Backups, other subscribers and what was exported are not reached. As long as the directory
lists the person, the next run publishes them again.`,
		Example: `  seatstream erase --tenant contoso --user anna@contoso.com
  seatstream erase --tenant contoso --user 1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9 --yes`,
		Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.tenant == "" || strings.Contains(s.tenant, ",") || strings.TrimSpace(user) == "" {
				return usagef("erase takes one --tenant and one --user: see seatstream erase --help")
			}
			a, err := c.open("erase")
			if err != nil {
				return err
			}
			defer a.Close()
			tenants, _, err := s.parts(cmd.Context(), a)
			if err != nil {
				return err
			}
			cons, err := consumerFor(cmd.Context(), a, "", tenants)
			if err != nil {
				return err
			}
			e, err := cons.PlanErase(cmd.Context(), tenants[0], user)
			if err != nil {
				return err
			}
			if err := c.printErasure(cmd, e); err != nil || e.Empty() {
				return err
			}
			if !yes {
				if err := confirm(cmd); err != nil {
					return err
				}
			}
			bar := progress("erase")
			err = cons.Erase(cmd.Context(), e, bar.Describe)
			bar.Done()
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "erased")
			return nil
		},
	}
	c.outputFlag(cmd)
	cmd.Flags().StringVar(&s.tenant, "tenant", "", "connector name, domain or directory id")
	cmd.Flags().StringVar(&user, "user", "", "directory id, or a principal name the person has or had")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// printErasure says what was found, in numbers and without names.
func (c *cli) printErasure(cmd *cobra.Command, e *consumer.Erasure) error {
	t := &output.Table{
		Title: "Traces of the person", Columns: []output.Column{{Name: "place"}, {Name: "what"}, {Name: "found", Type: output.Count}},
		Noun: "places", Empty: "nothing names this person: check --tenant and --user",
	}
	for _, kind := range slices.Sorted(maps.Keys(e.Records)) {
		t.Rows = append(t.Rows, []any{"stream", string(kind) + " records", e.Records[kind]})
	}
	if e.Letters > 0 {
		t.Rows = append(t.Rows, []any{"dead letters", "records", e.Letters})
	}
	if e.Entries > 0 {
		t.Rows = append(t.Rows, []any{"buckets", "entries of cursors and statuses", e.Entries})
	}
	for _, table := range slices.Sorted(maps.Keys(e.Rows)) {
		t.Rows = append(t.Rows, []any{"table " + table, "rows", e.Rows[table]})
	}
	if e.Others > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d of the records are about something else, such as a site, and name the person: the next run publishes their present state again.", e.Others))
	}
	switch {
	case e.Listed:
		t.Notes = append(t.Notes, "The directory still lists the person: the next run publishes them again unless they are removed there first.")
	case !e.Known && !e.Empty():
		t.Notes = append(t.Notes, "No user record has this id or name: what was found names it elsewhere.")
	}
	return render(c.writer(cmd.OutOrStdout()), t)
}

// confirm asks on a terminal. Where there is none, --yes must say so.
func confirm(cmd *cobra.Command) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return usagef("erase cannot be undone: repeat with --yes")
	}
	fmt.Fprint(cmd.ErrOrStderr(), "This cannot be undone. Type erase to go on: ")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "erase" {
		return errors.New("nothing was erased")
	}
	return nil
}
