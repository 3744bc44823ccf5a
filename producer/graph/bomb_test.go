package graph

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

// bomb is a gigabyte of one byte behind a head, as gzip: a megabyte on the wire. Members of
// a gzip text follow one another, so one is made and repeated.
func bomb(t *testing.T, head string, fill byte) []byte {
	t.Helper()
	pack := func(text []byte) []byte {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	const member = 16 << 20
	return append(pack([]byte(head)), bytes.Repeat(pack(bytes.Repeat([]byte{fill}, member)), gigabyte/member)...)
}

// TestGzipBombIsRefused lets every answer that a client reads expand to a gigabyte: it is
// refused, and memory stays within what one page may need. It measures the heap, so it is
// not parallel.
func TestGzipBombIsRefused(t *testing.T) { //nolint:paralleltest // measures the heap
	spec, err := schemas.ReportNamed(report)
	if err != nil {
		t.Fatal(err)
	}
	users := func(c *Client) error {
		return c.Users(context.Background(), func(Page[schemas.User]) error { return nil })
	}
	rows := 0
	reading := func(c *Client) error {
		_, err := c.Report(context.Background(), spec, ReportArg{}, testDigest, func(r []schemas.Report) error {
			rows += len(r)
			return nil
		})
		return err
	}
	for name, tc := range map[string]struct {
		head   string
		fill   byte
		status int
		part   string // of the address that answers so
		read   func(*Client) error
		kind   Kind
		said   string
	}{
		"page":                 {`{"value":[`, ' ', 200, "/users", users, BadBody, "larger than the limit"},
		"string of a page":     {`{"value":[{"id":"`, 'x', 200, "/users", users, BadBody, "larger than the limit"},
		"error":                {`{"error":{"code":"`, 'x', 403, "/users", users, Permission, ""},
		"cell of a report":     {"Report Refresh Date,User Principal Name\n2026-01-01,\"", 'x', 200, "/download", reading, BadBody, ""},
		"answer to a report":   {"Report Refresh Date,User Principal Name\n2026-01-01,", 'x', 200, "/reports/", reading, BadBody, "larger than the limit"},
		"answer to a sign-in":  {`{"token_type":"Bearer","access_token":"`, 'x', 200, "/token", users, SignIn, ""},
		"refusal of a sign-in": {`{"error":"`, 'x', 401, "/token", users, SignIn, ""},
	} {
		text := bomb(t, tc.head, tc.fill)
		explode := func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(tc.status)
			_, _ = w.Write(text) // the reader leaves
		}
		var f *fake
		f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.Contains(r.URL.Path, tc.part):
				explode(w)
			case strings.Contains(r.URL.Path, "/reports/"):
				w.Header().Set("Location", f.srv.URL+"/download/x")
				w.WriteHeader(http.StatusFound)
			}
		})
		if tc.part == "/token" {
			f.signIn = func(w http.ResponseWriter, _ *http.Request) { explode(w) }
		}
		rows = 0
		c := f.client()
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := tc.read(c)
		runtime.ReadMemStats(&after)
		if e := wantKind(t, err, tc.kind); !strings.Contains(e.Message, tc.said) || len(e.Message) > 1000 || rows != 0 {
			t.Errorf("%s: %d rows, %+v", name, rows, e)
		}
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 6*maxPage {
			t.Errorf("%s: the heap grew by %d MB", name, grown>>20)
		}
		t.Logf("%s: %d bytes sent, heap %d MB more", name, len(text), (int64(after.HeapSys)-int64(before.HeapSys))>>20)
	}
}
