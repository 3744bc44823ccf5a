package dashboard

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPagesFit shows every template in a browser, with a name of 300 letters and with a
// harmless one: without any server beside, so that it is quick.
func TestPagesFit(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	for kind, name := range map[string]string{"short": "Contoso <i>Ltd</i>", "long": strings.Repeat("w", 300)} {
		for page, text := range rendered(t, name) {
			pages["/"+kind+"/"+page] = text
		}
	}
	assets, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		text, ok := pages[r.URL.Path]
		switch {
		case ok:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(text))
		case strings.HasSuffix(r.URL.Path, "/events"):
			w.Header().Set("Content-Type", "text/event-stream")
		default: // what the script asks for
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"streams":[],"waiting":0,"age_seconds":0,"health":"keeping up","at":"2026-01-01T00:00:00Z"}`))
		}
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	b := openTab(t, srv.URL)
	for path := range pages {
		t.Run(strings.Trim(path, "/"), func(t *testing.T) {
			b.t = t
			b.open(path)
			b.fits(path)
			if strings.HasPrefix(path, "/short") {
				b.accessible(path)
			}
			b.quiet(path)
		})
	}
	b.t = t
}
