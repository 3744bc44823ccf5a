package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/bench"
	"github.com/seatstream/seatstream/internal/output"
)

func benchCommand(c *cli) *cobra.Command {
	d := bench.Delivery{}
	var quick bool
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure delivery on this machine: each stage alone and the whole",
		Long: `bench starts a nats-server, a ClickHouse engine, a publisher and a consumer, each in a
process of its own, moves records of 653 bytes through them, and takes the processor time
of each from the system's books. Beside the product's consumer a bare loop of nats.go and
clickhouse-go reads the same records in the same run. Stages take turns; figures are
medians. It needs Linux, and some GB below the data directory while it runs. It ends with
exit code 1 where a count is wrong, whatever the times are.`,
		Example: "  seatstream bench --quick\n  seatstream bench -o json > bench.json",
		Args:    exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if quick && !cmd.Flags().Changed("records") {
				d.Records = 20_000
			}
			if quick && !cmd.Flags().Changed("rounds") {
				d.Rounds = 1
			}
			if d.Records < 1 || d.Rounds < 1 {
				return usagef("--records and --rounds must be at least 1")
			}
			a, err := c.open("bench")
			if err != nil {
				return err
			}
			defer a.Close()
			if err := os.MkdirAll(a.Config.DataDir, 0o750); err != nil {
				return fmt.Errorf("make data directory: %w", err)
			}
			d.Dir, d.Log = filepath.Join(a.Config.DataDir, "bench"), a.Log
			r, err := d.Run(cmd.Context())
			if err != nil {
				return fmt.Errorf("bench: %w", err)
			}
			if c.format == output.FormatJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(r)
			}
			return r.Table(cmd.OutOrStdout())
		},
	}
	c.outputFlag(cmd)
	cmd.Flags().IntVar(&d.Records, "records", 500_000, "records of each stage")
	cmd.Flags().IntVar(&d.Rounds, "rounds", 5, "rounds, each with every stage once")
	cmd.Flags().BoolVar(&quick, "quick", false, "20,000 records and one round: does it work, roughly how fast")
	return cmd
}
