package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// explain says what a question means, what its answer rests on, and how it is asked. For
// programs it is the evidence alone; definition and SQL are in the files of the queries.
func (c *cli) explain(cmd *cobra.Command, name, tenant string) error {
	q, err := schemas.QueryNamed(name)
	if err != nil {
		return usagef("%w", err)
	}
	return c.withTables(cmd, tenant, func(ctx context.Context, db driver.Conn, id string) error {
		out := cmd.OutOrStdout()
		forPeople := c.format.String() == string(output.FormatTable)
		if forPeople {
			fmt.Fprintf(out, "%s: %s\n\nDefinition\n%s\n", q.Name, q.Title, indent(q.Definition))
			if len(q.Params) > 0 {
				fmt.Fprint(out, "\nParameters\n")
			}
			for _, p := range q.Params {
				fmt.Fprintf(out, "  %s %s, left out: %s: %s\n", p.Name, p.Type, p.Default, p.Doc)
			}
			fmt.Fprintln(out)
			if len(q.Feeds) == 0 {
				fmt.Fprint(out, "Evidence\n  It rests on no feed: what it shows was imported or is about the collection itself.\n")
			}
		}
		if err := answer.Evidence(ctx, db, q, id, c.people(c.writer(out), id != "")); err != nil {
			return err
		}
		if forPeople {
			fmt.Fprintf(out, "\nSQL (view %s.%s)\n%s\n", schemas.Database, q.View(), q.SQL)
		}
		return nil
	})
}

// indent sets a paragraph in lines that fit a terminal.
func indent(text string) string {
	const width = 88
	var b strings.Builder
	n := 0
	for word := range strings.FieldsSeq(text) {
		if n > 0 && n+1+len(word) > width {
			b.WriteByte('\n')
			n = 0
		}
		if n == 0 {
			b.WriteString("  " + word)
			n = 2 + len(word)
			continue
		}
		b.WriteString(" " + word)
		n += 1 + len(word)
	}
	return b.String()
}

// toFile gives write standard output, or a file that is there whole or not at all. A
// format that is no text is not shown on a terminal.
func (c *cli) toFile(stdout io.Writer, name string, write func(io.Writer) error) (err error) {
	if name == "" {
		if f, ok := stdout.(*os.File); ok && c.format.Binary() && term.IsTerminal(int(f.Fd())) {
			return usagef("-o %s is nothing for a terminal: name a --file", c.format)
		}
		return write(stdout)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".seatstream-*")
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name()) // what is left of a file that failed
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Chmod(0o600); err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}
