package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

func queryCommand(c *cli) *cobra.Command {
	var tenant, sql, file string
	var explain bool
	var params []string
	cmd := &cobra.Command{
		Use: "query NAME", Short: "Ask a question, by name or in SQL",
		Long: `query asks a shipped question, or any other in SQL. "query list" shows the questions;
each is also a parametrised view in ClickHouse.`,
		Example: `  seatstream query list
  seatstream query licence-position
  seatstream query unused-licences --tenant contoso --param days=60 --param state=inactive
  seatstream query licence-holders -o csv > holders.csv
  seatstream query licence-holders -o xlsx --file holders.xlsx
  seatstream query unused-licences --explain
  seatstream query --sql "SELECT count() FROM m365.users FINAL"`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (sql == "") {
				return usagef("query takes the name of a question or --sql: see seatstream query --help")
			}
			if explain {
				if len(args) == 0 {
					return usagef("--explain takes the name of a question: seatstream query list shows them")
				}
				return c.explain(cmd, args[0], tenant)
			}
			return c.toFile(cmd.OutOrStdout(), file, func(w io.Writer) error {
				if len(args) == 1 {
					return c.named(cmd, w, args[0], tenant, params)
				}
				return c.sql(cmd, w, sql)
			})
		},
	}
	c.outputFlag(cmd)
	cmd.Flags().StringVar(&tenant, "tenant", "", "one tenant: connector name, domain or directory id; left out: all")
	cmd.Flags().StringArrayVar(&params, "param", nil, "a parameter of the question, name=value; may be given again")
	cmd.Flags().StringVar(&sql, "sql", "", "a SELECT of your own")
	cmd.Flags().StringVar(&file, "file", "", "write to this file; needed for parquet and xlsx on a terminal")
	cmd.Flags().BoolVar(&explain, "explain", false, "say what the question means, what its answer rests on, and its SQL")
	list := &cobra.Command{
		Use: "list", Short: "List the questions", Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.listQueries(cmd) },
	}
	c.outputFlag(list)
	cmd.AddCommand(list)
	return cmd
}

func (c *cli) listQueries(cmd *cobra.Command) error {
	w := c.writer(cmd.OutOrStdout())
	err := w.Begin(&output.Table{Columns: []output.Column{{Name: "name"}, {Name: "question"}, {Name: "parameters"}}})
	if err != nil {
		return err
	}
	for _, q := range schemas.Queries() {
		if q.Internal {
			continue
		}
		params := make([]string, len(q.Params))
		for i, p := range q.Params {
			params[i] = p.Name
		}
		if err := w.Row([]any{q.Name, q.Title, strings.Join(params, ", ")}); err != nil {
			return err
		}
	}
	return w.End()
}

func (c *cli) named(cmd *cobra.Command, w io.Writer, name, tenant string, params []string) error {
	q, err := schemas.QueryNamed(name)
	if err != nil {
		return usagef("%w", err)
	}
	values := map[string]string{}
	for _, p := range params {
		k, v, ok := strings.Cut(p, "=")
		if !ok {
			return usagef("--param %q: want name=value", p)
		}
		values[k] = v
	}
	a, err := c.open("query")
	if err != nil {
		return err
	}
	defer a.Close()
	db, err := a.ClickHouse(cmd.Context())
	if err != nil {
		return err
	}
	if tenant != "" {
		if values["tenant"], err = answer.Tenant(cmd.Context(), db, tenant); err != nil {
			return err
		}
	}
	if err := answer.Named(cmd.Context(), db, q, values, c.people(c.writer(w), tenant != "")); err != nil {
		return fmt.Errorf("query %s: %w", name, err)
	}
	return nil
}

func (c *cli) sql(cmd *cobra.Command, w io.Writer, sql string) error {
	a, err := c.open("query")
	if err != nil {
		return err
	}
	defer a.Close()
	db, err := a.ClickHouse(cmd.Context())
	if err != nil {
		return err
	}
	return answer.SQL(cmd.Context(), db, sql, c.writer(w))
}
