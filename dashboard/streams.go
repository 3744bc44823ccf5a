package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seatstream/seatstream/consumer"
	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// streamState is one stream as it stands.
type streamState struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Messages    uint64 `json:"messages"`
	Bytes       uint64 `json:"bytes"`
	LastSeq     uint64 `json:"last_sequence"`
	Subjects    uint64 `json:"subjects"`
}

// streamsState is what the page follows: rates come from two of them.
type streamsState struct {
	At      time.Time     `json:"at"`
	Streams []streamState `json:"streams"`
	Waiting uint64        `json:"waiting"`     // records that are not in the tables yet
	Age     float64       `json:"age_seconds"` // of the oldest of them
	Health  string        `json:"health"`      // keeping up, behind, or why that is not known
}

func (s *Server) streams(ctx context.Context) (*streamsState, error) {
	out := &streamsState{At: s.now().UTC(), Health: "keeping up"}
	for _, spec := range schemas.StreamSpecs {
		stream, err := s.deps.Registry.JS.Stream(ctx, spec.Name)
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", spec.Name, err)
		}
		st := stream.CachedInfo().State
		out.Streams = append(out.Streams, streamState{spec.Name, spec.Description, st.Msgs, st.Bytes, st.LastSeq, st.NumSubjects})
	}
	b, err := s.deps.Consumer.Backlog(ctx)
	if err != nil {
		out.Health = output.Line(err.Error())
		return out, nil
	}
	out.Waiting, out.Age = b.Records, b.Age.Seconds()
	if b.Age > lateAfter {
		out.Health = "behind" // the consumer's log says what holds it up
	}
	return out, nil
}

// lateAfter is the age of a waiting record from which on the tables count as behind.
const lateAfter = 10 * time.Second

// cause is one reason for dead letters. Reasons that differ only in a quoted value or a
// number are one.
type cause struct {
	Tenant, Kind, Reason string
	Letters              int
	Oldest, Newest       time.Time
	Sequences            []uint64
	First, Last          uint64
}

var varying = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\d+`)

// maxSequences is how many letters of a cause one act requeues.
const maxSequences = 1000

func (rq *request) causes(ctx context.Context) ([]*cause, error) {
	at := map[[3]string]*cause{}
	var all []*cause
	err := consumer.Letters(ctx, rq.s.deps.Registry.JS, func(l *consumer.Letter) error {
		if !rq.sees(l.Tenant()) {
			return nil
		}
		key := [3]string{l.Tenant(), l.Kind(), varying.ReplaceAllString(l.Reason, "*")}
		c := at[key]
		if c == nil {
			c = &cause{Tenant: rq.labelOf(l.Tenant()), Kind: output.Line(l.Kind()), Reason: output.Line(l.Reason), Oldest: l.Time, First: l.Sequence}
			at[key] = c
			all = append(all, c)
		}
		c.Letters++
		c.Newest, c.Last = l.Time, l.Sequence
		if len(c.Sequences) < maxSequences {
			c.Sequences = append(c.Sequences, l.Sequence)
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b *cause) int { return cmp.Compare(b.Letters, a.Letters) })
	return all, err
}

func (rq *request) labelOf(id string) string {
	if i := slices.IndexFunc(rq.tenants, func(t tenant) bool { return t.ID == id }); i >= 0 {
		return rq.tenants[i].Label()
	}
	return output.Line(id)
}

// streamsBody is the page of the machinery.
type streamsBody struct {
	*streamsState
	Causes []*cause
	Verify verifyState
	Acts   []act
	All    bool
}

func streamsPage(ctx context.Context, rq *request) error {
	body := &streamsBody{All: rq.scope.all()}
	var err error
	if body.Causes, err = rq.causes(ctx); err != nil {
		return err
	}
	if rq.scope.all() {
		body.Verify = rq.s.verify.state()
		if body.streamsState, err = rq.s.streams(ctx); err != nil {
			return err
		}
		if rq.scope.May(Admin) {
			if body.Acts, err = rq.s.acts(ctx, 20); err != nil {
				return err
			}
		}
	}
	return rq.show(http.StatusOK, "streams.html", view{Title: "Streams", Nav: "streams", Body: body, Done: rq.did()})
}

// requeue stores the records of the dead letters that the form names.
func requeue(ctx context.Context, rq *request) error {
	if err := rq.r.ParseForm(); err != nil {
		return failf(http.StatusBadRequest, "read the form: %w", err)
	}
	stored, left := 0, 0
	for _, text := range strings.Fields(strings.Join(rq.r.PostForm["sequence"], " ")) {
		seq, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return failf(http.StatusBadRequest, "sequence %q: want a number", text)
		}
		l, err := consumer.ReadLetter(ctx, rq.s.deps.Registry.JS, seq)
		if err != nil || !rq.sees(l.Tenant()) {
			continue // requeued by somebody else meanwhile, or not theirs
		}
		why, err := rq.s.deps.Consumer.Requeue(ctx, l)
		if err != nil {
			return fmt.Errorf("requeue dead letter %d: %w", seq, err)
		}
		if why != nil {
			left++
			continue
		}
		stored++
	}
	rq.audit(ctx, "letters-requeued", strconv.Itoa(stored+left), "", fmt.Sprintf("stored %d, left %d", stored, left))
	return rq.see(rq.link("/streams", "requeued", strconv.Itoa(stored), "left", strconv.Itoa(left)))
}

// verification compares the stream with the tables, one comparison at a time.
type verification struct {
	mu   sync.Mutex
	last verifyState
	done chan struct{}
}

// verifyState is a comparison in progress, or what the last one came to.
type verifyState struct {
	Running  bool       `json:"running"`
	Records  int64      `json:"records"`
	Started  *time.Time `json:"started,omitzero"`
	Ended    *time.Time `json:"ended,omitzero"`
	Clean    bool       `json:"clean"`
	Failed   string     `json:"failed,omitzero"`
	Compared uint64     `json:"compared"` // up to this stream sequence
	Waiting  uint64     `json:"waiting"`
	Tables   int        `json:"tables"`
	Differs  []string   `json:"differs,omitempty"`
}

func (v *verification) state() verifyState {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// wait returns when no comparison is in progress.
func (v *verification) wait() {
	v.mu.Lock()
	done := v.done
	v.mu.Unlock()
	if done != nil {
		<-done
	}
}

func startVerify(ctx context.Context, rq *request) error {
	if !rq.scope.all() {
		return failf(http.StatusForbidden, "a token that is for some tenants only cannot compare the whole stream")
	}
	if rq.s.verify.start(rq.s, rq.labelOf) {
		rq.audit(ctx, "verify-started", schemas.StreamM365.Name, "", "")
	}
	return rq.see(rq.link("/streams") + "#verify")
}

func (v *verification) start(s *Server, label func(string) string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.last.Running {
		return false
	}
	began := s.now().UTC()
	v.last, v.done = verifyState{Running: true, Started: &began}, make(chan struct{})
	go func() {
		defer close(v.done)
		found, err := s.deps.Consumer.Verify(s.background(), consumer.VerifyOptions{Progress: func(n int) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.last.Records += int64(n)
		}})
		v.mu.Lock()
		defer v.mu.Unlock()
		ended := s.now().UTC()
		v.last.Running, v.last.Ended = false, &ended
		if err != nil {
			v.last.Failed = output.Line(err.Error())
			return
		}
		v.last.Clean, v.last.Compared, v.last.Waiting, v.last.Tables = found.Clean(), found.To, found.Waiting, len(found.Findings)
		for _, f := range found.Findings {
			if f.Differs() {
				v.last.Differs = append(v.last.Differs, fmt.Sprintf("%s, %s %s: %d missing, %d different, %d extra", label(f.Tenant), f.Table, f.Day, f.Missing, f.Different, f.Extra))
			}
		}
		for _, e := range found.Evidence {
			if e.Differs {
				v.last.Differs = append(v.last.Differs, fmt.Sprintf("%s, %s: Graph listed %d, the stream has %d. %s", label(e.Tenant), e.Feed, e.Listed, e.Live, e.Note))
			}
		}
	}()
	return true
}
