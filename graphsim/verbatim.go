package graphsim

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// texts are report functions that answer with a text of the caller's, and the requests
// for reports as they came.
type texts struct {
	mu    sync.Mutex
	body  map[string][]byte
	asked map[string][]string
}

// Verbatim makes a report function answer every tenant and every argument with a text: a
// function that is not simulated, columns in another order, rows that are issued again.
// path is the function's below the version, such as /reports/getTeamsUserActivityUserDetail.
// Nil brings back what is simulated.
func (s *Server) Verbatim(path string, text []byte) {
	s.texts.mu.Lock()
	defer s.texts.mu.Unlock()
	if s.texts.body == nil {
		s.texts.body = map[string][]byte{}
	}
	if s.texts.body[path] = text; text == nil {
		delete(s.texts.body, path)
	}
}

// Asked lists how a report function was asked for: version, path and argument, in order.
func (s *Server) Asked(path string) []string {
	s.texts.mu.Lock()
	defer s.texts.mu.Unlock()
	return slices.Clone(s.texts.asked[path])
}

func (x *texts) note(path, request string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.asked == nil {
		x.asked = map[string][]string{}
	}
	x.asked[path] = append(x.asked[path], request)
}

func (x *texts) of(path string) ([]byte, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	text, ok := x.body[path]
	return text, ok
}

// serveVerbatim answers 302 with the address of the text.
func serveVerbatim(c *call, folder, name string) {
	if !c.allowReports(roleReports) {
		return
	}
	t := ticket{Tenant: c.t.info.ID, Report: name, Folder: folder, Expires: time.Now().Add(downloadLife)}
	c.w.Header().Set("Location", c.s.url+"/download/"+t.seal())
	c.w.WriteHeader(http.StatusFound)
}
