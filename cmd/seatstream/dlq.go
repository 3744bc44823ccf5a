package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/output"
)

// errStillDead ends dlq requeue with exit code 1; the table has said why.
var errStillDead = errors.New("some records still cannot be stored: their dead letters stay, with the new reason")

func dlqCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use: "dlq", Short: "Records that no table could take: list, show, requeue",
		Long: `A record that cannot be stored is set aside as a dead letter, with the reason, and the rest
goes on. Nothing leaves the dead letters by itself: find the cause, update seatstream or the
tables, and requeue them.`,
		Example: `  seatstream dlq list
  seatstream dlq show 12
  seatstream dlq requeue --all --reason createdDateTime`,
	}
	group(cmd, "list, show or requeue")
	cmd.AddCommand(dlqList(c), dlqShow(c), dlqRequeue(c))
	return cmd
}

func withLetters(c *cli, cmd *cobra.Command, f func(context.Context, jetstream.JetStream) error) error {
	a, err := c.open("dlq")
	if err != nil {
		return err
	}
	defer a.Close()
	js, err := a.JetStream(cmd.Context())
	if err != nil {
		return err
	}
	return f(cmd.Context(), js)
}

func dlqList(c *cli) *cobra.Command {
	var each bool
	cmd := &cobra.Command{
		Use: "list", Short: "Count dead letters by tenant, kind and reason", Args: exactArgs(0, "no argument"),
		Long:    `list counts dead letters. Reasons that differ only in a quoted value or a number are counted as one.`,
		Example: "  seatstream dlq list\n  seatstream dlq list --each -o csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withLetters(c, cmd, func(ctx context.Context, js jetstream.JetStream) error {
				if each {
					return c.eachLetter(ctx, js, cmd.OutOrStdout())
				}
				return c.countLetters(ctx, js, cmd.OutOrStdout())
			})
		},
	}
	c.outputFlag(cmd)
	cmd.Flags().BoolVar(&each, "each", false, "one line a dead letter")
	return cmd
}

func (c *cli) eachLetter(ctx context.Context, js jetstream.JetStream, out io.Writer) error {
	w := c.writer(out)
	err := w.Begin(&output.Table{Columns: []output.Column{
		{Name: "sequence"}, {Name: "origin"}, {Name: "subject"}, {Name: "set_aside", Type: output.Time}, {Name: "tries", Type: output.Count}, {Name: "reason"},
	}, Empty: "no dead letters"})
	if err != nil {
		return err
	}
	err = consumer.Letters(ctx, js, func(l *consumer.Letter) error {
		return w.Row([]any{l.Sequence, l.Origin, l.Subject, l.Time, l.Tries, l.Reason})
	})
	if err != nil {
		return err
	}
	return w.End()
}

// varying is what makes two reasons of one cause differ.
var varying = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\d+`)

func (c *cli) countLetters(ctx context.Context, js jetstream.JetStream, out io.Writer) error {
	type cause struct{ tenant, kind, reason string }
	type count struct {
		n              int64
		first, last    uint64
		oldest, newest time.Time
	}
	counts := map[cause]*count{}
	var order []cause
	err := consumer.Letters(ctx, js, func(l *consumer.Letter) error {
		k := cause{l.Tenant(), l.Kind(), varying.ReplaceAllString(l.Reason, "*")}
		n := counts[k]
		if n == nil {
			n = &count{first: l.Sequence, oldest: l.Time}
			counts[k] = n
			order = append(order, k)
		}
		n.n++
		n.last, n.newest = l.Sequence, l.Time
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(order, func(a, b cause) int { return int(counts[b].n - counts[a].n) })
	t := &output.Table{
		Columns: []output.Column{
			{Name: "tenant_id"}, {Name: "kind"}, {Name: "reason"}, {Name: "letters", Type: output.Count, Total: true},
			{Name: "first"}, {Name: "last"}, {Name: "oldest", Type: output.Time}, {Name: "newest", Type: output.Time},
		},
		Noun: "causes", Empty: "no dead letters: every record of the stream is in the tables or on its way",
	}
	for _, k := range order {
		n := counts[k]
		t.Rows = append(t.Rows, []any{k.tenant, k.kind, k.reason, n.n, n.first, n.last, n.oldest, n.newest})
	}
	return render(c.writer(out), t)
}

func dlqShow(c *cli) *cobra.Command {
	return &cobra.Command{
		Use: "show SEQUENCE", Short: "Show one dead letter: headers and body, as JSON", Args: exactArgs(1, "one sequence"),
		Example: "  seatstream dlq show 12",
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := sequence(args[0])
			if err != nil {
				return err
			}
			return withLetters(c, cmd, func(ctx context.Context, js jetstream.JetStream) error {
				l, err := consumer.ReadLetter(ctx, js, seq)
				if err != nil {
					return err
				}
				return printLetter(cmd.OutOrStdout(), l)
			})
		},
	}
}

// printLetter writes JSON, which escapes what would steer a terminal. A body that is JSON
// stands as it is, another one as a string.
func printLetter(out io.Writer, l *consumer.Letter) error {
	enc := jsontext.NewEncoder(out, jsontext.AllowInvalidUTF8(true), jsontext.EscapeForHTML(true), jsontext.Multiline(true))
	tokens := []jsontext.Token{jsontext.BeginObject,
		jsontext.String("sequence"), jsontext.Uint(l.Sequence), jsontext.String("origin"), jsontext.Uint(l.Origin),
		jsontext.String("subject"), jsontext.String(l.Subject), jsontext.String("reason"), jsontext.String(l.Reason),
		jsontext.String("tries"), jsontext.Int(int64(l.Tries)), jsontext.String("headers"), jsontext.BeginObject}
	var names []string
	for k := range l.Header {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		tokens = append(tokens, jsontext.String(k), jsontext.String(strings.Join(l.Header[k], ", ")))
	}
	tokens = append(tokens, jsontext.EndObject, jsontext.String("body"))
	for _, t := range tokens {
		if err := enc.WriteToken(t); err != nil {
			return fmt.Errorf("print dead letter: %w", err)
		}
	}
	body := jsontext.Value(l.Body)
	var err error
	if body.IsValid(jsontext.AllowInvalidUTF8(true)) {
		err = enc.WriteValue(body)
	} else {
		err = enc.WriteToken(jsontext.String(string(l.Body)))
	}
	if err == nil {
		err = enc.WriteToken(jsontext.EndObject)
	}
	if err != nil {
		return fmt.Errorf("print dead letter: %w", err)
	}
	return nil
}

func sequence(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return 0, usagef("%q is no sequence of a dead letter: seatstream dlq list --each shows them", s)
	}
	return n, nil
}

func dlqRequeue(c *cli) *cobra.Command {
	var all bool
	var reason string
	cmd := &cobra.Command{
		Use: "requeue [SEQUENCE...]", Short: "Store the records of dead letters after their cause is mended",
		Long: `requeue stores the records that dead letters keep, with their original stream sequence: each
takes its place in the history, and an older record never replaces a newer state. A letter
is removed once its record is stored. Where the record still cannot be stored, the letter
stays, with the new reason, and the exit code is 1.`,
		Example: "  seatstream dlq requeue 12 13\n  seatstream dlq requeue --all --reason createdDateTime",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) > 0) == all || reason != "" && !all {
				return usagef("dlq requeue takes sequences, or --all, which --reason may narrow")
			}
			var seqs []uint64
			for _, arg := range args {
				n, err := sequence(arg)
				if err != nil {
					return err
				}
				seqs = append(seqs, n)
			}
			return c.requeue(cmd, seqs, all, reason)
		},
	}
	c.outputFlag(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "every dead letter")
	cmd.Flags().StringVar(&reason, "reason", "", "with --all: those whose reason contains this text")
	return cmd
}

func (c *cli) requeue(cmd *cobra.Command, seqs []uint64, all bool, reason string) error {
	ctx := cmd.Context()
	a, err := c.open("dlq")
	if err != nil {
		return err
	}
	defer a.Close()
	cons, err := a.Consumer(ctx)
	if err != nil {
		return err
	}
	js, err := a.JetStream(ctx)
	if err != nil {
		return err
	}
	if all {
		err := consumer.Letters(ctx, js, func(l *consumer.Letter) error {
			if strings.Contains(l.Reason, reason) {
				seqs = append(seqs, l.Sequence)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	t := &output.Table{
		Columns: []output.Column{{Name: "sequence"}, {Name: "origin"}, {Name: "subject"}, {Name: "result"}, {Name: "reason"}},
		Noun:    "dead letters", Empty: "no such dead letter",
	}
	still := false
	for _, seq := range seqs {
		l, err := consumer.ReadLetter(ctx, js, seq)
		if err != nil {
			return err
		}
		why, err := cons.Requeue(ctx, l)
		if err != nil {
			return fmt.Errorf("requeue dead letter %d: %w", seq, err)
		}
		if why != nil {
			still = true
			t.Rows = append(t.Rows, []any{seq, l.Origin, l.Subject, "stays", why.Error()})
			continue
		}
		t.Rows = append(t.Rows, []any{seq, l.Origin, l.Subject, "stored", ""})
	}
	if err := render(c.writer(cmd.OutOrStdout()), t); err != nil {
		return err
	}
	if still {
		return errStillDead
	}
	return nil
}
