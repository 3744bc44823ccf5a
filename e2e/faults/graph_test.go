//go:build linux

package faults

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/graphsim"
	"github.com/seatstream/seatstream/internal/teststack"
)

// activity is the report that the faults of Graph are about.
const activity = "getOffice365ActiveUserDetail"

// listing is what a tenant's directory lists and its report says, asked of the simulator
// without the product's own client.
type listing struct {
	client *http.Client
	base   string
	bearer string
}

func askGraph(t testing.TB, sim *graphsim.Server, info graphsim.TenantInfo) *listing {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(sim.CAPEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	// The address of a report is asked without the token.
	bare := func(req *http.Request, _ []*http.Request) error { req.Header.Del("Authorization"); return nil }
	l := &listing{client: &http.Client{Transport: transport, CheckRedirect: bare}, base: sim.URL()}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {info.ClientID}, "client_secret": {info.ClientSecret}, "scope": {sim.URL() + "/.default"},
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	l.decode(t, l.send(t, http.MethodPost, sim.AuthorityURL()+"/"+info.ID+"/oauth2/v2.0/token", form), &token)
	l.bearer = token.AccessToken
	return l
}

func (l *listing) send(t testing.TB, method, address string, form url.Values) io.ReadCloser {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else if strings.Contains(address, "/v1.0/") {
		req.Header.Set("Authorization", "Bearer "+l.bearer)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", address, resp.Status)
	}
	return resp.Body
}

func (l *listing) decode(t testing.TB, body io.ReadCloser, into any) {
	t.Helper()
	defer body.Close()
	if err := json.NewDecoder(body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// truth lists everything that the tables must have of the tenant, and nothing beside it.
func (l *listing) truth(t testing.TB) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for path, id := range map[string]string{"users": "id", "groups": "id", "subscribedSkus": "skuId"} {
		address := l.base + "/v1.0/" + path
		if path != "subscribedSkus" {
			address += "?$top=999&$select=id"
		}
		for address != "" {
			var page struct {
				Value []map[string]any `json:"value"`
				Next  string           `json:"@odata.nextLink"`
			}
			l.decode(t, l.send(t, http.MethodGet, address, nil), &page)
			for _, v := range page.Value {
				all[path+" "+v[id].(string)] = true
			}
			address = page.Next
		}
	}
	body := l.send(t, http.MethodGet, l.base+"/v1.0/reports/"+activity+"(period='D180')", nil)
	defer body.Close()
	for name := range reportNames(t, body) {
		all["reports "+name] = true
	}
	return all
}

// reportNames are the principal names of a report.
func reportNames(t testing.TB, r io.Reader) map[string]bool {
	t.Helper()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	names, column := map[string]bool{}, -1
	for i, head := range rows[0] {
		if strings.TrimPrefix(head, "\ufeff") == "User Principal Name" {
			column = i
		}
	}
	for _, row := range rows[1:] {
		names[row[column]] = true
	}
	return names
}

// compareTenant adds to an outcome what the tables have of a tenant beside what they should:
// entities that are missing or too many, rows of the history beyond one a record, and deletes,
// of which a tenant that does not change has none.
func compareTenant(t testing.TB, tables *teststack.ClickHouse, id string, want map[string]bool, o *Outcome) {
	t.Helper()
	const have = `SELECT groupArray(e) FROM (
		SELECT concat('users ', toString(user_id)) AS e FROM m365.users FINAL WHERE tenant_id = '%[1]s'
		UNION ALL SELECT concat('groups ', toString(group_id)) FROM m365.groups FINAL WHERE tenant_id = '%[1]s'
		UNION ALL SELECT concat('subscribedSkus ', toString(sku_id)) FROM m365.skus FINAL WHERE tenant_id = '%[1]s'
		UNION ALL SELECT concat('reports ', user_principal_name) FROM m365.reports FINAL WHERE tenant_id = '%[1]s' AND report = '` + activity + `')`
	var list []string
	if err := tables.Conn.QueryRow(t.Context(), fmt.Sprintf(have, id)).Scan(&list); err != nil {
		t.Fatal(err)
	}
	o.Acked += int64(len(want))
	seen := map[string]bool{}
	for _, e := range list {
		if want[e] && !seen[e] {
			o.Present++
		} else {
			o.DupQuery++
			t.Errorf("tenant %s: the tables show %q, which is not there or is there once", id, e)
		}
		seen[e] = true
	}
	for e := range want {
		if !seen[e] {
			t.Errorf("tenant %s: %q is missing", id, e)
		}
	}
	o.Lost = o.Acked - o.Present
	for _, table := range []string{"user_changes", "group_changes", "sku_changes", "report_changes"} {
		var twice, deletes int64
		err := tables.Conn.QueryRow(t.Context(), fmt.Sprintf("SELECT toInt64(count()) - toInt64(uniqExact(stream_seq)), toInt64(countIf(deleted = 1)) FROM m365.%s WHERE tenant_id = '%s'", table, id)).Scan(&twice, &deletes)
		if err != nil {
			t.Fatal(err)
		}
		o.DupRaw += twice
		if deletes > 0 && table != "report_changes" {
			t.Errorf("tenant %s: %d deletes in %s of what is there", id, deletes, table)
		}
	}
	o.DupQuery += double(t, tables.Conn, &tenant{id: id, users: want})
}
