package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/schemas"
)

func pricesCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "prices", Short: "What a seat costs",
		Example: "  seatstream prices import prices.csv\n  seatstream prices list --tenant contoso\n  seatstream prices remove SPE_E5 2026-07-01",
	}
	imp := &cobra.Command{
		Use: "import FILE", Short: "Import a price list, a CSV",
		Long: `import reads a CSV with the columns tenant (a name, or all), sku (part number or GUID), price (of
a seat a month), currency (ISO 4217), term (monthly, annual, triennial), from and to (days;
to may be blank: until a later price). Where a line is wrong, every bad line is named and
nothing is imported.`,
		Args: exactArgs(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.importPrices(cmd, args[0]) },
	}
	list := c.listing("list", "List the prices", `SELECT p.tenant AS tenant, p.sku_id AS sku_id, n.sku AS sku, p.price AS price, p.currency AS currency, p.term AS term,
    p.valid_from AS valid_from, p.valid_to AS valid_to, p.imported_by AS imported_by, p.imported_at AS imported_at
FROM (SELECT *, if(tenant_id = toUUID('`+schemas.AllTenants+`'), 'all', toString(tenant_id)) AS tenant FROM m365.prices FINAL WHERE %s) AS p
LEFT JOIN (SELECT sku_id, max(sku_part_number) AS sku FROM m365.sku_names FINAL GROUP BY sku_id) AS n ON n.sku_id = p.sku_id
ORDER BY tenant, sku, valid_from`)
	var tenant string
	remove := &cobra.Command{
		Use: "remove SKU FROM", Short: "Take back the prices of a SKU that begin on a day", Args: exactArgs(2, "a SKU and a first day"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.removePrices(cmd, tenant, args[0], args[1]) },
	}
	remove.Flags().StringVar(&tenant, "tenant", "", "of one tenant; left out: the price for all tenants")
	cmd.AddCommand(imp, list, remove)
	return group(cmd, "import FILE, list or remove SKU FROM")
}

func (c *cli) importPrices(cmd *cobra.Command, file string) error {
	return c.withTables(cmd, "", func(ctx context.Context, db driver.Conn, _ string) error {
		before, err := catalogue.StoredPrices(ctx, db)
		if err != nil {
			return err
		}
		find, err := catalogue.PartNumbers(ctx, db)
		if err != nil {
			return err
		}
		lookup := catalogue.Lookup{SKU: find, Tenant: func(name string) (string, error) { return answer.Tenant(ctx, db, name) }}
		var prices []catalogue.Price
		err = withFile(file, func(r io.Reader) (err error) { prices, err = catalogue.ReadPrices(r, lookup, before); return err })
		if err != nil {
			return err
		}
		if err := catalogue.StorePrices(ctx, db, prices, osUser(), time.Now()); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "imported %d prices\n", len(prices))
		return nil
	})
}

func (c *cli) removePrices(cmd *cobra.Command, tenant, sku, from string) error {
	first, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return usagef("first day %q: want a day such as 2026-07-01", from)
	}
	return c.withTables(cmd, tenant, func(ctx context.Context, db driver.Conn, id string) error {
		guid, err := oneSKU(ctx, db, sku)
		if err != nil {
			return err
		}
		stored, err := catalogue.StoredPrices(ctx, db)
		if err != nil {
			return err
		}
		var gone []catalogue.Price
		for _, p := range stored {
			if p.Tenant == orAll(id) && p.SKU == guid && p.From.Equal(first) {
				gone = append(gone, p)
			}
		}
		if len(gone) == 0 {
			return fmt.Errorf("no price of %s begins on %s: seatstream prices list shows them", sku, from)
		}
		if err := catalogue.RemovePrices(ctx, db, gone, osUser(), time.Now()); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "removed %d prices\n", len(gone))
		return nil
	})
}
