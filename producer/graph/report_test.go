package graph

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seatstream/seatstream/schemas"
)

const report = "getTeamsDeviceUsageUserDetail"

// reports serves a redirect to a download and the download.
type reports struct {
	*fake
	asked    atomic.Int64
	download http.HandlerFunc
}

func newReports(t *testing.T, download http.HandlerFunc) *reports {
	s := &reports{download: download}
	s.fake = newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/data/download/") {
			if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" {
				t.Errorf("the download is asked for with %v", r.Header)
			}
			s.download(w, r)
			return
		}
		n := s.asked.Add(1)
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Location", fmt.Sprintf("%s/data/download/%s%d", s.srv.URL, canaryLink, n))
		w.WriteHeader(http.StatusFound)
	})
	s.srv.Config.ErrorLog = quiet
	return s
}

func (s *reports) read(arg ReportArg) ([]string, ReportResult, error) {
	s.t.Helper()
	c := s.client()
	c.batch = 2
	var keys []string
	res, err := c.Report(context.Background(), spec(s.t, report), arg, testDigest, func(rows []schemas.Report) error {
		for _, r := range rows {
			keys = append(keys, r.Key)
		}
		return nil
	})
	return keys, res, err
}

func csvBody(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write([]byte(teamsDevices))
}

func TestReport(t *testing.T) {
	t.Parallel()
	for arg, want := range map[ReportArg]string{
		{}: "(period='D180')", {Period: "D7"}: "(period='D7')", {Date: "2026-01-01"}: "(date=2026-01-01)",
	} {
		s := newReports(t, csvBody)
		keys, res, err := s.read(arg)
		if err != nil || len(keys) != 5 || res.Rows != 5 {
			t.Fatalf("%v %v %+v", err, keys, res)
		}
		if got := s.requests()[0].URL.Path; got != "/v1.0/reports/"+report+want {
			t.Errorf("asked for %s", got)
		}
	}
}

func TestReportGzip(t *testing.T) {
	t.Parallel()
	s := newReports(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(teamsDevices))
		_ = z.Close()
	})
	if keys, _, err := s.read(ReportArg{}); err != nil || len(keys) != 5 {
		t.Error(keys, err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(teamsDevices))
	_ = z.Close()
	for _, n := range []int{1, 5, 12, 100, packed.Len() - 8, packed.Len() - 1} {
		s := newReports(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed.Bytes()[:n])
		})
		_, _, err := s.read(ReportArg{})
		wantKind(t, err, BadBody)
	}
}

func TestReportArgs(t *testing.T) {
	t.Parallel()
	s := newReports(t, csvBody)
	for _, arg := range []ReportArg{{Period: "D8"}, {Date: "yesterday"}, {Period: "D7", Date: "2026-01-01"}, {Period: "D7')/x"}} {
		_, _, err := s.read(arg)
		wantKind(t, err, Unsupported)
	}
	cfg := s.config()
	cfg.Cloud = "usgov"
	_, err := s.clientOf(cfg).Report(context.Background(), spec(t, report), ReportArg{}, testDigest, nil)
	wantKind(t, err, Unsupported)
	if len(s.requests()) != 0 {
		t.Error("Graph was asked")
	}
	plain := spec(t, "getOffice365ActivationsUserDetail")
	u, err := s.client().reportURL(plain, ReportArg{})
	if err != nil || !strings.HasSuffix(u.Path, plain.Path) {
		t.Error(u, err)
	}
}

func TestReportLinkExpires(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404, 410} {
		s := newReports(t, nil)
		s.download = func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "1") {
				answer(status, canaryLink)(w, r)
				return
			}
			csvBody(w, r)
		}
		if keys, _, err := s.read(ReportArg{}); err != nil || len(keys) != 5 || s.asked.Load() != 2 {
			t.Errorf("%d: %v %v", status, keys, err)
		}
		s = newReports(t, answer(status, canaryLink))
		_, _, err := s.read(ReportArg{})
		wantKind(t, err, BadBody)
		if s.asked.Load() != reportTries {
			t.Errorf("asked %d times", s.asked.Load())
		}
	}
}

// A transfer that breaks off anywhere is an error; rows are handed over at most once.
func TestReportBreaksOff(t *testing.T) {
	t.Parallel()
	for _, cut := range []int{0, 3, 100, 200, 300, 500, len(teamsDevices) - 30, len(teamsDevices) - 1} {
		for _, chunked := range []bool{true, false} {
			s := newReports(t, func(w http.ResponseWriter, _ *http.Request) {
				if !chunked {
					w.Header().Set("Content-Length", strconv.Itoa(len(teamsDevices)))
				}
				_, _ = w.Write([]byte(teamsDevices[:cut]))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
			keys, res, err := s.read(ReportArg{})
			wantKind(t, err, BadBody)
			if len(keys) > 5 || len(keys) > int(res.Rows) {
				t.Errorf("cut at %d: %d rows handed over, %+v", cut, len(keys), res)
			}
			if handed := len(keys) > 0; handed && s.asked.Load() != 1 {
				t.Errorf("cut at %d: asked again after rows were handed over", cut)
			}
		}
	}
}

func TestReportsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"html": "<html>" + canaryToken + "</html>", "empty": "", "json": `{"value":[]}`, "cut": teamsDevices[:400]} {
		s := newReports(t, answer(200, body))
		_, _, err := s.read(ReportArg{})
		wantKind(t, err, BadBody)
		if name == "html" && s.asked.Load() != reportTries {
			t.Errorf("asked %d times", s.asked.Load())
		}
	}
	s := newReports(t, answer(200, strings.SplitAfter(teamsDevices, "\n")[0]))
	if keys, res, err := s.read(ReportArg{}); err != nil || len(keys) != 0 || res.Rows != 0 {
		t.Errorf("header only: %v %v", keys, err)
	}
}

func TestReportLargerThanTheLimit(t *testing.T) {
	t.Parallel()
	s := newReports(t, csvBody)
	c := s.client()
	c.files.limit = 300
	_, err := c.Report(context.Background(), spec(t, report), ReportArg{}, testDigest, func([]schemas.Report) error { return nil })
	wantKind(t, err, BadBody)
	if !errors.Is(err, errTooLarge) || s.asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, s.asked.Load())
	}
}

func TestReportYieldError(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	_, err := newReports(t, csvBody).client().Report(context.Background(), spec(t, report), ReportArg{}, testDigest, func([]schemas.Report) error { return stop })
	if err != stop {
		t.Errorf("got %v", err)
	}
}

func TestReportLinks(t *testing.T) {
	t.Parallel()
	c := newReports(t, csvBody).client()
	for _, link := range []string{"", "http://reports.office.com/" + canaryLink, "//x/" + canaryLink, "/" + canaryLink, "https:x", "https://", "ftp://x/" + canaryLink, "https://u:p@x/" + canaryLink, "\x00" + canaryLink, "file:///" + canaryLink} {
		_, err := c.files.get(context.Background(), link)
		wantKind(t, err, ForeignHost)
	}
	_, err := c.files.get(context.Background(), "https://"+canaryLink+".invalid:1/"+canaryLink+"?"+canaryLink)
	var e *Error
	if !errors.As(err, &e) || e.Kind != Network || strings.Contains(err.Error(), canaryLink+"?") {
		t.Errorf("%v", err)
	}
}

// A download may be moved on, but not to plain http, not in circles, and without a
// referrer, which would hand the link to another host.
func TestReportDownloadRedirects(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		target string
		kind   Kind
	}{"once": {"/data/download/end", ""}, "http": {"http://127.0.0.1/" + canaryLink, ForeignHost}, "circle": {"/data/download/x", BadBody}} {
		s := newReports(t, nil)
		s.download = func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/end") {
				csvBody(w, r)
				return
			}
			http.Redirect(w, r, test.target, http.StatusFound)
		}
		_, _, err := s.read(ReportArg{})
		if test.kind == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if test.kind != "" {
			wantKind(t, err, test.kind)
		}
	}
}

func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	for address, public := range map[string]bool{
		"127.0.0.1": false, "::1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "::": false, "fe80::1": false, "fc00::1": false, "224.0.0.1": false, "255.255.255.255": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"13.107.6.156": true, "2603:1006::1": true,
	} {
		if isPublic(netip.MustParseAddr(address)) != public {
			t.Errorf("%s", address)
		}
	}
	// Without an override of Graph's address the connection itself is refused.
	canary := newCanary(t)
	u, _ := url.Parse(canary.srv.URL)
	direct, _, pools := downloadTransports(nil, true)
	for _, p := range pools {
		defer p.CloseIdleConnections()
	}
	d := &downloader{retry: &retrier{maxWait: time.Second, base: time.Millisecond}, limit: 1000, direct: direct, proxied: direct}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		_, err := d.get(context.Background(), "https://"+host+":"+u.Port()+"/"+canaryLink)
		wantKind(t, err, ForeignHost)
	}
	canary.mustBeUntouched()
}

// A report that is throttled does not hold up the directory.
func TestReportThrottledAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := stubClient(t, func(r *http.Request) (*http.Response, error) {
			switch {
			case strings.HasPrefix(r.URL.Path, "/v1.0/reports/"):
				if n++; n == 1 {
					return respond(429, http.Header{"Retry-After": {"60"}}, ""), nil
				}
				return respond(http.StatusFound, http.Header{"Location": {"https://reports.office.com/x"}}, ""), nil
			case r.URL.Host == "reports.office.com":
				return respond(200, http.Header{}, teamsDevices), nil
			}
			return respond(200, http.Header{}, `{"value":[]}`), nil
		})
		start := time.Now()
		done := make(chan error)
		go func() {
			_, err := c.Report(t.Context(), spec(t, report), ReportArg{}, testDigest, func([]schemas.Report) error { return nil })
			done <- err
		}()
		synctest.Wait()
		if err := c.Users(t.Context(), func(Page[schemas.User]) error { return nil }); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if err := <-done; err != nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
