package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// Verdict is what a connector can do as it stands.
type Verdict struct {
	Checks    []graph.Check
	Questions []Question
}

// Question is one shipped query and whether it will be answered.
type Question struct {
	Name, Title string
	Answer      string   // yes, partly or no
	Missing     []string // the feeds that are not there, with the reason
}

// Ready reports whether nothing that a connector needs is missing. What the tenant's
// cloud does not offer, and what is optional, does not count.
func (v *Verdict) Ready() bool {
	return !slices.ContainsFunc(v.Checks, func(k graph.Check) bool {
		return !k.Optional && k.Status != graph.StatusOK && k.Status != graph.StatusUnavailable
	})
}

const namesCheck = "names in reports"

// Check tries out everything a run of the connector would use and says which questions
// will therefore be answered. It changes nothing. The error is not nil only where there is
// nothing to try: a secret that cannot be read, settings that cannot work.
func (r *Runner) Check(ctx context.Context, c Connector) (*Verdict, error) {
	specs, err := c.ReportSpecs()
	if err != nil {
		return nil, err
	}
	client, err := r.client(c, r.Log)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	v := &Verdict{Checks: client.Probe(ctx, specs)}
	v.Checks = append(v.Checks, probeNames(ctx, client, specs, v.status("sign-in")))
	for _, q := range schemas.Queries() {
		if !q.Internal {
			v.Questions = append(v.Questions, v.question(&q))
		}
	}
	return v, nil
}

func (v *Verdict) status(name string) graph.Status {
	for _, k := range v.Checks {
		if k.Name == name {
			return k.Status
		}
	}
	return graph.StatusSkipped
}

// errSampled ends the reading of a report that is only looked at.
var errSampled = errors.New("sample read")

// probeNames reads the beginning of a report to see whether its names are concealed: with
// the four permissions there is no other way to know.
func probeNames(ctx context.Context, client *graph.Client, specs []*schemas.ReportSpec, signedIn graph.Status) graph.Check {
	k := graph.Check{Name: namesCheck, Optional: true, Status: graph.StatusSkipped, Detail: "not tried"}
	i := slices.IndexFunc(specs, func(s *schemas.ReportSpec) bool { return s.UPN != "" && s.Detail() })
	if i < 0 || signedIn != graph.StatusOK {
		return k
	}
	rows, concealed := 0, 0
	_, err := client.Report(ctx, specs[i], graph.ReportArg{Period: specs[i].Widest()}, unkeyed,
		func(batch []schemas.Report) error {
			for j := range batch {
				rows++
				if batch[j].Concealed {
					concealed++
				}
			}
			return errSampled
		})
	var ge *graph.Error
	switch {
	case errors.As(err, &ge):
		k.Status, k.Detail, k.Err = graph.StatusUnavailable, "no report could be read: "+ge.Code, err
	case err != nil && !errors.Is(err, errSampled):
		k.Status, k.Detail, k.Err = graph.StatusFailed, err.Error(), err
	case rows == 0:
		k.Detail = "the report has no rows yet"
	case concealed == 0:
		k.Status, k.Detail = graph.StatusOK, fmt.Sprintf("shown in all of %d rows", rows)
	default:
		k.Status = graph.StatusUnavailable
		k.Detail = fmt.Sprintf("concealed in %d of %d rows", concealed, rows)
		k.Remedy = "let an administrator show names: " + graph.ConcealmentPlace
	}
	return k
}

// unkeyed is a digest for rows that are looked at and not published.
func unkeyed(s string) string { return schemas.FormatHash(schemas.StateHash([]byte(s))) }

// checkOf names the check that a feed of a question depends on.
func checkOf(feed string) string {
	if feed == "names" {
		return namesCheck
	}
	if _, err := schemas.ReportNamed(feed); err == nil {
		return "report " + feed
	}
	return "feed " + feed
}

func (v *Verdict) question(q *schemas.Query) Question {
	out := Question{Name: q.Name, Title: q.Title, Answer: "yes"}
	for i, feed := range q.Feeds {
		st := v.status(checkOf(feed))
		if st == graph.StatusOK {
			continue
		}
		out.Missing = append(out.Missing, fmt.Sprintf("%s: %s", feed, st))
		if i == 0 {
			out.Answer = "no"
		} else if out.Answer == "yes" {
			out.Answer = "partly"
		}
	}
	return out
}
