package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/schemas"
)

// replayFlags are what replay takes beside its selection.
type replayFlags struct {
	selection
	from, to       uint64
	stdout, resume bool
	fresh, discard bool
	name, stream   string
}

func replayCommand(c *cli) *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use: "replay", Short: "Insert a stretch of the stream into the tables again, or print it",
		Long: `replay reads records from the stream and inserts them into ClickHouse again. Tables replace
by stream sequence, so a record that is there already is not counted twice: a replay may
be repeated, and may run while everything else does.

Its position is kept behind every batch. Ctrl-C pauses it, and --resume goes on, with the
same range, after a pause or a crash.

--fresh makes all tables anew beside the old ones, fills them from the stream while the
consumer goes on, and exchanges them. Tables that hold rows whose record the stream no
longer has are left as they are, unless --discard lets those rows go.`,
		Example: `  seatstream replay                          everything: fills an empty database
  seatstream replay --since 2h --kind user,licence
  seatstream replay --from-seq 100000 --to-seq 200000 --name repair
  seatstream replay --resume --name repair
  seatstream replay --fresh
  seatstream replay --since 2026-11-01 --until 2026-11-02 --stdout`,
		Args: exactArgs(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			r := consumer.Range{From: f.from, To: f.to}
			var err error
			if r.Since, err = moment("since", f.since); err != nil {
				return err
			}
			if r.Until, err = moment("until", f.until); err != nil {
				return err
			}
			a, err := c.open("replay")
			if err != nil {
				return err
			}
			defer a.Close()
			tenants, kinds, err := f.parts(cmd.Context(), a)
			if err != nil {
				return err
			}
			r.Filters = consumer.Filters(tenants, kinds)
			if f.stdout && f.stream == "" {
				f.stream = schemas.StreamM365.Name // no table is asked for
			}
			if f.stdout {
				return printRange(cmd, a, f.stream, r)
			}
			cons, err := consumerFor(cmd.Context(), a, f.stream, tenants)
			if err != nil {
				return err
			}
			if f.fresh {
				return f.anew(cmd, a, cons)
			}
			return f.replay(cmd, a, cons, r)
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.until, "until", "", "up to this time; left out: up to now")
	cmd.Flags().Uint64Var(&f.from, "from-seq", 0, "from this stream sequence on")
	cmd.Flags().Uint64Var(&f.to, "to-seq", 0, "up to this stream sequence")
	cmd.Flags().BoolVar(&f.stdout, "stdout", false, "print the records instead of inserting them")
	cmd.Flags().BoolVar(&f.fresh, "fresh", false, "make the tables anew from the whole stream and exchange them")
	cmd.Flags().BoolVar(&f.discard, "discard", false, "with --fresh: let rows go whose record the stream no longer holds")
	cmd.Flags().StringVar(&f.name, "name", "default", "name under which the position is kept")
	cmd.Flags().StringVar(&f.stream, "stream", "", "stream to read, where the consumer has several")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "go on with the replay of this name where it was paused or killed")
	return cmd
}

func (f *replayFlags) check(cmd *cobra.Command) error {
	if !schemas.IsToken(f.name) {
		return usagef("--name %q: letters, digits, - and _ only", f.name)
	}
	if f.to > 0 && f.from > f.to {
		return usagef("--from-seq %d lies behind --to-seq %d", f.from, f.to)
	}
	if f.discard && !f.fresh {
		return usagef("--discard goes with --fresh")
	}
	for _, flag := range []string{"since", "until", "from-seq", "to-seq", "tenant", "kind", "stdout"} {
		if f.resume && cmd.Flags().Changed(flag) {
			return usagef("--resume goes on with the range it had: leave --%s out", flag)
		}
		if f.fresh && (f.resume || cmd.Flags().Changed(flag)) {
			return usagef("--fresh is of the whole stream, from its beginning: leave --resume and --%s out", flag)
		}
	}
	return nil
}

// anew makes the tables anew.
func (f *replayFlags) anew(cmd *cobra.Command, a *app.App, cons *consumer.Consumer) error {
	ctx := cmd.Context()
	if !a.Config.ClickHouse.Embedded() {
		if err := app.Migrate(ctx, a.Config.ClickHouse.DSN); err != nil {
			return err
		}
	}
	js, err := a.JetStream(ctx)
	if err != nil {
		return err
	}
	total, err := consumer.Count(ctx, js, cons.Stream(), consumer.Range{})
	if err != nil {
		return err
	}
	bar := progress("replay")
	bar.SetTotal(int64(total))
	rows, err := cons.Fresh(ctx, consumer.FreshOptions{Discard: f.discard, Progress: func(rows int) { bar.Add(int64(rows)) }})
	bar.Done()
	if err != nil {
		return fmt.Errorf("make the tables anew: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "made the tables anew from %d records\n", rows)
	return nil
}

func printRange(cmd *cobra.Command, a *app.App, stream string, r consumer.Range) error {
	js, err := a.JetStream(cmd.Context())
	if err != nil {
		return err
	}
	return consumer.Each(cmd.Context(), js, stream, r, func(msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
		return printEvent(cmd.OutOrStdout(), msg, meta)
	})
}

func (f *replayFlags) replay(cmd *cobra.Command, a *app.App, cons *consumer.Consumer, r consumer.Range) error {
	ctx := cmd.Context()
	if !a.Config.ClickHouse.Embedded() {
		if err := app.Migrate(ctx, a.Config.ClickHouse.DSN); err != nil {
			return err
		}
	}
	var st *consumer.ReplayState
	var err error
	if f.resume {
		if st, err = cons.Paused(ctx, f.name); errors.Is(err, consumer.ErrNoReplay) {
			return fmt.Errorf("%w: %s: leave --resume out to begin one", err, f.name)
		}
	} else {
		st, err = cons.NewReplay(ctx, r)
	}
	if err != nil {
		return err
	}
	js, err := a.JetStream(ctx)
	if err != nil {
		return err
	}
	left := st.Range
	left.From = st.Next
	total, err := consumer.Count(ctx, js, cons.Stream(), left)
	if err != nil {
		return err
	}
	bar := progress("replay")
	bar.SetTotal(int64(total))
	err = cons.Continue(ctx, f.name, st, func(rows int) { bar.Add(int64(rows)) })
	bar.Done()
	out := cmd.OutOrStdout()
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintf(out, "paused at sequence %d of %d, %d records replayed: seatstream replay --resume --name %s goes on\n", st.Next, st.Range.To, st.Rows, f.name)
		return err
	}
	if err != nil {
		return fmt.Errorf("replay stopped at sequence %d, after %d records (--resume --name %s goes on): %w", st.Next, st.Rows, f.name, err)
	}
	fmt.Fprintf(out, "replayed %d records\n", st.Rows)
	return nil
}
