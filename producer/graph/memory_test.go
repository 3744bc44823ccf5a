package graph

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

// endless gives head and then the same byte for a gigabyte, and counts what was taken.
type endless struct {
	head  io.Reader
	fill  byte
	taken int64
}

// answering is a network that gives one answer.
type answering func() *http.Response

func (f answering) RoundTrip(*http.Request) (*http.Response, error) { return f(), nil }

const gigabyte = 1 << 30

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.head.Read(p); n > 0 || !errors.Is(err, io.EOF) {
		e.taken += int64(n)
		return n, err
	}
	if e.taken >= gigabyte {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = e.fill
	}
	e.taken += int64(len(p))
	return len(p), nil
}

// TestGigabyteIsRefused feeds a cell and a JSON string of a gigabyte: neither is taken, and
// memory stays within what one record may need. It measures the heap, so it is not parallel.
func TestGigabyteIsRefused(t *testing.T) { //nolint:paralleltest // measures the heap
	spec, err := schemas.ReportNamed(report)
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() error{
		"cell": func() error {
			in := &endless{head: strings.NewReader("Report Refresh Date,User Principal Name\n2026-01-01,\""), fill: 'x'}
			rows, _, err := readRows(spec, in, 2)
			if len(rows) > 0 {
				return nil
			}
			return err
		},
		"JSON string": func() error {
			in := &endless{head: strings.NewReader(`{"value":[{"id":"`), fill: 'x'}
			resp, err := (&retrier{}).watched(answering(func() *http.Response {
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(in)}
			}), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.microsoft.com/v1.0/users", nil), http.Header{}, maxPage)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var d pageDecoder[schemas.User]
			_, _, err = d.decode(resp.Body, pageOptions)
			if in.taken > 2*maxPage {
				t.Errorf("%d bytes read before it was refused", in.taken)
			}
			return err
		},
	} {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := read()
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s of a gigabyte: taken", name)
		}
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 4*maxPage {
			t.Errorf("%s of a gigabyte: the heap grew by %d MB", name, grown>>20)
		}
	}
}
