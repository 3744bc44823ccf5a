// Package e2e tests the whole system as its users meet it: the real program, real HTTPS
// to the simulator, a real nats-server and a real ClickHouse.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
)

func TestMain(m *testing.M) { teststack.Main(m, removeBinary) }

// buildDir is where this run of the tests keeps the program; empty until it is built.
var buildDir string

// binary builds the program when the first test asks for it and returns its path. It is
// a build of its own, so that what is tested is what users start, signals and exit codes
// included.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "seatstream-e2e-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	path := filepath.Join(dir, "seatstream")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	cmd := exec.Command("go", "build", "-o", path, "../cmd/seatstream")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func removeBinary() {
	if buildDir != "" {
		_ = os.RemoveAll(buildDir) // lies in the system's temporary folder
	}
}
