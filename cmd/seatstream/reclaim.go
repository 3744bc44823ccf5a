package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/schemas"
)

func reclaimCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "reclaim", Short: "Keep track of the seats that were recommended to be taken back",
		Example: "  seatstream reclaim record --tenant contoso\n  seatstream reclaim list --tenant contoso",
	}
	var tenant, query, kind string
	record := &cobra.Command{
		Use: "record", Short: "Record the candidates that a question names now", Args: exactArgs(0, "no argument"),
		Long: `record stores the seats that a question names as recommended, with today's reason and price. Of
unused-licences these are the inactive and never used ones that are paid and not excluded.
A seat that was recommended before and not taken away since is not recorded again.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.record(cmd, tenant, query, kind) },
	}
	record.Flags().StringVar(&tenant, "tenant", "", "one tenant: connector name, domain or directory id; left out: all")
	record.Flags().StringVar(&query, "query", "unused-licences", "a question whose answer has tenant_id, user_id and sku_id")
	record.Flags().StringVar(&kind, "kind", "reclaim", "one of "+strings.Join(catalogue.Kinds, ", "))
	list := c.listing("list", "List what was recommended", `SELECT tenant_id, user_id, sku_id, kind, made_at, made_by, reason, price, currency
FROM m365.recommendations FINAL WHERE %s ORDER BY made_at, tenant_id, user_id, sku_id`)
	cmd.AddCommand(record, list)
	return group(cmd, "record or list")
}

func (c *cli) record(cmd *cobra.Command, tenant, query, kind string) error {
	q, err := schemas.QueryNamed(query)
	if err != nil {
		return usagef("%w", err)
	}
	if !slices.Contains(catalogue.Kinds, kind) {
		return usagef("--kind %q: one of %s", kind, strings.Join(catalogue.Kinds, ", "))
	}
	return c.withTables(cmd, tenant, func(ctx context.Context, db driver.Conn, id string) error {
		list, err := answer.Candidates(ctx, db, q, map[string]string{"tenant": id}, answer.View{})
		if err != nil {
			return err
		}
		n, err := catalogue.Record(ctx, db, kind, osUser(), list, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "recorded %d of %d candidates, the others stand already\n", n, len(list))
		return nil
	})
}
