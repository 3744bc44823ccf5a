package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/schemas"
)

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
			filters := args
			if len(args) == 1 {
				if !isFilter(args[0]) {
					return usagef("subscribe: %q is no filter of records: write %s.<tenant-id>.<kind>.> with * for any one part and > for all that follow", args[0], schemas.Root)
				}
				if s.tenant != "" || s.kind != "" {
					return usagef("subscribe: give a subject filter, or --tenant and --kind, not both")
				}
			} else if filters, err = s.filters(cmd.Context(), a); err != nil {
				return err
			}
			cfg := jetstream.OrderedConsumerConfig{FilterSubjects: filters, DeliverPolicy: jetstream.DeliverNewPolicy}
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

// isFilter tells whether a subject filter can match records at all: the server's answer to
// one that cannot is of no help.
func isFilter(filter string) bool {
	tokens := strings.Split(filter, ".")
	for i, t := range tokens {
		if t == ">" && i == len(tokens)-1 || t == "*" || schemas.IsToken(t) {
			continue
		}
		return false
	}
	return slices.Contains([]string{schemas.Root, "*", ">"}, tokens[0])
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
