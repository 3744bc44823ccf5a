package main

import (
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/schemas"
)

func replayCommand(c *cli) *cobra.Command {
	var s selection
	var stdout bool
	cmd := &cobra.Command{
		Use: "replay", Short: "Insert a stretch of the stream into the tables again, or print it",
		Long: `replay reads records from the stream and inserts them into ClickHouse again. Tables replace
by stream sequence, so a record that is there already is not counted twice: a replay may
be repeated, and may run while everything else does.`,
		Example: `  seatstream replay                          everything: fills an empty database
  seatstream replay --since 2h --kind user
  seatstream replay --since 2026-11-01 --until 2026-11-02 --stdout`,
		Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			since, err := moment("since", s.since)
			if err != nil {
				return err
			}
			until, err := moment("until", s.until)
			if err != nil {
				return err
			}
			a, err := c.open("replay")
			if err != nil {
				return err
			}
			defer a.Close()
			filters, err := s.filters(cmd.Context(), a)
			if err != nil {
				return err
			}
			r := consumer.Range{Filters: filters, Since: since, Until: until}
			if stdout {
				return printRange(cmd, a, r)
			}
			return replay(cmd, a, r)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&s.until, "until", "", "up to this time; left out: up to now")
	cmd.Flags().BoolVar(&stdout, "stdout", false, "print the records instead of inserting them")
	return cmd
}

func printRange(cmd *cobra.Command, a *app.App, r consumer.Range) error {
	js, err := a.JetStream(cmd.Context())
	if err != nil {
		return err
	}
	return consumer.Each(cmd.Context(), js, schemas.StreamM365.Name, r, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		return printEvent(cmd.OutOrStdout(), msg, meta)
	})
}

func replay(cmd *cobra.Command, a *app.App, r consumer.Range) error {
	cons, err := a.Consumer(cmd.Context())
	if err != nil {
		return err
	}
	if !a.Config.ClickHouse.Embedded() {
		if err := app.Migrate(cmd.Context(), a.Config.ClickHouse.DSN); err != nil {
			return err
		}
	}
	bar := progress("replay")
	n, err := cons.Replay(cmd.Context(), r, func(rows int) { bar.Add(int64(rows)) })
	bar.Done()
	if err != nil {
		return fmt.Errorf("replay stopped after %d records: %w", n, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "replayed %d records\n", n)
	return nil
}
