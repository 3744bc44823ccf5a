package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/internal/config"
	"github.com/seatstream/seatstream/internal/output"
)

// usageError is a command line that cannot work; it ends with exit code 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// cli is what all commands share.
type cli struct {
	configFile string
	format     output.Format
	overrides  map[string]any // configuration keys set by flags
}

func newRoot() *cobra.Command {
	c := &cli{overrides: map[string]any{}}
	root := &cobra.Command{
		Use:   "seatstream",
		Short: "Microsoft 365 licence usage as a stream",
		Long: `seatstream reads every tenant's users, groups, licences and usage reports from
Microsoft Graph, publishes what changed to NATS JetStream, and stores it in ClickHouse:
who holds which licence, who does not use it, and what the figures rest on.

Begin with:
  seatstream demo                     everything on this machine, with simulated tenants
  seatstream up --config FILE         your tenants, in one process
  seatstream query list               the questions it answers`,
		Version:       version,
		SilenceErrors: true, SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q: seatstream --help lists all", args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	f := root.PersistentFlags()
	f.StringVar(&c.configFile, "config", "", "configuration file (or SEATSTREAM_CONFIG)")
	c.setting(f, "data-dir", "data_dir", "directory of the embedded parts")
	c.setting(f, "nats-url", "nats.url", "NATS server; left out: the one of the data directory")
	c.setting(f, "clickhouse-dsn", "clickhouse.dsn", "ClickHouse server; left out: the one of the data directory")
	c.setting(f, "listen", "dashboard.listen", "address of the web page, host:port")
	c.setting(f, "log-level", "log.level", "trace, debug, info, warn or error")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w: see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		demoCommand(c), upCommand(c), producerCommand(c), consumerCommand(c), dashboardCommand(c), simCommand(c), connectorCommand(c),
		queryCommand(c), reportCommand(c), catalogueCommand(c), pricesCommand(c), excludeCommand(c), reclaimCommand(c),
		subscribeCommand(c), replayCommand(c), verifyCommand(c), dlqCommand(c), doctorCommand(c), eraseCommand(c), accessCommand(c), schemaCommand(c), benchCommand(c),
	)
	return root
}

// setting declares a flag that overrides a configuration key.
func (c *cli) setting(f *pflag.FlagSet, flag, key, usage string) {
	f.Func(flag, usage, func(value string) error {
		c.overrides[key] = value
		return nil
	})
}

// outputFlag declares -o.
func (c *cli) outputFlag(cmd *cobra.Command) {
	cmd.Flags().VarP(&c.format, "output", "o", "form of the output: "+strings.Join(output.Formats, ", "))
}

// services are the commands that log what they do. The others answer and end: they speak
// through their output, and log what goes wrong, unless --log-level asks for more.
var services = []string{"up", "producer", "consumer", "dashboard", "sim"}

// open reads the configuration and returns the parts, none of them opened yet.
func (c *cli) open(name string) (*app.App, error) {
	cfg, err := config.Load(c.configFile, os.Environ(), c.overrides)
	if err != nil {
		return nil, err
	}
	log := logger(cfg.Log)
	if _, asked := c.overrides["log.level"]; !asked && !slices.Contains(services, name) {
		log = log.Level(max(log.GetLevel(), zerolog.WarnLevel))
	}
	a := app.New(cfg, log, name)
	a.Version = version
	return a, nil
}

// group makes a command that only holds others say so when it is given another word.
func group(cmd *cobra.Command, words string) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("unknown command %q of %s: it takes %s", args[0], cmd.CommandPath(), words)
		}
		return cmd.Help()
	}
	return cmd
}

// logger writes to standard error: JSON in a pipe, lines for people on a terminal.
func logger(cfg config.Log) zerolog.Logger {
	level, err := zerolog.ParseLevel(cfg.Level)
	if err != nil {
		level = zerolog.InfoLevel // the configuration has checked it
	}
	var w io.Writer = os.Stderr
	if cfg.Format == "console" || cfg.Format != "json" && term.IsTerminal(int(os.Stderr.Fd())) {
		w = zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// writer renders a command's output on w.
func (c *cli) writer(w io.Writer) output.Writer { return c.limited(w, 0) }

// limited is writer with a limit to the rows a table shows, 0 for none.
func (c *cli) limited(w io.Writer, rows int) output.Writer {
	opt := output.Options{MaxRows: rows}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		opt.Color = os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			opt.Width = width
		}
	}
	return output.NewWriter(w, c.format, opt)
}

// people leaves out of a table what words say already: ids beside names, and the tenant
// where there is only one. JSON and CSV keep every column.
func (c *cli) people(w output.Writer, oneTenant bool) output.Writer {
	if c.format != "" && c.format != output.FormatTable {
		return w
	}
	var drop []string
	if oneTenant {
		drop = []string{"tenant", "tenant_id"}
	}
	return output.Without(w, map[string]string{"tenant_id": "tenant", "sku_id": "sku", "user_id": "user_principal_name"}, drop...)
}

// progress shows a command's progress on a terminal, and nothing in a pipe.
func progress(label string) *output.Progress {
	return output.NewProgress(os.Stderr, term.IsTerminal(int(os.Stderr.Fd())), label)
}

func exactArgs(n int, usage string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s takes %s: see %s --help", cmd.CommandPath(), usage, cmd.CommandPath())
		}
		return nil
	}
}
