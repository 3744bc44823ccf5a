package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/answer"
	"github.com/seatstream/seatstream/internal/app"
	"github.com/seatstream/seatstream/schemas"
)

// selection is what subscribe and replay take to choose records.
type selection struct {
	tenant, kind string
	since, until string
}

func (s *selection) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.tenant, "tenant", "", "one tenant: connector name, domain or directory id")
	cmd.Flags().StringVar(&s.kind, "kind", "", "one kind: user, group, member, sku, subscription, organization, report, licence, run")
	cmd.Flags().StringVar(&s.since, "since", "", "from this time on: 2026-11-23T06:00:00Z, or a duration ago such as 2h")
}

// filter returns the subject filter of the selection.
func (s *selection) filter(ctx context.Context, a *app.App) (string, error) {
	var kind schemas.Kind
	if s.kind != "" {
		var err error
		if kind, err = schemas.ParseKind(s.kind); err != nil {
			return "", usagef("--kind: %w", err)
		}
	}
	id := schemas.GUID(s.tenant)
	if s.tenant != "" && !schemas.IsGUID(id) {
		db, err := a.ClickHouse(ctx)
		if err != nil {
			return "", err
		}
		if id, err = answer.Tenant(ctx, db, s.tenant); err != nil {
			return "", err
		}
	}
	return schemas.Filter(id, kind, ""), nil
}

// moment reads a time, or a duration before now.
func moment(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return time.Now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--%s %q: give a time such as 2026-11-23T06:00:00Z or 2026-11-23, or a duration ago such as 2h", flag, s)
}

func subscribeCommand(c *cli) *cobra.Command {
	var s selection
	var last bool
	var count int
	cmd := &cobra.Command{
		Use: "subscribe [SUBJECT-FILTER]", Short: "Print records as they come, one CloudEvent in JSON a line",
		Long: `subscribe prints the records of the stream, each as one line: a CloudEvent in JSON with
its subject and stream sequence. Without --since or --last-per-subject it begins with the
next record. Subjects are m365.<tenant-id>.<kind>[.<report>].<entity>.`,
		Example: `  seatstream subscribe --kind licence                      licence changes as they happen
  seatstream subscribe 'm365.*.user.>' --last-per-subject  the state of every user, then changes
  seatstream subscribe --since 24h --tenant contoso`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			since, err := moment("since", s.since)
			if err != nil {
				return err
			}
			a, err := c.open("subscribe")
			if err != nil {
				return err
			}
			defer a.Close()
			filter := ""
			if len(args) == 1 {
				filter = args[0]
				if !schemas.IsFilter(filter) {
					return usagef("subscribe: %q is no filter of records: write %s.<tenant-id>.<kind>.> with * for any one part and > for all that follow", filter, schemas.Root)
				}
				if s.tenant != "" || s.kind != "" {
					return usagef("subscribe: give a subject filter, or --tenant and --kind, not both")
				}
			} else if filter, err = s.filter(cmd.Context(), a); err != nil {
				return err
			}
			cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}, DeliverPolicy: jetstream.DeliverNewPolicy}
			switch {
			case last:
				cfg.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
			case !since.IsZero():
				cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
			}
			js, err := a.JetStream(cmd.Context())
			if err != nil {
				return err
			}
			return follow(cmd.Context(), js, cfg, count, cmd.OutOrStdout())
		},
	}
	s.flags(cmd)
	cmd.Flags().BoolVar(&last, "last-per-subject", false, "begin with the last record of every entity")
	cmd.Flags().IntVar(&count, "count", 0, "end after this many records; 0: never")
	return cmd
}

func follow(ctx context.Context, js jetstream.JetStream, cfg jetstream.OrderedConsumerConfig, count int, out io.Writer) error {
	cons, err := js.OrderedConsumer(ctx, schemas.StreamM365.Name, cfg)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	msgs, err := cons.Messages()
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer msgs.Stop()
	for n := 0; count == 0 || n < count; n++ {
		msg, err := msgs.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil {
			return nil // Ctrl-C is how a subscription ends
		}
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		if err := printEvent(out, msg, meta); err != nil {
			return err
		}
	}
	return nil
}

// printEvent writes a record as a structured CloudEvent.
func printEvent(out io.Writer, msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
	enc := jsontext.NewEncoder(out, jsontext.AllowInvalidUTF8(true), jsontext.EscapeForHTML(true))
	h := msg.Headers()
	tokens := []jsontext.Token{jsontext.BeginObject}
	add := func(name string, value jsontext.Token) { tokens = append(tokens, jsontext.String(name), value) }
	add("specversion", jsontext.String(h.Get(schemas.HeaderSpecVersion)))
	add("id", jsontext.String(h.Get(schemas.HeaderID)))
	add("type", jsontext.String(h.Get(schemas.HeaderType)))
	add("source", jsontext.String(h.Get(schemas.HeaderSource)))
	add("subject", jsontext.String(msg.Subject()))
	add("time", jsontext.String(h.Get(schemas.HeaderTime)))
	add("op", jsontext.String(h.Get(schemas.HeaderOp)))
	add("sequence", jsontext.Uint(meta.Sequence.Stream))
	tokens = append(tokens, jsontext.String("data"))
	for _, t := range tokens {
		if err := enc.WriteToken(t); err != nil {
			return fmt.Errorf("write record: %w", err)
		}
	}
	body := jsontext.Value(msg.Data())
	if !body.IsValid(jsontext.AllowInvalidUTF8(true)) {
		body, _ = jsontext.AppendQuote(nil, msg.Data()) // a record that is not JSON is shown as text
	}
	if err := enc.WriteValue(body); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	if err := enc.WriteToken(jsontext.EndObject); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

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
			filter, err := s.filter(cmd.Context(), a)
			if err != nil {
				return err
			}
			r := consumer.Range{Filters: []string{filter}, Since: since, Until: until}
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
