package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/app"
)

func upCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: "Run everything in one process, from a configuration", Args: exactArgs(0, "no argument"),
		Long: `up runs producer and consumer in one process. NATS and ClickHouse are embedded where the
configuration leaves them out. The connectors of the configuration run at once when they
are new, hourly for their first 24 hours, then daily.`,
		Example: "  seatstream up --config seatstream.yaml",
		RunE:    role(c, "up", app.Roles{Producer: true, Consumer: true}),
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

func role(c *cli, name string, roles app.Roles) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		a, err := c.open(name)
		if err != nil {
			return err
		}
		defer a.Close()
		return serve(cmd.Context(), a, roles)
	}
}

func serve(ctx context.Context, a *app.App, roles app.Roles) error {
	if err := a.Start(ctx, roles); err != nil {
		return err
	}
	e := a.Endpoints()
	a.Log.Info().Str("nats", e.NATS).Str("clickhouse", e.ClickHouse).Int("connectors", len(a.Config.Connectors)).Msg("seatstream is up")
	err := a.Run(ctx, roles)
	a.Log.Info().Msg("seatstream stops")
	return err
}
