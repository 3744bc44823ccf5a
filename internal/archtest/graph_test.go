package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seatstream/seatstream"

// pkg is one package of the module. Imports are those of its own files on any platform;
// TestImports are those of its tests beside them.
type pkg struct {
	Path    string // below the module; empty for the root
	Name    string
	Imports []string
	Tests   []string
}

// graph is the module by path.
type graph map[string]*pkg

// local returns the path below the module of an import, if it is the module's own.
func local(imported string) (string, bool) {
	if imported == module {
		return "", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// under reports whether an import path is one of the prefixes or lies below one. A
// prefix that ends in a dash takes in whatever the name goes on with.
func under(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return path == p || strings.HasPrefix(path, p+"/") || strings.HasSuffix(p, "-") && strings.HasPrefix(path, p)
	})
}

// reach returns a way from a package to the first package of the module that want
// accepts, over the imports of the packages' own files.
func (g graph) reach(from string, want func(string) bool) []string {
	seen := map[string]bool{from: true}
	for queue := [][]string{{from}}; len(queue) > 0; queue = queue[1:] {
		way := queue[0]
		at := g[way[len(way)-1]]
		if at == nil {
			continue
		}
		for _, imported := range at.Imports {
			next, ok := local(imported)
			if !ok || seen[next] {
				continue
			}
			seen[next] = true
			longer := append(slices.Clone(way), next)
			if want(next) {
				return longer
			}
			queue = append(queue, longer)
		}
	}
	return nil
}

// moduleRoot is the folder of go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}

// listed is what go list says of a package.
type listed struct {
	Dir, ImportPath, Name              string
	IgnoredGoFiles                     []string
	Imports, TestImports, XTestImports []string
}

// load asks the go command for the module's packages. Files that are built on other
// platforms only are read as well: a rule must not hold on this one alone.
func load(t *testing.T) graph {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=Dir,ImportPath,Name,IgnoredGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = moduleRoot(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatal(err)
		}
		p := &pkg{Name: l.Name, Imports: l.Imports, Tests: append(l.TestImports, l.XTestImports...)}
		p.Path, _ = local(l.ImportPath)
		for _, f := range l.IgnoredGoFiles {
			imports, err := importsOf(filepath.Join(l.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(f, "_test.go") {
				p.Tests = append(p.Tests, imports...)
			} else {
				p.Imports = append(p.Imports, imports...)
			}
		}
		g[p.Path] = p
	}
}

func importsOf(file string) ([]string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("read imports: %w", err)
	}
	var out []string
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("read imports of %s: %w", file, err)
		}
		out = append(out, path)
	}
	return out, nil
}
