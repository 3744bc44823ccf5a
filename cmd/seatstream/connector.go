package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

func connectorCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "connector", Short: "The tenants that are read: add, list, show, remove, run",
		Long: `A connector is how one tenant is read: the tenant's name, the client id of an app
registration with Directory.Read.All, Group.Read.All, Reports.Read.All and User.Read.All
(application permissions, with admin consent), where its client secret is found (or a
certificate, a workload identity or a managed identity), and a schedule. Connectors may also stand in the configuration.`,
	}
	cmd.AddCommand(connectorAdd(c), connectorList(c), connectorShow(c), connectorRemove(c), connectorRun(c), connectorCheck(c), connectorPause(c, true), connectorPause(c, false))
	return group(cmd, "add, list, show, remove or run")
}

func connectorAdd(c *cli) *cobra.Command {
	var n producer.Connector
	var secret, certificate, password string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a connector, or change one; a new one runs at once", Args: exactArgs(1, "one name"),
		Example: `  export CONTOSO_SECRET=...        the secret's Value, not its Secret ID
  seatstream connector add contoso --tenant contoso.onmicrosoft.com \
      --client-id 11111111-2222-3333-4444-555555555555 --client-secret env:CONTOSO_SECRET`,
		RunE: func(cmd *cobra.Command, args []string) error {
			n.Name, n.ClientSecret = args[0], producer.SecretRef(secret)
			n.Certificate, n.CertificatePassword = producer.SecretRef(certificate), producer.SecretRef(password)
			n.Default()
			if err := n.Validate(); err != nil {
				return usagef("%w", err)
			}
			return withRegistry(c, cmd, func(ctx context.Context, r *producer.Registry) error {
				command, err := r.Put(ctx, n)
				if err != nil {
					return err
				}
				word := "changed"
				if command > 0 {
					word = "added, first run commanded"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "connector %s %s; seatstream connector run %s shows a run\n", n.Name, word, n.Name)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&n.Tenant, "tenant", "", "the tenant's domain or directory id")
	f.StringVar(&n.ClientID, "client-id", "", "Application (client) ID of the app registration")
	f.StringVar(&secret, "client-secret", "", "where the client secret is found, as the producer sees it: "+producer.SecretForms)
	f.StringVar(&certificate, "certificate", "", "in place of the secret: where a certificate with its key is found, PEM or PFX")
	f.StringVar(&password, "certificate-password", "", "where the password of a PFX is found")
	f.BoolVar(&n.WorkloadIdentity, "workload-identity", false, "in place of the secret: the identity that Kubernetes gives the pod")
	f.StringVar(&n.ManagedIdentity, "managed-identity", "", "in place of the secret: true for the Azure machine's own identity, or a client id")
	f.StringVar(&n.Cloud, "cloud", "", strings.Join(producer.Clouds, ", "))
	f.StringVar(&n.Endpoint, "endpoint", "", "which producers may run it")
	f.DurationVar(&n.Schedule.FirstDay, "first-day", 0, "interval in the first 24 hours (1h)")
	f.DurationVar(&n.Schedule.Then, "then", 0, "interval afterwards (24h)")
	f.StringVar(&n.Schedule.Cron, "cron", "", "cron pattern in place of the intervals: minute hour day month weekday")
	f.StringVar(&n.Schedule.TimeZone, "time-zone", "", "time zone of the cron pattern, such as Europe/Berlin")
	f.StringSliceVar(&n.Reports, "reports", nil, "report functions; left out: those the shipped queries use (seatstream schema reports)")
	f.StringVar(&n.GraphURL, "graph-url", "", "Graph address, for a proxy or the simulator")
	f.StringVar(&n.AuthorityURL, "authority-url", "", "sign-in address, for a proxy or the simulator")
	f.StringVar(&n.CAFile, "ca-file", "", "certificate authority of those addresses, PEM")
	return cmd
}

func withRegistry(c *cli, cmd *cobra.Command, f func(context.Context, *producer.Registry) error) error {
	return withApp(c, cmd, func(ctx context.Context, _ *app.App, r *producer.Registry) error { return f(ctx, r) })
}

func withApp(c *cli, cmd *cobra.Command, f func(context.Context, *app.App, *producer.Registry) error) error {
	a, err := c.open("connector")
	if err != nil {
		return err
	}
	defer a.Close()
	r, err := a.Registry(cmd.Context())
	if err != nil {
		return err
	}
	return f(cmd.Context(), a, r)
}

func connectorList(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the connectors and what their last run came to", Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRegistry(c, cmd, func(ctx context.Context, r *producer.Registry) error {
				list, err := r.List(ctx)
				if err != nil {
					return err
				}
				served, err := r.Served(ctx)
				if err != nil {
					return err
				}
				t := &output.Table{Noun: "connectors", Empty: "no connectors: seatstream connector add --help", Columns: []output.Column{
					{Name: "name"}, {Name: "tenant"}, {Name: "cloud"}, {Name: "endpoint"}, {Name: "schedule"}, {Name: "state"},
					{Name: "last_run", Type: output.Time}, {Name: "problem"},
				}}
				for _, n := range list {
					row, err := connectorRow(ctx, r, n, served[n.Endpoint])
					if err != nil {
						return err
					}
					t.Rows = append(t.Rows, row)
				}
				return render(c.writer(cmd.OutOrStdout()), t)
			})
		},
	}
	c.outputFlag(cmd)
	return cmd
}

func connectorRow(ctx context.Context, r *producer.Registry, n producer.Connector, producers int) ([]any, error) {
	st, err := r.Status(ctx, n.Name)
	if err != nil {
		return nil, err
	}
	row := []any{n.Name, n.Tenant, n.Cloud, n.Endpoint, n.Schedule.String(), "waiting", nil, nil}
	if st != nil {
		row[5], row[6] = st.State, st.Updated
		if st.Error != nil {
			row[7] = st.Error.Message
		} else if st.State == producer.StateDone && len(st.Run.Notes) > 0 {
			row[7] = strings.Join(st.Run.Notes, "; ")
		}
	}
	if n.Paused {
		row[5] = "paused"
	} else if producers == 0 {
		row[7] = fmt.Sprintf("no producer serves endpoint %s: start one (seatstream up or seatstream producer)", n.Endpoint)
	}
	return row, nil
}

func connectorShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a connector; its secret stays where it is", Args: exactArgs(1, "one name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRegistry(c, cmd, func(ctx context.Context, r *producer.Registry) error {
				n, err := r.Get(ctx, args[0])
				if err != nil {
					return err
				}
				reports := n.Reports
				if specs, err := n.ReportSpecs(); err == nil && len(reports) == 0 {
					for _, s := range specs {
						reports = append(reports, s.Function)
					}
				}
				t := &output.Table{Columns: []output.Column{{Name: "setting"}, {Name: "value"}}, Rows: [][]any{
					{"name", n.Name}, {"tenant", n.Tenant}, {"client_id", n.ClientID}, {"client_secret", string(n.ClientSecret)},
					{"certificate", string(n.Certificate)}, {"certificate_password", string(n.CertificatePassword)},
					{"workload_identity", n.WorkloadIdentity}, {"managed_identity", n.ManagedIdentity},
					{"cloud", n.Cloud}, {"endpoint", n.Endpoint}, {"schedule", n.Schedule.String()}, {"paused", n.Paused},
					{"reports", strings.Join(reports, ", ")}, {"graph_url", n.GraphURL}, {"authority_url", n.AuthorityURL},
					{"ca_file", n.CAFile}, {"created", n.CreatedAt.Format(time.RFC3339)},
				}}
				return render(c.writer(cmd.OutOrStdout()), t)
			})
		},
	}
	c.outputFlag(cmd)
	return cmd
}

func connectorRemove(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a connector; what it collected stays", Args: exactArgs(1, "one name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRegistry(c, cmd, func(ctx context.Context, r *producer.Registry) error {
				if err := r.Remove(ctx, args[0]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "connector %s removed; its records stay in the stream and the tables\n", args[0])
				return nil
			})
		},
	}
}

func connectorPause(c *cli, pause bool) *cobra.Command {
	use, does, did := "resume NAME", "Let a paused connector run by its schedule again", "resumed"
	if pause {
		use, does, did = "pause NAME", "Stop a connector's schedule; connector run still works", "paused"
	}
	return &cobra.Command{
		Use: use, Short: does, Args: exactArgs(1, "one name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRegistry(c, cmd, func(ctx context.Context, r *producer.Registry) error {
				if err := r.Pause(ctx, args[0], pause); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "connector %s %s\n", args[0], did)
				return nil
			})
		},
	}
}

// takeUp is how long a command may wait before a producer takes it up.
const takeUp = 15 * time.Second

var errNotTakenUp = errors.New("no producer took the command up")

func connectorRun(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "run NAME", Short: "Run a connector now and wait for the outcome", Args: exactArgs(1, "one name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRegistry(c, cmd, func(ctx context.Context, r *producer.Registry) error {
				n, err := r.Get(ctx, args[0])
				if err != nil {
					return err
				}
				id, err := r.RunNow(ctx, n)
				if err != nil {
					return err
				}
				st, err := await(ctx, r, n.Name, id)
				if errors.Is(err, errNotTakenUp) {
					return fmt.Errorf("connector %s: %w of endpoint %q within %s: start one (seatstream up or seatstream producer); the command waits", n.Name, errNotTakenUp, n.Endpoint, takeUp)
				}
				if err != nil {
					return err
				}
				if st.State == producer.StateFailed {
					return fmt.Errorf("run of connector %s failed: %s", n.Name, explained(st.Error))
				}
				ev := st.Run
				fmt.Fprintf(cmd.OutOrStdout(), "run %s %s: %d entities, %d published, %d unchanged, %d deleted, %d licence events\n",
					ev.RunID, ev.Status, ev.Entities, ev.Published, ev.Unchanged, ev.Deleted, ev.Events)
				for _, note := range ev.Notes {
					fmt.Fprintf(cmd.OutOrStdout(), "  %s\n", note)
				}
				if ev.Status != schemas.RunComplete {
					fmt.Fprintf(cmd.OutOrStdout(), "  what to do: seatstream query runs\n")
				}
				return nil
			})
		},
	}
}

// explained is why a run failed: what happened, Microsoft's code for it, what to do.
func explained(e *schemas.RunError) string {
	s := e.Message
	if e.Code != "" && e.Code != producer.CodeFailed {
		s += " (" + e.Code + ")"
	}
	if e.Remedy != "" {
		s += ": " + e.Remedy
	}
	return s
}

// await follows a command to its end and shows its progress.
func await(ctx context.Context, r *producer.Registry, name string, command uint64) (*producer.Status, error) {
	bar := progress(name)
	defer bar.Done()
	waiting, cancel := context.WithTimeoutCause(ctx, takeUp, errNotTakenUp)
	defer cancel()
	taken := func(s producer.Status) bool { return s.Command >= command }
	if err := r.Watch(waiting, name, func(s producer.Status) bool { return !taken(s) }); err != nil {
		return nil, err
	}
	var end producer.Status
	var seen int64
	feed := ""
	err := r.Watch(ctx, name, func(s producer.Status) bool {
		if !taken(s) {
			return true
		}
		if s.Run != nil && s.State == producer.StateRunning {
			if feed != s.Run.Feed {
				feed, seen = s.Run.Feed, 0
				bar.Describe(name + " " + feed)
			}
			bar.Add(s.Run.Entities - seen)
			seen = s.Run.Entities
		}
		end = s
		return s.State == producer.StateRunning
	})
	return &end, err
}
