package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/schemas"
)

// TestStaleAnnouncement lets an instance be killed, so that its addresses stay announced,
// and another one with another folder come up behind just these addresses. Commands on the
// first folder must not end up in the second one's data.
func TestStaleAnnouncement(t *testing.T) {
	needEngine(t)
	t.Parallel()
	dead, alive := newCLI(t), newCLI(t)
	first := startDemo(t, dead)
	var at struct {
		NATS           string `json:"nats"`
		ClickHouse     string `json:"clickhouse"`
		ClickHouseHTTP string `json:"clickhouse_http"`
	}
	announced, err := os.ReadFile(filepath.Join(dead.dir, "data", "demo", "running.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := schemas.Decode(announced, &at); err != nil {
		t.Fatal(err)
	}
	const engine = "SELECT getMacro('seatstream_instance') AS name"
	flags := []string{"--data-dir", "data/demo"}
	first.kill()
	noEngines(t, dead.dir)

	alive.env = []string{
		"SEATSTREAM_NATS_PORT=" + portOf(t, at.NATS), "SEATSTREAM_CLICKHOUSE_TCP_PORT=" + portOf(t, at.ClickHouse),
		"SEATSTREAM_CLICKHOUSE_HTTP_PORT=" + portOf(t, at.ClickHouseHTTP),
	}
	second := startDemo(t, alive)
	if !strings.Contains(second.out.String(), at.NATS+" ") {
		t.Fatalf("the second instance is not at %s", at.NATS)
	}
	alive.ok(append([]string{"connector", "remove", "northwind"}, flags...)...)
	// The server may warn of what it found after the kill.
	if r := dead.run(append([]string{"connector", "list"}, flags...)...); r.code != 0 || !strings.Contains(r.out, "northwind") {
		t.Errorf("a command on the first folder reads the second one's connectors: exit %d\n%s", r.code, r.out)
	}
	query := append([]string{"query", "-o", "csv", "--sql", engine}, flags...)
	if one, other := dead.ok(query...), alive.ok(query...); one == other {
		t.Errorf("a question on the first folder is asked of the second one's engine")
	}
	stopDemo(t, alive, second)
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}
