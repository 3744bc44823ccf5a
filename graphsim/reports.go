package graphsim

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// downloadLife is how long the pre-authenticated address of a report works in
// real time (Microsoft docs: "valid for a short period (a few minutes)").
const downloadLife = 5 * time.Minute

// dateWindow is how many days back a report can be asked for by date: the
// service answers 28 where the documentation says 30.
const dateWindow = 28

// report is a function of the usage reports.
type report struct {
	folder  string // /reports/ or /copilot/reports/
	name    string
	periods []string // none for a function without argument
	byDate  bool
	rows    rowKind
	need    loads // what a person must be licensed for to have a row, 0 for anything
	cols    []reportColumn
	sums    []func(*row) int // by column, of a report of totals
}

var standardPeriods = []string{"D7", "D30", "D90", "D180"}

func findReport(folder, name, version string) *report {
	for _, list := range [][]report{userReports, groupReports, countReports} {
		for i := range list {
			r := &list[i]
			// The Copilot report is also under /beta/reports/, its older home.
			if r.name == name && (r.folder == folder || version == "beta" && folder == "/reports/") {
				return r
			}
		}
	}
	return nil
}

// ticket is what a download address stands for.
type ticket struct {
	Tenant  string    `json:"t"`
	Report  string    `json:"r"`
	Folder  string    `json:"f"`
	Period  string    `json:"p"`
	Refresh int       `json:"d"` // the day of the data
	Empty   bool      `json:"e,omitempty"`
	ByDate  bool      `json:"b,omitempty"`
	Conceal bool      `json:"c,omitempty"`
	Expires time.Time `json:"x"`
}

// ticketKey signs download addresses for the life of the process.
var ticketKey = sync.OnceValue(func() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails since Go 1.24
	return key
})

func (t ticket) seal() string {
	body, _ := json.Marshal(t) // plain fields cannot fail
	mac := hmac.New(sha256.New, ticketKey())
	mac.Write(body)
	enc := base64.RawURLEncoding
	return enc.EncodeToString(body) + "." + enc.EncodeToString(mac.Sum(nil))
}

func openTicket(sealed string) (t ticket, ok bool) {
	body64, sum64, _ := strings.Cut(sealed, ".")
	enc := base64.RawURLEncoding
	body, err := enc.DecodeString(body64)
	if err != nil {
		return t, false
	}
	sum, err := enc.DecodeString(sum64)
	if err != nil {
		return t, false
	}
	mac := hmac.New(sha256.New, ticketKey())
	mac.Write(body)
	if !hmac.Equal(mac.Sum(nil), sum) {
		return t, false
	}
	return t, json.Unmarshal(body, &t) == nil
}

// serveReport answers 302 with the address of the data.
func serveReport(c *call, rep *report, args string) {
	if !c.allowReports(roleReports) {
		return
	}
	if f := c.query.Get("$format"); f != "" && !strings.EqualFold(f, "text/csv") {
		c.fail(400, "BadRequest", "JSON format is not supported.")
		return
	}
	sw := c.t.current()
	t := ticket{Tenant: c.t.info.ID, Report: rep.name, Folder: rep.folder, Conceal: sw.ConcealNames,
		Refresh: c.s.Day() - sw.ReportLagDays, Expires: time.Now().Add(downloadLife)}
	if !c.parseArgs(rep, args, &t) {
		return
	}
	if c.fault != nil && c.fault.Kind == "expire_download" {
		t.Expires = time.Now().Add(-time.Minute)
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/plain")
	h.Set("Location", c.s.url+"/download/"+t.seal())
	c.w.WriteHeader(http.StatusFound)
}

// parseArgs reads period='D7' or date=2026-01-31.
func (c *call) parseArgs(rep *report, args string, t *ticket) bool {
	key, value, _ := strings.Cut(args, "=")
	value = strings.Trim(value, "'")
	switch {
	case len(rep.periods) == 0 && args == "":
		return true
	case key == "period" && slices.Contains(rep.periods, value):
		t.Period = value
		return true
	case key == "period":
		c.fail(400, "InvalidArgument", fmt.Sprintf("Invalid period value specified: %s. Supported values are: %s.", value, strings.Join(rep.periods, ", ")))
		return false
	case key == "date" && rep.byDate:
		return c.parseDate(value, t)
	}
	c.fail(400, "BadRequest", "The function "+rep.name+" does not take the arguments ("+args+").")
	return false
}

func (c *call) parseDate(value string, t *ticket) bool {
	date, err := time.Parse(time.DateOnly, value)
	day := 0
	if err == nil {
		day = c.s.cal.dayOf(date)
	}
	if err != nil || day > c.s.Day() || day < c.s.Day()-dateWindow {
		c.fail(400, "InvalidArgument", fmt.Sprintf("Invalid date value specified: %s. Only support data for the past %d days.", value, dateWindow))
		return false
	}
	t.Empty = day > t.Refresh // not processed yet
	t.Refresh, t.ByDate, t.Period = day, true, "D1"
	return true
}

// serveDownload streams the data of a report. It takes no bearer token, and
// refuses one: a client that sends its token to a download host leaks it.
func (s *Server) serveDownload(c *call, sealed string) {
	c.template = "GET /download"
	t, ok := openTicket(sealed)
	if ok {
		c.t = s.tenant(t.Tenant)
		c.template = "GET /download/" + t.Report
	}
	if c.r.Header.Get("Authorization") != "" {
		c.fail(400, "BadRequest", "A pre-authenticated download must not carry an Authorization header.")
		return
	}
	if ok && c.faulted() {
		return
	}
	if !ok || c.t == nil || time.Now().After(t.Expires) || c.fault != nil && c.fault.Kind == "expire_download" {
		c.fail(403, "Forbidden", "The download link is not valid or has expired.")
		return
	}
	if text, ok := s.texts.of(t.Folder + t.Report); ok {
		c.w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = c.w.Write(text)
		return
	}
	rep := findReport(t.Folder, t.Report, "v1.0")
	if rep == nil || c.r.Method != http.MethodGet {
		c.fail(400, "BadRequest", "The request is not valid.")
		return
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+strings.TrimPrefix(rep.name, "get")+`.csv"`)
	rep.stream(c, t)
}
