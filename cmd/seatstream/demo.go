package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

// demoTenants are the simulated tenants of the demo.
var demoTenants = []graphsim.TenantConfig{
	{Domain: "contoso.onmicrosoft.com", Name: "Contoso", Seed: 1, Users: 250},
	{Domain: "fabrikam.onmicrosoft.com", Name: "Fabrikam", Seed: 2, Users: 120},
	{Domain: "northwind.onmicrosoft.com", Name: "Northwind Traders", Seed: 3, Users: 40},
}

func demoCommand(c *cli) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Everything on this machine, with three simulated tenants",
		Long: `demo starts a Microsoft Graph simulator, nats-server, the ClickHouse engine, a producer and
a consumer in this process, collects three simulated tenants once, prints their licence
position and the licences nobody uses, and stays up. Its data lies in the folder demo of
the data directory and is found again by the next demo.`,
		Example: "  seatstream demo\n  seatstream demo --once",
		Args:    exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := c.open("demo")
			if err != nil {
				return err
			}
			defer a.Close()
			a.Config.DataDir = filepath.Join(a.Config.DataDir, "demo")
			d := &demo{app: a, out: cmd.OutOrStdout(), cli: c, once: once}
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after printing")
	return cmd
}

type demo struct {
	app  *app.App
	out  io.Writer
	cli  *cli
	once bool
}

func (d *demo) run(ctx context.Context) error {
	dir := filepath.Join(d.app.Config.DataDir, "sim")
	sim, err := graphsim.New(graphsim.Config{Dir: dir, Tenants: demoTenants, Log: d.app.Log})
	if err != nil {
		return err
	}
	defer func() { _ = sim.Close() }() // closed already after Run
	connectors, err := simConnectors(sim, dir)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	page := make(chan string, 1)
	roles := app.Roles{Producer: true, Consumer: true, Dashboard: !d.once, OnPage: func(url string) { page <- url }}
	if err := d.app.Start(ctx, roles); err != nil {
		return err
	}
	// Before anything runs: what was left of a demo that was killed would ask its simulator.
	commands, err := d.order(ctx, connectors)
	if err != nil {
		return err
	}
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error { return sim.Run(running) })
	g.Go(func() error { return d.app.Run(running, roles) })
	g.Go(func() error {
		if err := d.collect(running, connectors, commands); err != nil {
			return err
		}
		if err := d.print(running, connectors); err != nil {
			return err
		}
		if d.once {
			stop()
			return nil
		}
		select {
		case url := <-page:
			d.invite(connectors[0].Name, url)
		case <-running.Done():
		}
		return nil
	})
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil // ended by Ctrl-C, or by --once
}

// simConnectors makes one connector per simulated tenant. The simulator's secrets are
// put into files, as a real one would be.
func simConnectors(sim *graphsim.Server, dir string) ([]producer.Connector, error) {
	var list []producer.Connector
	for _, t := range sim.Tenants() {
		name, _, _ := strings.Cut(t.Domain, ".")
		file, err := filepath.Abs(filepath.Join(dir, name+".secret"))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, []byte(t.ClientSecret), 0o600); err != nil {
			return nil, fmt.Errorf("write the simulator's secret: %w", err)
		}
		ca, err := filepath.Abs(sim.CAFile())
		if err != nil {
			return nil, err
		}
		n := producer.Connector{
			Name: name, Tenant: t.Domain, ClientID: t.ClientID, ClientSecret: producer.SecretRef("file:" + file),
			GraphURL: sim.URL(), AuthorityURL: sim.AuthorityURL(), CAFile: ca,
		}
		n.Default()
		list = append(list, n)
	}
	return list, nil
}

// order takes the connectors over and orders a run of each, by the number of its command.
func (d *demo) order(ctx context.Context, connectors []producer.Connector) ([]uint64, error) {
	registry, err := d.app.Registry(ctx)
	if err != nil {
		return nil, err
	}
	commands := make([]uint64, len(connectors))
	for i, n := range connectors {
		if commands[i], err = registry.Put(ctx, n); err != nil {
			return nil, err
		}
		if commands[i] > 0 {
			continue // new: it runs already
		}
		if commands[i], err = registry.RunNow(ctx, n); err != nil {
			return nil, err
		}
	}
	return commands, nil
}

// collect waits until every connector has run and ClickHouse has what was published.
func (d *demo) collect(ctx context.Context, connectors []producer.Connector, commands []uint64) error {
	registry, err := d.app.Registry(ctx)
	if err != nil {
		return err
	}
	for i, n := range connectors {
		st, err := await(ctx, registry, n.Name, commands[i])
		if err != nil {
			return err
		}
		if st.State == producer.StateFailed {
			return fmt.Errorf("run of %s failed: %s", n.Name, st.Error.Message)
		}
	}
	c, err := d.app.Consumer(ctx)
	if err != nil {
		return err
	}
	for {
		lag, err := c.Lag(ctx)
		if err == nil && lag == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// demoPrices are made up, so that the demo has money to show: a seat a month.
const demoPrices = `INSERT INTO m365.prices (tenant_id, sku_id, price, currency, term, valid_from, imported_at, imported_by, deleted) VALUES
('00000000-0000-0000-0000-000000000000', '06ebc4ee-1bb5-47dd-8120-11324bc54e06', 50, 'EUR', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'demo', 0),
('00000000-0000-0000-0000-000000000000', '05e9a617-0261-4cee-bb44-138d3ef5d965', 35, 'EUR', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'demo', 0),
('00000000-0000-0000-0000-000000000000', '66b55226-6b4f-492c-910c-a3b7a3c9d993', 8, 'EUR', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'demo', 0),
('00000000-0000-0000-0000-000000000000', '18181a46-0d4e-45cd-891e-60aabd171b4e', 9, 'EUR', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'demo', 0),
('00000000-0000-0000-0000-000000000000', '639dec6b-bb19-468b-871c-c5c441c4b0cb', 28, 'EUR', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'demo', 0),
('00000000-0000-0000-0000-000000000000', 'c5928f49-12ba-48f7-ada3-0d743a3601d5', 13, 'EUR', 'annual', '2020-01-01', '2026-01-01 00:00:00', 'demo', 0)`

// print shows, for every tenant, what is bought and held, how it is used, and by whom not.
func (d *demo) print(ctx context.Context, connectors []producer.Connector) error {
	db, err := d.app.ClickHouse(ctx)
	if err != nil {
		return err
	}
	if err := db.Exec(ctx, demoPrices); err != nil {
		return fmt.Errorf("store the demo's prices: %w", err)
	}
	for _, n := range connectors {
		tenant, err := answer.Tenant(ctx, db, n.Tenant)
		if err != nil {
			return err
		}
		fmt.Fprintf(d.out, "\n%s  %s\n", strings.ToUpper(n.Name), n.Tenant)
		for _, ask := range []struct {
			name   string
			params map[string]string
			drop   []string
		}{
			{"licence-position", nil, []string{"name", "applies_to", "suspended", "locked_out", "assignable", "excluded", "trait", "price"}},
			{"use-summary", nil, []string{"name", "excluded"}},
			{"unused-licences", map[string]string{"state": "inactive"}, []string{"name", "state", "department", "reclaim", "excluded"}},
			{"savings", nil, []string{"name", "next_change"}},
		} {
			if err := d.ask(ctx, db, tenant, ask.name, ask.params, ask.drop); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *demo) ask(ctx context.Context, db driver.Conn, tenant, name string, params map[string]string, drop []string) error {
	q, err := schemas.QueryNamed(name)
	if err != nil {
		return err
	}
	values := map[string]string{"tenant": tenant}
	maps.Copy(values, params)
	fmt.Fprintln(d.out)
	rows := 0
	if name == "unused-licences" || name == "savings" {
		rows = 10 // the lists may be long; the others have a row a SKU
	}
	w := d.cli.people(output.Without(d.cli.limited(d.out, rows), nil, drop...), true)
	return answer.Named(ctx, db, q, values, w)
}

// invite says what can be done with the running demo, in lines that work as they stand.
func (d *demo) invite(connector, page string) {
	e := d.app.Endpoints()
	// The other terminal may be in another folder.
	dir, self := shellQuoted(absolute(d.app.Config.DataDir)), os.Args[0]
	if strings.ContainsRune(self, filepath.Separator) {
		self = shellQuoted(absolute(self))
	}
	fmt.Fprintf(d.out, `
The page: %[7]s

The demo stays up; Ctrl-C ends it. In another terminal:

  ask          %[1]s query list --data-dir %[2]s
               %[1]s query unused-licences --tenant %[3]s --data-dir %[2]s
  subscribe    %[1]s subscribe --last-per-subject --kind licence --data-dir %[2]s
               nats --server %[4]s sub 'm365.>'
  run again    %[1]s connector run %[3]s --data-dir %[2]s
  ClickHouse   clickhouse client --port %[5]s --query "SELECT count() FROM m365.users FINAL"
               curl '%[6]s/?query=SELECT+count()+FROM+m365.users+FINAL'
`, self, dir, connector, e.NATS, port(e.ClickHouse), strings.TrimSuffix(e.ClickHouseHTTP, "/"), page)
}

func port(dsn string) string {
	hostport := strings.TrimPrefix(dsn, "clickhouse://")
	hostport, _, _ = strings.Cut(hostport, "/")
	return hostport[strings.LastIndexByte(hostport, ':')+1:]
}

// absolute is for showing: where there is no working folder, the path stays as it is.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// shellQuoted quotes a path for a shell where it needs it.
func shellQuoted(path string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-+:@%", r)
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
