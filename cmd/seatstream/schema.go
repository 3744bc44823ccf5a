package main

import (
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

func schemaCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "schema", Short: "The contract: record types, reports, tables",
		Example: "  seatstream schema list\n  seatstream schema show user\n  seatstream schema sql",
	}
	list := &cobra.Command{
		Use: "list", Short: "List the record types with their subjects", Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := c.writer(cmd.OutOrStdout())
			t := &output.Table{Columns: []output.Column{{Name: "type"}, {Name: "subject"}}}
			for _, k := range schemas.Kinds {
				subject := schemas.Root + ".<tenant-id>." + string(k) + ".<entity>"
				if k == schemas.KindReport {
					subject = schemas.Root + ".<tenant-id>." + string(k) + ".<report>.<entity>"
				}
				t.Rows = append(t.Rows, []any{k.Type(), subject})
			}
			return render(w, t)
		},
	}
	c.outputFlag(list)
	show := &cobra.Command{
		Use: "show KIND", Short: "Print the JSON Schema of a record type", Args: exactArgs(1, "one kind"),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, err := schemas.ParseKind(args[0])
			if err != nil {
				return usagef("%w", err)
			}
			b, err := schemas.JSONSchema(kind)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(b)
			return err
		},
	}
	reports := &cobra.Command{
		Use: "reports", Short: "List the usage reports a connector can read", Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := &output.Table{Columns: []output.Column{{Name: "report"}, {Name: "level"}, {Name: "period"}, {Name: "default", Type: output.Bool}}}
			for _, r := range schemas.Reports() {
				t.Rows = append(t.Rows, []any{r.Function, r.Level, r.Widest(), r.Default})
			}
			return render(c.writer(cmd.OutOrStdout()), t)
		},
	}
	c.outputFlag(reports)
	sql := &cobra.Command{
		Use: "sql", Short: "Print the ClickHouse migrations and the views of the queries", Args: exactArgs(0, "no argument"),
		RunE: printSQL,
	}
	cmd.AddCommand(list, show, reports, sql)
	return group(cmd, "list, show KIND, reports or sql")
}

func render(w output.Writer, t *output.Table) error {
	if err := w.Begin(t); err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := w.Row(row); err != nil {
			return err
		}
	}
	return w.End(t.Notes...)
}

func printSQL(cmd *cobra.Command, _ []string) error {
	out := cmd.OutOrStdout()
	files, err := fs.Glob(schemas.Migrations(), "*.sql")
	if err != nil {
		return err
	}
	for _, name := range files {
		b, err := fs.ReadFile(schemas.Migrations(), name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "-- %s\n%s\n", name, b)
	}
	for _, q := range schemas.Queries() {
		fmt.Fprintf(out, "-- %s: %s\n-- %s\nCREATE OR REPLACE VIEW %s.%s AS\n%s;\n\n", q.Name, q.Title, q.Definition, schemas.Database, q.View(), q.SQL)
	}
	return nil
}
