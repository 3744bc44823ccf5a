package graph

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seatstream/seatstream/schemas"
)

// Whatever a page holds, the decoder ends, and what it takes is whole JSON.
func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"value":[` + oneUser + `],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?x"}`))
	f.Add([]byte(`{"@odata.nextLink":null,"value":[]}`))
	f.Add([]byte(`{"value":[{"id":"1","a":{"b":[1e999,"\ud800"]}}]} `))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var d pageDecoder[schemas.User]
		for range 2 { // the second time into used memory
			items, _, err := d.decode(bytes.NewReader(body), pageOptions)
			if err != nil {
				if e := bodyError(err, nil); e.Kind != BadBody || len(e.Error()) > 1000 {
					t.Fatalf("error %v", e)
				}
				return
			}
			var page struct {
				Value []jsontext.Value `json:"value"`
			}
			if err := json.Unmarshal(body, &page, pageOptions); err != nil {
				t.Fatalf("taken, but %v", err)
			}
			if len(page.Value) != len(items) {
				t.Fatalf("%d items of %d", len(items), len(page.Value))
			}
		}
		var m pageDecoder[schemas.Member]
		_, _, _ = m.decode(bytes.NewReader(body), memberOptions)
	})
}

// Whatever a report holds, the reader ends, in bounded memory, with records that are
// whole JSON under names that occur once.
func FuzzCSV(f *testing.F) {
	f.Add([]byte(teamsDevices), uint8(3))
	f.Add([]byte("Report Refresh Date,User Principal Name\n2026-01-01,\"a\nb\"\n,,\n\"x\"y\n"), uint8(1))
	f.Add([]byte("Report Refresh Date,User Principal Name,,, x\r\n\xff,\x00,\"\"\"\",,\r\n"), uint8(0))
	s, err := schemas.ReportNamed(report)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte, split uint8) {
		var r io.Reader = bytes.NewReader(text)
		if n := int(split); n < len(text) {
			r = io.MultiReader(bytes.NewReader(text[:n]), bytes.NewReader(text[n:]))
		}
		rows, res, err := readRows(s, r, 2)
		if err != nil {
			if strings.Contains(err.Error(), "is no JSON") {
				t.Fatal(err)
			}
			return
		}
		if int(res.Rows) != len(rows) {
			t.Fatalf("%d rows, %+v", len(rows), res)
		}
		keys := map[string]bool{}
		for _, row := range rows {
			if keys[row.Key] {
				t.Fatalf("key %s twice", row.Key)
			}
			keys[row.Key] = true
			names := map[string]bool{}
			for name := range row.values {
				_, name, _ = strings.Cut(name, " ")
				if names[name] {
					t.Fatalf("column %q twice", name)
				}
				names[name] = true
			}
		}
	})
}

// Whatever an error body holds, the error has a kind and is one bounded line.
func FuzzError(f *testing.F) {
	f.Add(403, []byte(`{"error":{"code":"UnknownError","message":"{\"error\":{\"code\":\"S2SUnauthorized\"}}","innerError":{"request-id":"x"}}}`), "7.5")
	f.Add(401, []byte(`{"error":"invalid_client","error_codes":[7000215],"trace_id":"t","error_description":"`+canaryDescription+`"}`), "")
	f.Add(429, []byte(`<html>`), "-1e309")
	f.Fuzz(func(t *testing.T, status int, body []byte, after string) {
		resp := func() *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}, "Request-Id": {after}}, Body: io.NopCloser(bytes.NewReader(body))}
		}
		for _, e := range []*Error{responseError(resp(), feedReport), signInError(resp(), body)} {
			text := e.Error()
			if e.Kind == "" || len(text) > 1200 || strings.ContainsAny(text, "\r\n\x00") || e.RetryAfter < 0 {
				t.Fatalf("%+v", e)
			}
		}
	})
}

func FuzzDemand(f *testing.F) {
	for _, path := range []string{"/v1.0/users?$top=5&$select=id", "/v1.0", "/beta/", "//", "/v1.0/copilot/reports/getX(period='D7')", "/x/v1.0/beta/reports"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse("https://graph.microsoft.com" + path)
		if err != nil {
			return
		}
		if d := demandOf(u); d.units < 0 || d.units > 6 || d.units == 0 && d.workload == workloadDirectory {
			t.Errorf("%s: %+v", path, d)
		}
	})
}
