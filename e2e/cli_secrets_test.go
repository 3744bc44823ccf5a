package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSecretsStayWhereTheyAre lets the secrets of two tenants pass through everything, a
// sign-in that works and one that is refused, with every log line there is, and then looks
// for them in all that was printed and in every file that was written.
func TestSecretsStayWhereTheyAre(t *testing.T) {
	needEngine(t)
	t.Parallel()
	sim := startSim(t, "contoso.onmicrosoft.com=30", "fabrikam.onmicrosoft.com=30")
	c := newCLI(t)
	const refused = "Rf38Q~canary-of-a-secret-that-is-refused"
	good := sim.tenants[0].secret
	c.secrets = []string{good, refused}
	secrets := filepath.Join(c.dir, "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"contoso": good + "\n", "fabrikam": refused} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.env = append(c.env, "REFUSED="+refused)
	up := c.start("up", "--log-level", "trace")
	s := &station{cli: c, sim: sim, up: up}
	eventually(t, "the instance is up", func() bool {
		_, err := os.Stat(filepath.Join(c.dir, "data", "running.json"))
		return err == nil
	})
	explainedAtTheEnd(t, up, filepath.Join(c.dir, "data"))
	trace := func(args ...string) result { return c.run(append(args, "--log-level", "trace")...) }
	trace(sim.connector(0, "contoso", "file:"+filepath.Join(secrets, "contoso"))...)
	trace(sim.connector(1, "fabrikam", "file:"+filepath.Join(secrets, "fabrikam"))...)
	if r := trace("connector", "run", "contoso"); r.code != 0 {
		t.Errorf("run of contoso: exit %d\n%s", r.code, tail(r.err))
	}
	if r := trace("connector", "run", "fabrikam"); r.code != 1 {
		t.Errorf("run of fabrikam: exit %d\n%s", r.code, tail(r.err))
	}
	trace(sim.connector(1, "fabrikam", "env:REFUSED")...)
	trace("connector", "run", "fabrikam")
	for _, args := range [][]string{{"connector", "list"}, {"connector", "show", "fabrikam", "-o", "json"}, {"query", "runs"}, {"replay", "--stdout"}, {"replay"}} {
		trace(args...)
	}
	s.stored(1, "SELECT uniqExact(tenant_id) FROM m365.organizations FINAL", "--data-dir", "data")
	// Secrets given in the wrong place are not repeated either.
	trace(sim.connector(0, "literal", refused)...)
	trace("connector", "add", "swapped", "--tenant", refused, "--client-id", refused, "--client-secret", "env:REFUSED")
	c.run("query", "tenants", "--clickhouse-dsn", "clickhouse://user:"+refused+"@127.0.0.1:1/x")
	c.run("connector", "list", "--nats-url", "nats://user:"+refused+"@127.0.0.1:1")
	if code := up.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("up: exit %d", code)
	}
	if n := findSecrets(t, c.dir, secrets, good, refused); n < 20 {
		t.Errorf("looked into %d files only", n)
	}
}

// findSecrets looks into every file below a folder, except those that are meant to hold a
// secret, and returns how many it read.
func findSecrets(t *testing.T, dir, except string, secrets ...string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(path, except) || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, s := range secrets {
			if bytes.Contains(content, []byte(s)) {
				t.Errorf("%s holds a secret", strings.TrimPrefix(path, dir))
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return files
}
