package main

import (
	"context"
	"io"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/summary"
)

func reportCommand(c *cli) *cobra.Command {
	var tenant, file string
	cmd := &cobra.Command{
		Use: "report --tenant TENANT --file FILE", Short: "Write a page about one tenant: one HTML file that stands alone",
		Long: `report writes the position, the unused money, what is unknown and why, and what it all rests on,
as one HTML file without script and without anything to load: for mail, print and archive.`,
		Example: "  seatstream report --tenant contoso --file summary.html",
		Args:    exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tenant == "" {
				return usagef("report is about one tenant: give --tenant")
			}
			return c.withTables(cmd, tenant, func(ctx context.Context, db driver.Conn, id string) error {
				s, err := summary.Collect(ctx, db, id, time.Now())
				if err != nil {
					return err
				}
				return c.toFile(cmd.OutOrStdout(), file, func(w io.Writer) error { return summary.Write(w, s) })
			})
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "the tenant: connector name, domain or directory id")
	cmd.Flags().StringVar(&file, "file", "", "the file to write; left out: standard output")
	return cmd
}
