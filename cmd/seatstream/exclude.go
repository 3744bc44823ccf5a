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
	"github.com/seatstream/seatstream/schemas"
)

func excludeCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "exclude", Short: "Accounts and products to leave out of answers about use",
		Example: `  seatstream exclude add --tenant contoso --user svc-scan@contoso.com --tag "service account" --reason scanner
  seatstream exclude add --tenant contoso --user jane@contoso.com --tag leave --until 2027-01-31
  seatstream exclude list
  seatstream exclude remove ID`,
	}
	var tenant, person, sku, until string
	var e catalogue.Exclusion
	add := &cobra.Command{
		Use: "add", Short: "Exclude an account, a product, or one for the other", Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.exclude(cmd, e, tenant, person, sku, until) },
	}
	f := add.Flags()
	f.StringVar(&tenant, "tenant", "", "one tenant: connector name, domain or directory id; left out: all")
	f.StringVar(&person, "user", "", "principal name or object id; left out: whoever holds the product")
	f.StringVar(&sku, "sku", "", "part number or GUID; left out: every product of the user")
	f.StringVar(&e.Tag, "tag", "other", "one of "+strings.Join(catalogue.Tags, ", "))
	f.StringVar(&e.Reason, "reason", "", "why, in your words")
	f.StringVar(&e.Who, "who", osUser(), "who excludes")
	f.StringVar(&until, "until", "", "the last day, such as 2027-01-31; left out: for good")
	list := c.listing("list", "List the exclusions that stand", `SELECT exclusion_id, if(tenant_id = toUUID('`+schemas.AllTenants+`'), 'all', toString(tenant_id)) AS tenant,
    nullIf(user_id, toUUID('`+schemas.AllTenants+`')) AS user, nullIf(sku_id, toUUID('`+schemas.AllTenants+`')) AS sku,
    tag, reason, who, created_at, until, toBool(ifNull(until < today(), false)) AS over
FROM m365.exclusions FINAL WHERE %s ORDER BY created_at`)
	remove := &cobra.Command{
		Use: "remove ID", Short: "Take an exclusion back", Args: exactArgs(1, "the id of an exclusion"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !schemas.IsGUID(schemas.GUID(args[0])) {
				return usagef("exclusion %q: want an id: seatstream exclude list shows them", args[0])
			}
			return c.withTables(cmd, "", func(ctx context.Context, db driver.Conn, _ string) error {
				return catalogue.RemoveExclusion(ctx, db, schemas.GUID(args[0]), osUser(), time.Now())
			})
		},
	}
	cmd.AddCommand(add, list, remove)
	return group(cmd, "add, list or remove ID")
}

func (c *cli) exclude(cmd *cobra.Command, e catalogue.Exclusion, tenant, person, sku, until string) error {
	switch {
	case person == "" && sku == "":
		return usagef("exclude add: give --user, --sku or both")
	case person != "" && tenant == "":
		return usagef("exclude add --user: give the --tenant of the user")
	case !slices.Contains(catalogue.Tags, e.Tag):
		return usagef("--tag %q: one of %s", e.Tag, strings.Join(catalogue.Tags, ", "))
	}
	if until != "" {
		last, err := time.Parse(time.DateOnly, until)
		if err != nil {
			return usagef("--until %q: want a day such as 2027-01-31", until)
		}
		e.Until = &last
	}
	return c.withTables(cmd, tenant, func(ctx context.Context, db driver.Conn, id string) (err error) {
		e.Tenant, e.User, e.SKU = orAll(id), schemas.AllTenants, schemas.AllTenants
		if sku != "" {
			if e.SKU, err = oneSKU(ctx, db, sku); err != nil {
				return err
			}
		}
		if person != "" {
			if e.User, err = catalogue.Person(ctx, db, id, person); err != nil {
				return err
			}
		}
		made, err := catalogue.Exclude(ctx, db, e, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), made)
		return nil
	})
}
