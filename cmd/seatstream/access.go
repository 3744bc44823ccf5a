package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/internal/connect"
	"github.com/seatstream/seatstream/schemas"
)

func accessCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "access", Short: "Let others read some tenants: accounts of the stream, users of the tables",
		Long: `access writes what an operator gives to the servers so that somebody reads the tenants named
and nothing else. It changes no server, except that access nats --create makes the readers'
durable consumers.`,
		Example: `  seatstream access nats --reader acme=contoso,fabrikam --create
  seatstream access clickhouse --reader acme=contoso --password-file acme.password
  seatstream access clickhouse --reader acme=contoso --password-file acme.password --xml`,
	}
	cmd.AddCommand(c.accessNATS(), c.accessClickHouse())
	return group(cmd, "nats or clickhouse")
}

func (c *cli) accessNATS() *cobra.Command {
	var readers []string
	var create bool
	var from string
	cmd := &cobra.Command{
		Use: "nats", Short: "Print the accounts block of a nats-server", Args: exactArgs(0, "no argument"),
		Long: `nats prints the accounts block of a nats-server's configuration: the account of seatstream
itself, and one for each reader, who has a durable consumer and may fetch from it, and can
reach nothing else. Passwords are variables of the server's environment: SEATSTREAM_PASSWORD
and READER_<NAME>_PASSWORD. A reader reads with

  nats --js-api-prefix SEATSTREAM.API consumer next M365 reader-<name> --count 10`,
		Example: "  seatstream access nats --reader acme=contoso,fabrikam --reader audit=contoso --create --from last",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from != "all" && from != "last" && from != "new" {
				return usagef("access nats: --from %q: one of all, last, new", from)
			}
			a, err := c.open("access")
			if err != nil {
				return err
			}
			defer a.Close()
			list, err := parseReaders(cmd, a, readers)
			if err != nil {
				return err
			}
			text, err := schemas.NATSAccounts(list)
			if err != nil {
				return usagef("access nats: %w", err)
			}
			if create {
				js, err := a.JetStream(cmd.Context())
				if err != nil {
					return err
				}
				for _, r := range list {
					if err := connect.Reader(cmd.Context(), js, r, from); err != nil {
						return err
					}
				}
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	readerFlag(cmd, &readers)
	cmd.Flags().BoolVar(&create, "create", false, "make the readers' durable consumers")
	cmd.Flags().StringVar(&from, "from", "all", "where a new consumer begins: all that is kept, last record of every entity, or new records")
	return cmd
}

func (c *cli) accessClickHouse() *cobra.Command {
	var readers []string
	var file string
	var xml bool
	cmd := &cobra.Command{
		Use: "clickhouse", Short: "Print the statements that make a reader of the tables", Args: exactArgs(0, "no argument"),
		Long: `clickhouse prints SQL for a server that keeps its users itself, or with --xml a file for
users.d, which the embedded engine takes too (clickhouse/users.d in the data directory). The
reader changes nothing, sees its tenants' rows, and no table of the server's own. A table
that a later version adds is given by the same command run again.`,
		Example: "  seatstream access clickhouse --reader acme=contoso --password-file acme.password | clickhouse-client",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usagef("access clickhouse: --password-file names the file with the reader's password")
			}
			password, err := connect.Password(file)
			if err != nil {
				return err
			}
			if len(password) < 12 {
				return usagef("access clickhouse: the password in %s is shorter than 12 characters", file)
			}
			a, err := c.open("access")
			if err != nil {
				return err
			}
			defer a.Close()
			list, err := parseReaders(cmd, a, readers)
			if err != nil {
				return err
			}
			if len(list) != 1 {
				return usagef("access clickhouse: one --reader at a time")
			}
			db, err := a.ClickHouse(cmd.Context())
			if err != nil {
				return err
			}
			tables, err := answer.Tables(cmd.Context(), db)
			if err != nil {
				return err
			}
			write := list[0].ClickHouseSQL
			if xml {
				write = list[0].ClickHouseXML
			}
			sum := sha256.Sum256([]byte(password))
			text, err := write(tables, hex.EncodeToString(sum[:]))
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	readerFlag(cmd, &readers)
	cmd.Flags().StringVar(&file, "password-file", "", "file with the reader's password")
	cmd.Flags().BoolVar(&xml, "xml", false, "print a file for users.d")
	return cmd
}

func readerFlag(cmd *cobra.Command, readers *[]string) {
	cmd.Flags().StringArrayVar(readers, "reader", nil, "NAME=TENANT[,TENANT...]: connector names, domains or directory ids")
}

// parseReaders reads NAME=TENANT,... and finds the tenants.
func parseReaders(cmd *cobra.Command, a *app.App, texts []string) ([]schemas.Reader, error) {
	if len(texts) == 0 {
		return nil, usagef("%s: --reader NAME=TENANT names a reader", cmd.CommandPath())
	}
	var all []schemas.Reader
	for _, text := range texts {
		name, tenants, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usagef("--reader %q: write NAME=TENANT[,TENANT...]", text)
		}
		s := selection{tenant: tenants}
		ids, _, err := s.parts(cmd.Context(), a)
		if err != nil {
			return nil, err
		}
		r := schemas.Reader{Name: name, Tenants: ids}
		if err := r.Check(); err != nil {
			return nil, usagef("--reader: %w", err)
		}
		all = append(all, r)
	}
	return all, nil
}
