// Package check validates what deploy ships with the libraries of those who read it. It is a
// module of its own, so that none of them becomes a dependency of seatstream.
package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../.."

// project loads docker-compose.yml as docker compose does, in a copy of what it mounts with
// the secrets made.
func project(t *testing.T) *types.Project {
	t.Helper()
	dir := t.TempDir()
	for _, path := range []string{"docker-compose.yml", "deploy"} {
		if out, err := exec.CommandContext(t.Context(), "cp", "-R", filepath.Join(root, path), dir).CombinedOutput(); err != nil {
			t.Fatalf("copy: %v\n%s", err, out)
		}
	}
	for _, line := range [][]string{{"deploy/secrets.sh"}, {"cp", "deploy/seatstream.yaml.example", "deploy/secrets/seatstream.yaml"}} {
		cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", line, err, out)
		}
	}
	opts, err := cli.NewProjectOptions([]string{filepath.Join(dir, "docker-compose.yml")}, cli.WithWorkingDirectory(dir), cli.WithName("seatstream"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := opts.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	secretName = regexp.MustCompile(`(?i)(password|secret|token|key)$`)
	pinned     = regexp.MustCompile(`:v?[0-9]+(\.[0-9]+)+(-[a-z0-9]+)?$`)
)

// TestCompose: it renders; nothing is reached from outside the host, nothing has a password
// of ours, every image is pinned, and every file that is mounted is there.
func TestCompose(t *testing.T) {
	t.Parallel()
	p := project(t)
	for _, want := range []string{"nats", "clickhouse", "producer", "consumer", "dashboard", "prometheus", "grafana"} {
		if _, ok := p.Services[want]; !ok {
			t.Errorf("there is no service %s", want)
		}
	}
	for name, s := range p.Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is bound to %q", name, port.Published, port.HostIP)
			}
		}
		for key, value := range s.Environment {
			if secretName.MatchString(key) && value != nil && *value != "" {
				t.Errorf("%s: %s is a secret in the environment", name, key)
			}
		}
		if s.Build == nil && !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %s is not pinned", name, s.Image)
		}
		if s.Build == nil && s.HealthCheck == nil {
			t.Errorf("%s has no healthcheck", name)
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
			if !v.ReadOnly {
				t.Errorf("%s may write to %s", name, v.Source)
			}
		}
		for _, secret := range s.Secrets {
			if _, err := os.Stat(p.Secrets[secret.Source].File); err != nil {
				t.Errorf("%s: secret %s: %v", name, secret.Source, err)
			}
		}
	}
}

// TestDockerfile: the image has the program alone, by name and version of everything it is
// made from, and runs it without rights.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(root, "deploy/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, words := range []string{"-tags noembedded", "-trimpath", "CGO_ENABLED=0", ":nonroot", `ENTRYPOINT ["/seatstream"]`} {
		if !strings.Contains(text, words) {
			t.Errorf("the Dockerfile lacks %s", words)
		}
	}
	if strings.Contains(text, ":latest") {
		t.Error("an image is not pinned")
	}
}
