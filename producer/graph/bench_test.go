package graph

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seatstream/seatstream/schemas"
)

// pageOf999 is a full page of users with four licences each, some 0.8 MB.
func pageOf999() []byte {
	var b strings.Builder
	b.WriteString(`{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","value":[`)
	for i := range 999 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"6ea91a8d-e32e-41a1-b7bd-%012x","userPrincipalName":"person%d@contoso.onmicrosoft.com","displayName":"Person %d","mail":"person%d@contoso.com","accountEnabled":true,"userType":"Member","usageLocation":"NL","department":"Sales","companyName":"Contoso","country":"Netherlands","city":"Utrecht","officeLocation":"U%d","employeeId":"%d","jobTitle":"Engineer","onPremisesSyncEnabled":null,"createdDateTime":"2020-01-01T00:00:00Z","assignedLicenses":[{"disabledPlans":[],"skuId":"c7df2760-2c81-4ef7-b578-5b5392b571df"},{"disabledPlans":["113feb6c-3fe4-4440-bddc-54d774bf0318"],"skuId":"f30db892-07e9-47e9-837c-80727f46fd3d"}],"licenseAssignmentStates":[{"skuId":"c7df2760-2c81-4ef7-b578-5b5392b571df","disabledPlans":[],"assignedByGroup":null,"state":"Active","error":"None","lastUpdatedDateTime":"2024-01-01T00:00:00Z"},{"skuId":"f30db892-07e9-47e9-837c-80727f46fd3d","disabledPlans":["113feb6c-3fe4-4440-bddc-54d774bf0318"],"assignedByGroup":"9efc6ac4-9b04-4b36-9e55-5d9dbb7c1f03","state":"Active","error":"None","lastUpdatedDateTime":"2024-01-01T00:00:00Z"}]}`, i, i, i, i, i%40, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

func BenchmarkPage(b *testing.B) {
	page := pageOf999()
	var d pageDecoder[schemas.User]
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		if items, _, err := d.decode(bytes.NewReader(page), pageOptions); err != nil || len(items) != 999 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(999*float64(b.N)/b.Elapsed().Seconds(), "users/s")
}

// rowsOf is a detail report of n rows.
func rowsOf(n int) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeffReport Refresh Date,User Principal Name,Display Name,Is Deleted,Deleted Date,Last Activity Date,Send Count,Receive Count,Read Count,Meeting Created Count,Meeting Interacted Count,Assigned Products,Report Period\r\n")
	for i := range n {
		fmt.Fprintf(&b, "2026-01-24,person%d@contoso.com,Person %d,False,,2025-11-29,%d,%d,0,0,0,OFFICE 365 E5+MICROSOFT POWER AUTOMATE FREE+POWER BI (FREE),180\r\n", i, i, i, i*7)
	}
	return b.Bytes()
}

func BenchmarkRows(b *testing.B) {
	const n = 10_000
	text := rowsOf(n)
	s := spec(b, "getEmailActivityUserDetail")
	digest := func(string) func(string) string { // cheap, so that the reader is measured
		buf := []byte(strings.Repeat("0", 32))
		k := 0
		return func(string) string {
			k++
			for i, v := 31, k; v > 0; i, v = i-1, v/10 {
				buf[i] = byte('0' + v%10)
			}
			return string(buf)
		}
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var res ReportResult
		err := newRowReader(s, digest(""), &res).read(bytes.NewReader(text), reportBatch, func([]schemas.Report) error { return nil })
		if err != nil || res.Rows != n || res.Duplicates != 0 {
			b.Fatal(err, res)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkCSV(b *testing.B) {
	text := rowsOf(10_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		in, err := newCSVReader(bytes.NewReader(text))
		for err == nil {
			err = in.next()
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10_001*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkLimiter is what a request costs on its way through a limiter that knows a
// thousand tenants.
func BenchmarkLimiter(b *testing.B) {
	l, c := clockedLimiter()
	for i := range 1000 {
		p := l.ask(testApp, fmt.Sprint("t", i), "/users?$select=id")
		_ = p.wait(b.Context())
		p.done(nil)
	}
	u := &url.URL{Path: "/v1.0/groups/7/members", RawQuery: "$select=id&$top=999"}
	resp := answered(200, "x-ms-resource-unit", "2")
	b.ReportAllocs()
	for b.Loop() {
		p := l.turn(testApp, "t7", u, time.Hour)
		_ = p.wait(b.Context())
		p.done(resp)
		c.at = c.at.Add(10 * time.Millisecond)
	}
}
