package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/internal/config"
)

func upCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: "Run everything in one process, from a configuration", Args: exactArgs(0, "no argument"),
		Long: `up runs producer, consumer and the web page (dashboard.listen) in one process. NATS and
ClickHouse are embedded where the configuration leaves them out. The connectors of the configuration run at once when they
are new, hourly for their first 24 hours, then daily.`,
		Example: "  seatstream up --config seatstream.yaml",
		RunE:    role(c, "up", app.Roles{Producer: true, Consumer: true, Dashboard: true}),
	}
}

func producerCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "producer", Short: "Read tenants from Microsoft Graph into the stream", Args: exactArgs(0, "no argument"),
		Long: `producer carries out the runs of the connectors of its endpoint (producer.endpoint). It
keeps nothing on disk: any number of producers share the work.`,
		Example: "  seatstream producer --config seatstream.yaml",
		RunE:    role(c, "producer", app.Roles{Producer: true}),
	}
}

func consumerCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "consumer", Short: "Store the stream in ClickHouse", Args: exactArgs(0, "no argument"),
		Long: `consumer inserts the records of the stream into ClickHouse in batches and acknowledges
what is stored. One consumer owns a stream at a time; others stand by and take over
within seconds.`,
		Example: "  seatstream consumer --config seatstream.yaml",
		RunE:    role(c, "consumer", app.Roles{Consumer: true}),
	}
}

func dashboardCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "dashboard", Short: "Serve the web page and the HTTP API", Args: exactArgs(0, "no argument"),
		Long: `dashboard serves the web page and the HTTP API at dashboard.listen, on this machine alone
unless dashboard.tokens says who else may see it. It speaks to the NATS and ClickHouse of the
configuration, or to those of an instance that is up on the data directory.`,
		Example: "  seatstream dashboard --config seatstream.yaml\n  seatstream dashboard --data-dir data/demo",
		RunE:    role(c, "dashboard", app.Roles{Dashboard: true}),
	}
}

func role(c *cli, name string, roles app.Roles) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		a, err := c.open(name)
		if err != nil {
			return err
		}
		defer a.Close()
		if err := a.Start(cmd.Context(), roles); err != nil {
			return err
		}
		if roles.Producer {
			stop := c.reloadOnHangup(cmd.Context(), a)
			defer stop()
		}
		return serve(cmd.Context(), a, roles)
	}
}

// reloadOnHangup takes over the connectors of the configuration anew at every SIGHUP. One
// that cannot be read changes nothing.
func (c *cli) reloadOnHangup(ctx context.Context, a *app.App) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-hangups:
			case <-ctx.Done():
				return
			}
			cfg, err := config.Load(c.configFile, os.Environ(), c.overrides)
			if err == nil {
				err = a.Reload(ctx, cfg.Connectors)
			}
			if err != nil {
				a.Log.Error().Err(err).Msg("configuration not reloaded")
				continue
			}
			a.Log.Info().Int("connectors", len(cfg.Connectors)).Msg("connectors reloaded")
		}
	})
	return func() {
		signal.Stop(hangups)
		cancel()
		done.Wait()
	}
}

func serve(ctx context.Context, a *app.App, roles app.Roles) error {
	roles.OnPage = func(url string) { a.Log.Info().Str("url", url).Msg("the page is served") }
	e := a.Endpoints()
	a.Log.Info().Str("nats", e.NATS).Str("clickhouse", e.ClickHouse).Str("metrics", e.Metrics).Int("connectors", len(a.Config.Connectors)).Msg("seatstream is up")
	err := a.Run(ctx, roles)
	a.Log.Info().Msg("seatstream stops")
	return err
}
