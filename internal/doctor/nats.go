package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seatstream/seatstream/schemas"
)

func natsChecks(ctx context.Context, s Subject) ([]Check, error) {
	js, err := jetstream.New(s.NATS)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	checks := []Check{natsVersion(s.NATS.ConnectedServerVersion()), syncInterval(ctx, s)}
	for _, spec := range schemas.StreamSpecs {
		asked := time.Now()
		stream, err := js.Stream(ctx, spec.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			checks = append(checks, Check{
				Part: spec.Name, Name: "stream", Found: "missing", Wanted: "there", Status: Fail,
				Why: "records have no place", Remedy: "start seatstream up, producer or consumer: each makes the streams",
			})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at stream %s: %w", spec.Name, err)
		}
		info := stream.CachedInfo()
		checks = append(checks, streamChecks(spec, info)...)
		if spec.Name == schemas.StreamM365.Name {
			checks = append(checks, clock("NATS", asked, time.Now(), info.TimeStamp), consumerCheck(ctx, stream))
		}
	}
	return append(checks, storage(ctx, js)), nil
}

// wantNATS has message scheduling and atomic batches.
var wantNATS = [2]int{2, 14}

func natsVersion(version string) Check {
	return judge(Check{
		Part: "NATS", Name: "version", Found: version, Wanted: fmt.Sprintf("%d.%d or later", wantNATS[0], wantNATS[1]),
		Why: "atomic batches and message schedules", Remedy: "update nats-server",
	}, atLeast(version, wantNATS), Fail)
}

func atLeast(version string, want [2]int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (major > want[0] || major == want[0] && minor >= want[1])
}

// varz is what the server says of itself, as far as it matters here.
type varz struct {
	JetStream struct {
		Config *struct {
			SyncAlways   bool  `json:"sync_always"`
			SyncInterval int64 `json:"sync_interval"` // nanoseconds
		} `json:"config"`
	} `json:"jetstream"`
}

// syncInterval looks whether what is acknowledged is on disk. A server tells that by its
// monitoring or to its system account only.
func syncInterval(ctx context.Context, s Subject) Check {
	c := Check{
		Part: "NATS", Name: "sync_interval", Wanted: "always",
		Why: "with the default of two minutes a power cut loses what was acknowledged since",
	}
	if s.EmbeddedNATS {
		c.Found, c.Status = "always (embedded server)", OK
		return c
	}
	v, err := readVarz(ctx, s)
	if err != nil || v.JetStream.Config == nil {
		c.Found, c.Status = "the server does not tell this user", Unseen
		if s.Monitor != "" && err != nil {
			c.Found = err.Error()
		}
		c.Remedy = "give --monitor http://host:8222, or look yourself: jetstream { sync_interval: always } in nats-server's configuration"
		return c
	}
	c.Found = time.Duration(v.JetStream.Config.SyncInterval).String()
	if v.JetStream.Config.SyncAlways {
		c.Found = "always"
	}
	c.Remedy = "set jetstream { sync_interval: always } on every server and restart them one by one"
	return judge(c, v.JetStream.Config.SyncAlways, Fail)
}

func readVarz(ctx context.Context, s Subject) (v varz, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if s.Monitor != "" {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.Monitor, "/")+"/varz", nil)
		if err != nil {
			return v, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return v, err
		}
		defer resp.Body.Close()
		return v, json.UnmarshalRead(http.MaxBytesReader(nil, resp.Body, 1<<20), &v)
	}
	msg, err := s.NATS.RequestWithContext(ctx, "$SYS.REQ.SERVER.PING.VARZ", nil)
	if err != nil {
		return v, err
	}
	var answer struct {
		Data varz `json:"data"`
	}
	err = json.Unmarshal(msg.Data, &answer)
	return answer.Data, err
}

// streamChecks compares a stream with its specification. What its operator may choose,
// such as replicas and what history is kept, is judged by what it means.
func streamChecks(spec schemas.StreamSpec, info *jetstream.StreamInfo) []Check {
	cfg := info.Config
	retention := jetstream.LimitsPolicy
	if spec.WorkQueue {
		retention = jetstream.WorkQueuePolicy
	}
	drift := judge(Check{
		Part: spec.Name, Name: "settings",
		Found:  fmt.Sprintf("%s, %s, batches %t, direct %t, schedules %t", cfg.Storage, cfg.Retention, cfg.AllowAtomicPublish, cfg.AllowDirect, cfg.AllowMsgSchedules),
		Wanted: fmt.Sprintf("%s, %s, batches %t, direct %t, schedules %t", jetstream.FileStorage, retention, spec.Atomic, spec.Direct, spec.Schedules),
		Why:    "producer and consumer rely on them", Remedy: "restart seatstream, which sets what can be changed; storage and retention cannot: move the records to a new stream",
	}, cfg.Storage == jetstream.FileStorage && cfg.Retention == retention && cfg.AllowDirect == spec.Direct &&
		(cfg.AllowAtomicPublish || !spec.Atomic) && (cfg.AllowMsgSchedules || !spec.Schedules), Fail)
	window := judge(Check{
		Part: spec.Name, Name: "duplicate window", Found: cfg.Duplicates.String(), Wanted: "at least " + spec.Duplicates.String(),
		Why: "a publish whose answer was lost is sent again within it", Remedy: "nats stream edit " + spec.Name + " --dupe-window 2m",
	}, cfg.Duplicates >= spec.Duplicates, Fail)
	replicas := judge(Check{
		Part: spec.Name, Name: "replicas", Found: strconv.Itoa(cfg.Replicas), Wanted: "3 on a cluster, 1 on a single server",
		Why: "one copy goes with its disk", Remedy: "nats stream edit " + spec.Name + " --replicas 3",
	}, cfg.Replicas >= 3 || info.Cluster == nil || info.Cluster.Name == "", Warn)
	if spec.WorkQueue {
		return []Check{drift, window, replicas}
	}
	return []Check{drift, window, replicas, limits(spec, cfg), deletable(spec, cfg)}
}

// limits: an age, or a size with the oldest discarded, removes the last record of an
// entity that has long not changed, and with it the complete state.
func limits(spec schemas.StreamSpec, cfg jetstream.StreamConfig) Check {
	discards := (cfg.MaxMsgs > 0 || cfg.MaxBytes > 0) && cfg.Discard == jetstream.DiscardOld
	return judge(Check{
		Part: spec.Name, Name: "limits",
		Found:  fmt.Sprintf("age %s, messages %d, bytes %d, discard %s, per subject %d", cfg.MaxAge, cfg.MaxMsgs, cfg.MaxBytes, cfg.Discard, cfg.MaxMsgsPerSubject),
		Wanted: "no age; a size only with discard new; history by messages per subject",
		Why:    "the last record of every entity must survive, or a replay does not give the whole state",
		Remedy: "nats stream edit " + spec.Name + " --max-age 0 --discard new",
	}, cfg.MaxAge == 0 && !discards, Fail)
}

func deletable(spec schemas.StreamSpec, cfg jetstream.StreamConfig) Check {
	return judge(Check{
		Part: spec.Name, Name: "deletion", Found: fmt.Sprintf("denied: %t", cfg.DenyDelete), Wanted: "allowed",
		Why: "dead letters are removed once stored, and people can ask to be forgotten", Remedy: "deny_delete cannot be taken back: move the records to a new stream",
	}, !cfg.DenyDelete, Warn)
}

func consumerCheck(ctx context.Context, stream jetstream.Stream) Check {
	c := Check{
		Part: schemas.StreamM365.Name, Name: "consumer " + schemas.ConsumerName, Wanted: "ack all, no end of deliveries, any number pending",
		Why: "a record that is given up is lost to the tables", Remedy: "restart the consumer, which sets them",
	}
	cons, err := stream.Consumer(ctx, schemas.ConsumerName)
	if err != nil {
		c.Found, c.Status = "not there: "+err.Error(), Warn
		c.Remedy = "start seatstream up or consumer"
		return c
	}
	info := cons.CachedInfo()
	cfg := info.Config
	c.Found = fmt.Sprintf("ack %s, deliveries %d, pending %d; %d records not stored yet", cfg.AckPolicy, cfg.MaxDeliver, cfg.MaxAckPending, info.NumPending+uint64(info.NumAckPending))
	return judge(c, cfg.AckPolicy == jetstream.AckAllPolicy && cfg.MaxDeliver == -1 && cfg.MaxAckPending == -1, Fail)
}

// storage looks how much of what the account may store is used.
func storage(ctx context.Context, js jetstream.JetStream) Check {
	c := Check{
		Part: "NATS", Name: "storage", Wanted: "less than 80 % of the account's limit used", Why: "a full stream stops every producer",
		Remedy: "give the account more, or keep less history (nats.history)",
	}
	info, err := js.AccountInfo(ctx)
	if err != nil {
		c.Found, c.Status = err.Error(), Unseen
		return c
	}
	if info.Limits.MaxStore <= 0 {
		c.Found = fmt.Sprintf("%d MB used, no limit of the account: the server's own applies", info.Store>>20)
		c.Status, c.Remedy = OK, ""
		return c
	}
	c.Found = fmt.Sprintf("%d of %d MB used", info.Store>>20, info.Limits.MaxStore>>20)
	return judge(c, float64(info.Store) < 0.8*float64(info.Limits.MaxStore), Warn)
}
