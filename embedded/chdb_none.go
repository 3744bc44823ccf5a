//go:build noembedded

package embedded

import "errors"

// runLibrary is left out of builds with the tag noembedded: loading a library
// needs the system's dynamic linker, and these builds are fully static, for
// images that reach ClickHouse through a DSN.
func runLibrary(string, []string) error {
	return errors.New("load engine: this build runs no engine library (tag noembedded)")
}
