package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/graphsim"
)

// The oracle is a second, much simpler reader of the simulator. It shares nothing with
// the product but the simulator's address: no SDK, no record type, no SQL. What both say
// is right with some certainty; where they differ, one of them is wrong.

// oracle reads one tenant day after day and remembers every reading.
type oracle struct {
	t        *testing.T
	base     string
	tenant   graphsim.TenantInfo
	client   *http.Client
	bearer   string
	readings []*reading

	today  string   // the day of an answer, YYYY-MM-DD; prices and exclusions go by it
	offers []offer  // the price list
	spared []spared // who is left alone
}

// asOf is the oracle as it was at the end of a day.
func (o *oracle) asOf(day string) *oracle {
	past := *o
	past.today = day
	for len(past.readings) > 0 && past.last().date > day {
		past.readings = past.readings[:len(past.readings)-1]
	}
	return &past
}

func newOracle(t *testing.T, sim *graphsim.Server, tenant graphsim.TenantInfo) *oracle {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(sim.CAPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &oracle{t: t, base: sim.URL(), tenant: tenant, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// newOracles makes one oracle per tenant, in the simulator's order.
func newOracles(t *testing.T, sim *graphsim.Server) []*oracle {
	t.Helper()
	var list []*oracle
	for _, tenant := range sim.Tenants() {
		list = append(list, newOracle(t, sim, tenant))
	}
	return list
}

// login gets a token with the permissions granted now.
func (o *oracle) login() {
	o.t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {o.tenant.ClientID},
		"client_secret": {o.tenant.ClientSecret}, "scope": {o.base + "/.default"},
	}
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.base+"/"+o.tenant.ID+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, body := o.do(req)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &token); err != nil || status != http.StatusOK || token.AccessToken == "" {
		o.t.Fatalf("oracle: token: %d %s", status, body)
	}
	o.bearer = token.AccessToken
}

func (o *oracle) do(req *http.Request) (int, http.Header, []byte) {
	o.t.Helper()
	resp, err := o.client.Do(req)
	if err != nil {
		o.t.Fatalf("oracle: %s %s: %v", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatalf("oracle: read %s: %v", req.URL.Path, err)
	}
	return resp.StatusCode, resp.Header, body
}

func (o *oracle) get(link, bearer string) (int, http.Header, []byte) {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, link, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return o.do(req)
}

// list follows a collection to its end.
func list[T any](o *oracle, path string) []T {
	o.t.Helper()
	var all []T
	for link := o.base + "/v1.0" + path; link != ""; {
		status, _, body := o.get(link, o.bearer)
		var page struct {
			Next  string `json:"@odata.nextLink"`
			Value []T    `json:"value"`
		}
		if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
			o.t.Fatalf("oracle: list %s: %d %v %.300s", path, status, err, body)
		}
		all, link = append(all, page.Value...), page.Next
	}
	return all
}

// report downloads a usage report of its widest period: one map per row, by column name.
// ok is false where the permission is missing.
func (o *oracle) report(path string) (rows []map[string]string, ok bool) {
	o.t.Helper()
	return o.reportOf(path + "(period='D180')")
}

// reportOf is report with an argument of one's own.
func (o *oracle) reportOf(path string) (rows []map[string]string, ok bool) {
	o.t.Helper()
	status, header, body := o.get(o.base+"/v1.0"+path, o.bearer)
	if status == http.StatusForbidden {
		return nil, false
	}
	if status != http.StatusFound {
		o.t.Fatalf("oracle: report %s: %d %.300s", path, status, body)
	}
	status, _, body = o.get(header.Get("Location"), "")
	if status != http.StatusOK {
		o.t.Fatalf("oracle: download %s: %d %.300s", path, status, body)
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(body), "\ufeff"))).ReadAll()
	if err != nil || len(records) == 0 {
		o.t.Fatalf("oracle: report %s: %d records, %v", path, len(records), err)
	}
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows, true
}
