//go:build linux

package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/seatstream/seatstream/internal/teststack"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childVar); job != "" {
		if err := produce(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == loadChild {
		os.Exit(loadMain(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == soakChild {
		os.Exit(soakMain(os.Args[2:]))
	}
	teststack.Main(m, removeServer)
}

// buildDir is where this run of the tests keeps the nats-server program.
var buildDir string

// serverProgram builds nats-server, of the version the module names, when the first test
// asks for it, and returns its path.
var serverProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "seatstream-faults-")
	if err != nil {
		return "", err
	}
	buildDir = dir
	path := filepath.Join(dir, "nats-server")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build nats-server: %w\n%s", err, out)
	}
	return path, nil
})

func removeServer() {
	if buildDir != "" {
		_ = os.RemoveAll(buildDir) // lies in the system's temporary folder
	}
}

// full says that all of it is asked for (make faults), not the quick set of make test.
func full() bool { return os.Getenv("SEATSTREAM_TEST_FULL") == "1" }

// eachSeed runs a test with a few seeds, or with many where all of it is asked for.
// SEATSTREAM_TEST_SEED repeats one.
func eachSeed(t *testing.T, quick, all int, f func(t *testing.T, seed uint64, rng *rand.Rand)) {
	t.Helper()
	runs, seed := quick, rand.Uint64N(1_000_000)
	if full() {
		runs = all
	}
	if s := os.Getenv("SEATSTREAM_TEST_SEED"); s != "" && runs > 0 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("SEATSTREAM_TEST_SEED: %v", err)
		}
		runs, seed = 1, n
	}
	if runs == 0 {
		t.Skip("runs with SEATSTREAM_TEST_FULL=1 (make faults)")
	}
	for i := range uint64(runs) {
		t.Run(fmt.Sprint("seed ", seed+i), func(t *testing.T) {
			f(t, seed+i, rand.New(rand.NewPCG(seed+i, 0)))
		})
	}
}
