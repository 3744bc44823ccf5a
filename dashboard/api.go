package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/seatstream/seatstream/internal/output"
	"github.com/seatstream/seatstream/schemas"
)

// apiParam is a parameter of an address of the API.
type apiParam struct {
	Name, In, Doc string
	Enum          []string
}

func (s *Server) apiRoutes() []route {
	name := apiParam{Name: "name", In: "path", Doc: "name of the connector"}
	return []route{
		{method: "GET", path: "/api/v1/openapi.json", need: Viewer, bare: true, summary: "This document", answers: "Document", do: openAPI},
		{method: "GET", path: "/api/v1/queries", need: Viewer, bare: true, summary: "The questions that can be asked", answers: "Questions", do: apiQueries},
		{method: "GET", path: "/api/v1/queries/{query}", need: Viewer, do: apiQuery},
		{method: "GET", path: "/api/v1/queries/{query}/evidence", need: Viewer, do: apiEvidence},
		{method: "GET", path: "/api/v1/changes", need: Viewer, summary: "How the large figures of the overview moved over 30 days, in words", answers: "Texts", params: []apiParam{tenantParam, asOfParam}, do: changes},
		{method: "GET", path: "/api/v1/connectors", need: Viewer, summary: "The connectors and what their last run came to", answers: "Connectors", do: apiConnectors},
		{method: "GET", path: "/api/v1/connectors/{name}", need: Viewer, summary: "One connector", answers: "Connector", params: []apiParam{name}, do: apiConnector},
		{method: "POST", path: "/api/v1/connectors/{name}/run", need: Manager, summary: "Run a connector now", answers: "Command", params: []apiParam{name}, do: apiRun},
		{method: "POST", path: "/api/v1/connectors/{name}/check", need: Manager, summary: "Try out sign-in, permissions and every feed", answers: "Verdict", params: []apiParam{name}, do: apiCheck},
		{method: "GET", path: "/api/v1/streams", need: Viewer, bare: true, summary: "The streams, and how far the tables are behind", answers: "Streams", do: apiStreams},
		{method: "GET", path: "/api/v1/verify", need: Viewer, bare: true, summary: "The comparison of stream and tables in progress, or the last one", answers: "Verification", do: apiVerify},
	}
}

var (
	tenantParam = apiParam{Name: "tenant", In: "query", Doc: "one tenant: connector name, domain or directory id; left out: all that may be seen"}
	asOfParam   = apiParam{Name: "as_of", In: "query", Doc: "a day, for its end, or a moment in UTC; left out: now"}
	viewParams  = []apiParam{
		{Name: "format", In: "query", Doc: "the form of the answer", Enum: []string{"json", "csv", "xlsx", "parquet"}},
		{Name: "sort", In: "query", Doc: "a column to sort by, with - before it downwards"},
		{Name: "where", In: "query", Doc: "column:value keeps the rows that have it; may be given again"},
		{Name: "search", In: "query", Doc: "a part of a name or principal name, where the answer is about people"},
		{Name: "limit", In: "query", Doc: "how many rows; left out: all"},
		{Name: "offset", In: "query", Doc: "how many rows come before them"},
	}
)

func (rq *request) json(status int, v any) error {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	rq.w.Header().Set("Content-Type", "application/json")
	rq.w.WriteHeader(status)
	_, _ = rq.w.Write(append(body, '\n')) // the reader may be gone
	return nil
}

func apiError(w http.ResponseWriter, status int, err error) {
	text := err.Error()
	body, merr := json.Marshal(map[string]string{"error": text})
	if merr != nil {
		body = []byte(`{"error":"unknown"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the reader may be gone
}

// questionInfo is a question as the API lists it.
type questionInfo struct {
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Definition string      `json:"definition"`
	Feeds      []string    `json:"feeds"`
	Params     []paramInfo `json:"params"`
}

type paramInfo struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Default string `json:"default"`
	Doc     string `json:"doc"`
}

func apiQueries(_ context.Context, rq *request) error {
	all := []questionInfo{}
	for _, q := range schemas.Queries() {
		if q.Internal {
			continue
		}
		info := questionInfo{q.Name, q.Title, q.Definition, q.Feeds, []paramInfo{}}
		for _, p := range q.Params {
			info.Params = append(info.Params, paramInfo{p.Name, p.Type, strings.Trim(p.Default, "'"), p.Doc})
		}
		all = append(all, info)
	}
	return rq.json(http.StatusOK, all)
}

var contentTypes = map[output.Format]string{
	output.FormatJSON: "application/json", output.FormatCSV: "text/csv; charset=utf-8",
	output.FormatXLSX:    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	output.FormatParquet: "application/vnd.apache.parquet",
}

// apiQuery answers a question as the command line does with -o.
func apiQuery(ctx context.Context, rq *request) error {
	q, err := schemas.QueryNamed(rq.r.PathValue("query"))
	if err != nil {
		return &failure{http.StatusNotFound, err}
	}
	format := output.FormatJSON
	if f := rq.query.Get("format"); f != "" {
		if format, err = output.ParseFormat(f); err != nil || contentTypes[format] == "" {
			return failf(http.StatusBadRequest, "format %q: one of json, csv, xlsx, parquet", f)
		}
	}
	values, v, err := rq.choices(q)
	if err != nil {
		return err
	}
	for name, to := range map[string]*int{"limit": &v.Limit, "offset": &v.Offset} {
		if text := rq.query.Get(name); text != "" {
			if *to, err = strconv.Atoi(text); err != nil || *to < 0 {
				return failf(http.StatusBadRequest, "%s %q: want a whole number", name, text)
			}
		}
	}
	w := &late{rq: rq, name: q.Name, format: format}
	_, err = rq.into(ctx, q, values, v, output.NewWriter(w, format, output.Options{}))
	if err != nil && w.begun {
		rq.s.log.Error().Err(err).Str("query", q.Name).Msg("answer broke off")
		panic(http.ErrAbortHandler) // so that whoever reads sees that it is not whole
	}
	return err
}

// late sends the headers with the first byte: until then a failure can still be said.
type late struct {
	rq     *request
	name   string
	format output.Format
	begun  bool
}

func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		h := l.rq.w.Header()
		h.Set("Content-Type", contentTypes[l.format])
		if l.format != output.FormatJSON {
			h.Set("Content-Disposition", `attachment; filename="`+l.name+"."+string(l.format)+`"`)
		}
	}
	return l.rq.w.Write(b)
}

func apiEvidence(ctx context.Context, rq *request) error {
	q, err := schemas.QueryNamed(rq.r.PathValue("query"))
	if err != nil {
		return &failure{http.StatusNotFound, err}
	}
	w := &late{rq: rq, name: q.Name, format: output.FormatJSON}
	if err := rq.evidenceInto(ctx, q, output.NewWriter(w, output.FormatJSON, output.Options{})); err != nil || w.begun {
		return err
	}
	return rq.json(http.StatusOK, []string{}) // it rests on no feed
}

// machinery refuses what is about all tenants to whoever may see some.
func (rq *request) machinery() error {
	if !rq.scope.all() {
		return failf(http.StatusForbidden, "a token that is for some tenants only does not see the streams, which hold all")
	}
	return nil
}

func apiStreams(ctx context.Context, rq *request) error {
	if err := rq.machinery(); err != nil {
		return err
	}
	st, err := rq.s.streams(ctx)
	if err != nil {
		return err
	}
	return rq.json(http.StatusOK, st)
}

func apiVerify(_ context.Context, rq *request) error {
	if err := rq.machinery(); err != nil {
		return err
	}
	return rq.json(http.StatusOK, rq.s.verify.state())
}
