package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// EngineVersion is the release of the engine library that `make engine`
// fetches. scripts/engine.sh names the same one.
const EngineVersion = "26.7.3-stable.1"

// EngineVariable names the environment variable that points to an engine: the
// path of libchdb, or of a clickhouse binary.
const EngineVariable = "SEATSTREAM_ENGINE"

// ErrNoEngine says that no ClickHouse was found on this machine, and the three
// ways to give one.
var ErrNoEngine = errors.New("no ClickHouse engine found: run `make engine` to fetch one, " +
	"put a clickhouse binary on PATH, or set clickhouse.dsn in the configuration")

// program is what the child runs: a library to load or a server binary to
// start. Exactly one of the two is set.
type program struct {
	library string
	binary  string
}

// findProgram looks for an engine in the order explicit path, environment,
// binary on PATH, cached library. A path that was named must exist: falling
// through to another engine would hide a typing error.
func findProgram(explicit string) (program, error) {
	if explicit != "" {
		return named(explicit)
	}
	if path := os.Getenv(EngineVariable); path != "" {
		return named(path)
	}
	if path, err := exec.LookPath("clickhouse"); err == nil {
		return absolute(program{binary: path})
	}
	path, err := cachedLibrary()
	if err != nil {
		return program{}, fmt.Errorf("%w (%w)", ErrNoEngine, err)
	}
	if _, err := os.Stat(path); err != nil {
		return program{}, ErrNoEngine
	}
	return absolute(program{library: path})
}

func named(path string) (program, error) {
	info, err := os.Stat(path)
	if err != nil {
		return program{}, fmt.Errorf("%w (named engine: %w)", ErrNoEngine, err)
	}
	if info.IsDir() {
		return program{}, fmt.Errorf("%w (named engine: %s is a directory)", ErrNoEngine, path)
	}
	switch filepath.Ext(path) {
	case ".so", ".dylib":
		return absolute(program{library: path})
	}
	return absolute(program{binary: path})
}

// absolute matters because the child runs in the engine's directory.
func absolute(p program) (program, error) {
	for _, path := range []*string{&p.library, &p.binary} {
		if *path == "" {
			continue
		}
		full, err := filepath.Abs(*path)
		if err != nil {
			return program{}, fmt.Errorf("resolve engine path: %w", err)
		}
		*path = full
	}
	return p, nil
}

// cachedLibrary is where scripts/engine.sh puts the library.
func cachedLibrary() (string, error) {
	name := "libchdb.so"
	if runtime.GOOS == "darwin" {
		name = "libchdb.dylib"
	}
	cache := os.Getenv("SEATSTREAM_CACHE")
	if cache == "" {
		base := os.Getenv("XDG_CACHE_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("find cache: %w", err)
			}
			base = filepath.Join(home, ".cache")
		}
		cache = filepath.Join(base, "seatstream")
	}
	return filepath.Join(cache, "engine", EngineVersion, name), nil
}
