package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/graphsim"
)

func simCommand(c *cli) *cobra.Command {
	var listen string
	var tenants []string
	cmd := &cobra.Command{
		Use: "sim", Short: "Run the Microsoft Graph simulator alone",
		Long: `sim serves made-up tenants as Microsoft Graph would: sign-in, users, groups, licences and
usage reports over HTTPS with a certificate authority of its own. The same seed and day
give the same answers. POST /_sim/clock {"days": 1} moves its clock.`,
		Example: "  seatstream sim --tenant contoso.onmicrosoft.com=250 --tenant fabrikam.onmicrosoft.com=10000",
		Args:    exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list []graphsim.TenantConfig
			for i, s := range tenants {
				domain, size, _ := strings.Cut(s, "=")
				users, err := strconv.Atoi(size)
				if err != nil {
					return usagef("--tenant %q: want domain=users, such as contoso.onmicrosoft.com=250", s)
				}
				list = append(list, graphsim.TenantConfig{Domain: domain, Seed: uint64(i + 1), Users: users})
			}
			a, err := c.open("sim")
			if err != nil {
				return err
			}
			defer a.Close()
			sim, err := graphsim.New(graphsim.Config{Listen: listen, Dir: filepath.Join(a.Config.DataDir, "sim"), Tenants: list, Log: a.Log})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "graph_url and authority_url: %s\nca_file: %s\n", sim.URL(), sim.CAFile())
			for _, t := range sim.Tenants() {
				fmt.Fprintf(out, "tenant %s  %s  %d users  client_id %s  client_secret %s\n", t.Domain, t.ID, t.Users, t.ClientID, t.ClientSecret)
			}
			return sim.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address to serve on")
	cmd.Flags().StringArrayVar(&tenants, "tenant", []string{"contoso.onmicrosoft.com=250"}, "domain=users; may be given again")
	return cmd
}
