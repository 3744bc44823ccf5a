package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/doctor"
	"github.com/seatstream/seatstream/internal/output"
)

// errNotGuaranteed ends doctor with exit code 1; the table has said why.
var errNotGuaranteed = errors.New("the delivery guarantee does not hold with these settings: see the remedies above")

func doctorCommand(c *cli) *cobra.Command {
	var monitor string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look at the settings on which the delivery guarantee rests", Args: exactArgs(0, "no argument"),
		Long: `doctor looks at streams, consumer and tables as they are on the servers: what was found, what
is wanted, why, and what to do. It changes nothing. The exit code is 1 where the guarantee
does not hold. What a server does not tell is shown as such, with the place to look.`,
		Example: "  seatstream doctor\n  seatstream doctor --monitor http://nats.example.com:8222 -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := c.open("doctor")
			if err != nil {
				return err
			}
			defer a.Close()
			nc, err := a.NATS() // and no more: opening the streams would set right what is wrong
			if err != nil {
				return err
			}
			db, err := a.ClickHouse(cmd.Context())
			if err != nil {
				return err
			}
			checks, err := doctor.Examine(cmd.Context(), doctor.Subject{
				NATS: nc, EmbeddedNATS: a.Config.NATS.Embedded(), Monitor: monitor, DB: db,
			})
			if err != nil {
				return err
			}
			t := &output.Table{
				Columns: []output.Column{{Name: "part"}, {Name: "check"}, {Name: "result"}, {Name: "found"}, {Name: "wanted"}, {Name: "why"}, {Name: "remedy"}},
				Noun:    "checks",
			}
			for _, k := range checks {
				t.Rows = append(t.Rows, []any{k.Part, k.Name, string(k.Status), k.Found, k.Wanted, k.Why, k.Remedy})
			}
			if err := render(c.writer(cmd.OutOrStdout()), t); err != nil {
				return err
			}
			if !doctor.Holds(checks) {
				return errNotGuaranteed
			}
			return nil
		},
	}
	c.outputFlag(cmd)
	cmd.Flags().StringVar(&monitor, "monitor", "", "address of nats-server's monitoring, such as http://host:8222")
	return cmd
}
