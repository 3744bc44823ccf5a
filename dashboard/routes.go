package dashboard

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// route is one address. The table of them makes the server and the OpenAPI document.
type route struct {
	method, path string
	need         Role
	// of the API alone: what it does, the schema of what it answers, its parameters
	summary string
	answers string
	params  []apiParam
	do      func(context.Context, *request) error
	bare    bool // without tenants and moment: no question is asked for it
}

func (rt *route) api() bool { return strings.HasPrefix(rt.path, "/api/") }

func (s *Server) routes() []route {
	return append(s.apiRoutes(),
		route{method: "GET", path: "/{$}", need: Viewer, do: overviewPage},
		route{method: "GET", path: "/tenant", need: Viewer, do: tenantPage},
		route{method: "GET", path: "/people", need: Viewer, do: peoplePage},
		route{method: "GET", path: "/people/{user}", need: Viewer, do: personPage},
		route{method: "GET", path: "/recommendations", need: Viewer, do: recommendationsPage},
		route{method: "POST", path: "/recommendations", need: Manager, do: recordRecommendations},
		route{method: "GET", path: "/exclusions/new", need: Manager, do: exclusionPage},
		route{method: "POST", path: "/exclusions", need: Manager, do: addExclusion},
		route{method: "POST", path: "/exclusions/{id}/remove", need: Manager, do: removeExclusion},
		route{method: "GET", path: "/questions", need: Viewer, do: questionsPage},
		route{method: "GET", path: "/questions/{name}", need: Viewer, do: questionPage},
		route{method: "GET", path: "/connectors", need: Viewer, do: connectorsPage},
		route{method: "GET", path: "/connectors/new", need: Admin, do: newConnectorPage},
		route{method: "POST", path: "/connectors", need: Admin, do: addConnector},
		route{method: "GET", path: "/connectors/{name}", need: Viewer, do: connectorPage},
		route{method: "GET", path: "/connectors/{name}/events", need: Viewer, do: connectorEvents},
		route{method: "POST", path: "/connectors/{name}/check", need: Manager, do: checkConnector},
		route{method: "POST", path: "/connectors/{name}/run", need: Manager, do: runConnector},
		route{method: "POST", path: "/connectors/{name}/pause", need: Admin, do: pauseConnector(true)},
		route{method: "POST", path: "/connectors/{name}/resume", need: Admin, do: pauseConnector(false)},
		route{method: "GET", path: "/connectors/{name}/remove", need: Admin, do: removePage},
		route{method: "POST", path: "/connectors/{name}/remove", need: Admin, do: removeConnector},
		route{method: "GET", path: "/streams", need: Viewer, do: streamsPage},
		route{method: "POST", path: "/streams/requeue", need: Manager, do: requeue},
		route{method: "POST", path: "/streams/verify", need: Admin, do: startVerify},
	)
}

// Handler is everything that is served.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		mux.Handle(rt.method+" "+rt.path, s.handle(rt))
	}
	mux.HandleFunc("GET /signin", s.signInPage)
	mux.HandleFunc("POST /signin", s.signIn)
	mux.HandleFunc("POST /signout", s.signOut)
	assets, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	files := http.StripPrefix("/assets/", http.FileServerFS(assets))
	mux.HandleFunc("GET /assets/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/assets/icon.svg", http.StatusMovedPermanently)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.Handle("/", s.handle(route{need: Viewer, do: func(_ context.Context, rq *request) error {
		return failf(http.StatusNotFound, "there is no page %s", rq.r.URL.Path)
	}}))
	return s.guard(http.NewCrossOriginProtection().Handler(mux))
}

// policy lets nothing run or load that does not come from this server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard sets what holds for every answer and refuses names of hosts that are not ours.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.hostAllowed(r) {
			http.Error(w, "without tokens this page is for this machine alone: use http://127.0.0.1", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		next.ServeHTTP(w, r)
	})
}

// handle lets in who may, and answers failures in words.
func (s *Server) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sc := s.identify(r)
		if sc == nil {
			if rt.api() {
				w.Header().Set("WWW-Authenticate", `Bearer realm="seatstream"`)
				apiError(w, http.StatusUnauthorized, errors.New("give a token: Authorization: Bearer TOKEN"))
				return
			}
			http.Redirect(w, r, "/signin?next="+escapeQuery(r.URL.RequestURI()), http.StatusSeeOther) //nolint:gosec // a page of this server, whatever the value
			return
		}
		rq := &request{s: s, w: w, r: r, scope: *sc}
		err := rq.serve(rt)
		if err == nil || r.Context().Err() != nil {
			return
		}
		status := http.StatusInternalServerError
		if f := (*failure)(nil); errors.As(err, &f) {
			status = f.status
		} else {
			s.log.Error().Err(err).Str("path", r.URL.Path).Msg("page failed")
		}
		if rt.api() {
			apiError(w, status, err)
			return
		}
		rq.failed(status, err)
	})
}

func (rq *request) serve(rt route) error {
	if !rq.scope.May(rt.need) {
		return failf(http.StatusForbidden, "this needs the role %s; %s has the role %s", rt.need, rq.scope.Name, rq.scope.Role)
	}
	ctx := rq.r.Context()
	if !rt.bare {
		if err := rq.prepare(ctx); err != nil {
			return err
		}
	}
	return rt.do(ctx, rq)
}

// see sends the browser to a page after an act.
func (rq *request) see(address string) error {
	http.Redirect(rq.w, rq.r, address, http.StatusSeeOther)
	return nil
}

// show renders a page: whole, or not at all.
func (rq *request) show(status int, name string, v view) error {
	v.rq = rq
	var b bytes.Buffer
	if err := rq.s.pages.render(&b, name, &v); err != nil {
		return err
	}
	rq.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	rq.w.WriteHeader(status)
	_, _ = rq.w.Write(b.Bytes()) // the reader may be gone
	return nil
}

// failed is the page of what did not work.
func (rq *request) failed(status int, err error) {
	title := "This did not work"
	switch status {
	case http.StatusNotFound:
		title = "Not found"
	case http.StatusForbidden:
		title = "Not allowed"
	case http.StatusBadRequest:
		title = "That cannot be asked"
	}
	if e := rq.show(status, "failed.html", view{Title: title, Body: err.Error()}); e != nil {
		rq.s.log.Error().Err(e).Msg("page of a failure failed")
		http.Error(rq.w, title, status)
	}
}
