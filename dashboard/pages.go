package dashboard

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/seatstream/seatstream/internal/output"
)

//go:embed templates
var templateFiles embed.FS

// pages are the templates by file name, each with the layout around it.
type pages map[string]*template.Template

// view is what a template gets.
type view struct {
	Title string
	Nav   string // the entry of the navigation that is this page
	Body  any
	Bands []string // what is not whole, and since when
	Done  string   // what an act came to
	Wide  bool
	rq    *request
}

func parsePages() pages {
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	out := pages{}
	for _, f := range files {
		if name := f.Name(); name != "layout.html" && name != "parts.html" {
			t := template.New("layout.html").Funcs(functions)
			out[name] = template.Must(t.ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", path.Join("templates", name)))
		}
	}
	return out
}

func (p pages) render(w io.Writer, name string, v *view) error {
	if err := p[name].Execute(w, v); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	return nil
}

var functions = template.FuncMap{
	"count": count[int64], "line": output.Line, "moment": moment, "day": day, "stateClass": stateClass, "join": strings.Join,
	"states": func() []string { return states },
	"num":    func(f float64) string { return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".") },
	"pair":   func(k string, v any) map[string]any { return map[string]any{"Key": k, "Value": v} },
}

// Link is an address of the same tenant and moment.
func (v *view) Link(to string, pairs ...string) string { return v.rq.link(to, pairs...) }

// Here is this page with other values.
func (v *view) Here(pairs ...string) string { return v.rq.here(pairs...) }

// Query is a value of the address.
func (v *view) Query(name string) string { return v.rq.query.Get(name) }

// Tenants are the tenants to choose from.
func (v *view) Tenants() []tenant { return v.rq.tenants }

// Tenant is the one chosen, nil for all.
func (v *view) Tenant() *tenant { return v.rq.tenant }

// AsOf is the moment of the address, empty for now.
func (v *view) AsOf() string { return v.rq.asOf }

// AsOfDay is the day of the moment.
func (v *view) AsOfDay() string { return v.rq.asOf[:min(len(v.rq.asOf), len(time.DateOnly))] }

// Today is the last day that can be chosen.
func (v *view) Today() string { return v.rq.s.now().UTC().Format(time.DateOnly) }

// At says the moment in words.
func (v *view) At() string {
	if v.rq.asOf == "" {
		return "now, " + v.rq.s.now().UTC().Format("2006-01-02 15:04 UTC")
	}
	if len(v.rq.asOf) == len(time.DateOnly) {
		return "the end of " + v.rq.asOf + ", " + dayAge(v.rq.at(), v.rq.s.now())
	}
	return v.rq.asOf + " UTC, " + age(v.rq.at(), v.rq.s.now())
}

// Age is how long before the moment of the page something was.
func (v *view) Age(t *time.Time) string {
	if t == nil {
		return ""
	}
	return age(*t, v.rq.at())
}

// May reports whether whoever sees the page may do what needs a role.
func (v *view) May(role string) bool { return v.rq.scope.May(ParseRole(role)) }

// Who is signed in; empty where there are no tokens.
func (v *view) Who() string {
	if len(v.rq.s.cfg.Tokens) == 0 {
		return ""
	}
	return v.rq.scope.Name + ", " + v.rq.scope.Role.String()
}

// Path is the page's own address without values.
func (v *view) Path() string { return v.rq.r.URL.Path }

// Kept are the values of the address that the form of tenant and moment keeps.
func (v *view) Kept() []map[string]any {
	var out []map[string]any
	for k, values := range v.rq.query {
		if k == "tenant" || k == "as_of" || k == "page" {
			continue
		}
		for _, value := range values {
			out = append(out, functions["pair"].(func(string, any) map[string]any)(k, value))
		}
	}
	return out
}

// Version is the program's.
func (v *view) Version() string { return v.rq.s.cfg.Version }

func escapeQuery(s string) string { return url.QueryEscape(s) }

// signInPage asks for the token.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request) { s.askToken(w, r, "") }

func (s *Server) askToken(w http.ResponseWriter, r *http.Request, problem string) {
	rq := &request{s: s, w: w, r: r, query: r.URL.Query(), scope: scope{Name: "nobody"}}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnauthorized
	}
	if err := rq.show(status, "signin.html", view{Title: "Sign in", Nav: "signin", Body: map[string]string{"Next": next(r.FormValue("next")), "Problem": problem}}); err != nil {
		s.log.Error().Err(err).Msg("sign-in page failed")
	}
}

// next is where to go after signing in: a page of this server and nowhere else.
func next(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\r\n\t") {
		return "/"
	}
	return address
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	t := s.tokenOf(strings.TrimSpace(r.PostFormValue("token")))
	if t == nil {
		s.log.Warn().Str("from", r.RemoteAddr).Msg("sign-in with an unknown token")
		s.askToken(w, r, "No token of the configuration is this one.")
		return
	}
	s.log.Info().Str("who", t.Name).Str("from", r.RemoteAddr).Msg("signed in")
	http.SetCookie(w, s.session(t, r.TLS != nil))
	http.Redirect(w, r, next(r.PostFormValue("next")), http.StatusSeeOther) //nolint:gosec // next leads to this server alone
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil}) //nolint:gosec // as it was set
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}
