package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName    = regexp.MustCompile(`\bTest[A-Z]\w+`)
	testDefined = regexp.MustCompile(`(?m)^func (Test[A-Z]\w+)\(`)
)

// TestNamedTestsExist: a document that names a test as its evidence names one there is.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	defined := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		for _, m := range testDefined.FindAllStringSubmatch(string(src), -1) {
			defined[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "schemas/golden/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range testName.FindAllString(string(text), -1) {
				if named++; !defined[name] {
					t.Errorf("%s names %s, which is not there", filepath.Base(file), name)
				}
			}
		}
	}
	if named < 10 {
		t.Errorf("%d tests are named: the search is wrong", named)
	}
}
