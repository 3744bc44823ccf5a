package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/catalogue"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

func catalogueCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "catalogue", Short: "The names of products and what they contain",
		Example: `  seatstream catalogue import product-names.csv
  seatstream catalogue unknown
  seatstream catalogue override SPE_E5 "Knowledge worker" --tenant contoso
  seatstream catalogue trait POWER_BI_STANDARD free,viral`,
	}
	imp := &cobra.Command{
		Use: "import FILE", Short: "Import Microsoft's product names and service plans, a CSV",
		Long: `import reads Microsoft's "Product names and service plan identifiers for licensing" as CSV and
reports what in it would mislead, with line numbers. Products are told apart by their GUID.`,
		Args: exactArgs(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.importCatalogue(cmd, args[0]) },
	}
	list := c.listing("list", "List the products that are known, and by which source", `SELECT sku_id, sku_part_number AS sku, name, source,
    if(tenant_id = toUUID('`+schemas.AllTenants+`'), 'all', toString(tenant_id)) AS tenant, imported_at
FROM m365.sku_names FINAL WHERE %s ORDER BY name, source`)
	unknown := c.listing("unknown", "List the products in use that no catalogue knows", `SELECT tenant_id, sku_id, sku_part_number AS sku, enabled_units AS enabled, consumed_units AS consumed
FROM m365.skus FINAL WHERE (%s) AND sku_id NOT IN (SELECT sku_id FROM m365.sku_names FINAL) ORDER BY consumed DESC, sku`)
	var tenant string
	override := &cobra.Command{
		Use: "override SKU NAME", Short: "Give a product a name of your own; an empty name takes it back", Args: exactArgs(2, "a SKU and a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withTables(cmd, tenant, func(ctx context.Context, db driver.Conn, id string) error {
				sku, err := oneSKU(ctx, db, args[0])
				if err != nil {
					return err
				}
				return catalogue.Override(ctx, db, orAll(id), sku, args[1], time.Now())
			})
		},
	}
	override.Flags().StringVar(&tenant, "tenant", "", "one tenant: connector name, domain or directory id; left out: all")
	cmd.AddCommand(imp, list, unknown, override, c.traitCommand())
	c.outputFlag(imp)
	return group(cmd, "import FILE, list, unknown, override SKU NAME or trait SKU TRAITS")
}

func (c *cli) traitCommand() *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use: "trait SKU TRAITS", Short: "Say that a product is free, viral, company-level or paid",
		Long: `trait says which seats are no saving: those of products that cost nothing (free), that people
sign up for themselves (viral) or that serve the tenant as a whole and have no holders
(company-level). Several are joined by commas; paid is none of them. Empty TRAITS take back
what was said before.`,
		Args: exactArgs(2, "a SKU and its traits"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var traits []string
			if args[1] != "" {
				if traits, err = catalogue.ReadTraits(args[1]); err != nil {
					return usagef("%w", err)
				}
			}
			return c.withTables(cmd, tenant, func(ctx context.Context, db driver.Conn, id string) error {
				sku, err := oneSKU(ctx, db, args[0])
				if err != nil {
					return err
				}
				return catalogue.SetTraits(ctx, db, orAll(id), sku, traits, time.Now())
			})
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "one tenant: connector name, domain or directory id; left out: all")
	return cmd
}

func (c *cli) importCatalogue(cmd *cobra.Command, file string) error {
	var p *catalogue.Products
	err := withFile(file, func(r io.Reader) (err error) { p, err = catalogue.ReadProducts(r); return err })
	if err != nil {
		return err
	}
	return c.withTables(cmd, "", func(ctx context.Context, db driver.Conn, _ string) error {
		if err := catalogue.StoreProducts(ctx, db, p, time.Now()); err != nil {
			return err
		}
		t := &output.Table{
			Title:   fmt.Sprintf("imported %d products, %d service plans, %d pairs; %d traps", len(p.SKUs), len(p.Plans), len(p.Pairs), len(p.Traps)),
			Columns: []output.Column{{Name: "line"}, {Name: "trap"}, {Name: "what"}}, Noun: "traps",
		}
		for _, trap := range p.Traps {
			var line any
			if trap.Line > 0 {
				line = trap.Line
			}
			t.Rows = append(t.Rows, []any{line, trap.Kind, trap.What})
		}
		return render(c.writer(cmd.OutOrStdout()), t)
	})
}

// listing is a command that shows a SELECT; %s stands for the filter by tenant.
func (c *cli) listing(use, short, sql string) *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withTables(cmd, tenant, func(ctx context.Context, db driver.Conn, id string) error {
				filter := "1"
				if id != "" { // a GUID by its form: answer.Tenant gives nothing else
					filter = "tenant_id IN (toUUID('" + id + "'), toUUID('" + schemas.AllTenants + "'))"
				}
				return answer.SQL(ctx, db, fmt.Sprintf(sql, filter), c.writer(cmd.OutOrStdout()))
			})
		},
	}
	c.outputFlag(cmd)
	cmd.Flags().StringVar(&tenant, "tenant", "", "one tenant and what counts for all: connector name, domain or directory id")
	return cmd
}

// withTables opens ClickHouse and finds the tenant, empty for all.
func (c *cli) withTables(cmd *cobra.Command, tenant string, do func(ctx context.Context, db driver.Conn, id string) error) error {
	a, err := c.open(cmd.Name())
	if err != nil {
		return err
	}
	defer a.Close()
	db, err := a.ClickHouse(cmd.Context())
	if err != nil {
		return err
	}
	id, err := answer.Tenant(cmd.Context(), db, tenant)
	if err != nil {
		return err
	}
	return do(cmd.Context(), db, id)
}

func withFile(name string, read func(io.Reader) error) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	if err := read(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func oneSKU(ctx context.Context, db driver.Conn, name string) (string, error) {
	find, err := catalogue.PartNumbers(ctx, db)
	if err != nil {
		return "", err
	}
	return find(name)
}

func orAll(id string) string {
	if id == "" {
		return schemas.AllTenants
	}
	return id
}

// osUser is who is asked for nothing else.
func osUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
