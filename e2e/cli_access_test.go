package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAccessCommand prints what makes a reader, and refuses what would make another one.
// What the printed text does is tried in the folder access.
func TestAccessCommand(t *testing.T) {
	t.Parallel()
	s := startStation(t, "contoso.onmicrosoft.com=20")
	s.stored(1, "SELECT uniqExact(tenant_id) FROM m365.organizations FINAL")
	id := s.sim.tenants[0].id
	out := s.ok("access", "nats", "--reader", "acme=contoso.onmicrosoft.com", "--create", "--from", "last")
	for _, words := range []string{"SEATSTREAM {", "READER_ACME {", "reader-acme", "password: $READER_ACME_PASSWORD"} {
		if !strings.Contains(out, words) {
			t.Errorf("access nats lacks %s:\n%s", words, out)
		}
	}
	s.ok("access", "nats", "--reader", "acme="+id, "--create", "--from", "new") // once more is no error
	s.refused(2, []string{"access", "nats"}, "--reader")
	s.refused(2, []string{"access", "nats", "--reader", "acme"}, "NAME=TENANT")
	s.refused(2, []string{"access", "nats", "--reader", "a.>=" + id}, "small letter")
	s.refused(2, []string{"access", "nats", "--reader", "acme=" + id, "--reader", "acme=" + id}, "named twice")
	s.refused(2, []string{"access", "nats", "--reader", "acme=" + id, "--from", "x"}, "all, last, new")
	s.refused(1, []string{"access", "nats", "--reader", "acme=nobody.example"}, "nobody.example")

	file := filepath.Join(s.dir, "acme.password")
	s.refused(2, []string{"access", "clickhouse", "--reader", "acme=" + id}, "--password-file")
	if err := os.WriteFile(file, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refused(2, []string{"access", "clickhouse", "--reader", "acme=" + id, "--password-file", file}, "12 characters")
	const password = "canary of the reader"
	s.secrets = append(s.secrets, password)
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sql := s.ok("access", "clickhouse", "--reader", "acme="+id, "--password-file", file)
	xml := s.ok("access", "clickhouse", "--reader", "acme="+id, "--password-file", file, "--xml")
	for _, table := range []string{"users", "user_changes", "skus", "run_changes", "prices"} {
		if !strings.Contains(sql, "CREATE ROW POLICY OR REPLACE `acme` ON m365."+table+" ") || !strings.Contains(xml, "<"+table+"><filter>") {
			t.Errorf("table %s has no filter", table)
		}
	}
}
