package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// These tests set variables of the process and are therefore not parallel.

func TestNoEngineNamesTheThreeWays(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("PATH", empty)
	t.Setenv("SEATSTREAM_CACHE", empty)
	t.Setenv(EngineVariable, "")
	_, err := NewEngine(EngineConfig{Dir: filepath.Join(empty, "data")})
	if !errors.Is(err, ErrNoEngine) {
		t.Fatalf("got %v, want ErrNoEngine", err)
	}
	for _, way := range []string{"make engine", "clickhouse binary on PATH", "clickhouse.dsn"} {
		if !strings.Contains(err.Error(), way) {
			t.Errorf("%q does not name %q", err, way)
		}
	}
	if _, err := os.Stat(filepath.Join(empty, "data")); !os.IsNotExist(err) {
		t.Error("the constructor wrote to disk")
	}
}

func TestEngineIsLookedForInOrder(t *testing.T) {
	dir := t.TempDir()
	touch := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("SEATSTREAM_CACHE", dir)
	t.Setenv("PATH", dir)
	t.Setenv(EngineVariable, "")
	cached, err := cachedLibrary()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(dir, cached)
	if err != nil {
		t.Fatal(err)
	}
	check := func(explicit string, want program) {
		t.Helper()
		got, err := findProgram(explicit)
		if err != nil || got != want {
			t.Errorf("found %+v (%v), want %+v", got, err, want)
		}
	}
	touch(relative)
	check("", program{library: cached})
	onPath := touch("clickhouse")
	check("", program{binary: onPath})
	inEnv := touch("env.so")
	t.Setenv(EngineVariable, inEnv)
	check("", program{library: inEnv})
	check(onPath, program{binary: onPath})

	if _, err := findProgram(filepath.Join(dir, "typo.so")); !errors.Is(err, ErrNoEngine) {
		t.Errorf("a named engine that does not exist: %v", err)
	}
}

func TestScriptFetchesTheVersionLookedFor(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("..", "scripts", "engine.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(script), "\nversion="+EngineVersion+"\n") {
		t.Errorf("scripts/engine.sh does not fetch %s", EngineVersion)
	}
}
