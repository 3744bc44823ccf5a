package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed json/*.json
var schemaFiles embed.FS

// JSONSchema returns the JSON Schema (draft 2020-12) of the bodies of the kind's current
// version. It covers upserts and deletes.
func JSONSchema(kind Kind) ([]byte, error) {
	if _, err := ParseKind(string(kind)); err != nil {
		return nil, fmt.Errorf("read json schema: %w", err)
	}
	b, err := schemaFiles.ReadFile("json/" + string(kind) + ".v1.json")
	if err != nil {
		return nil, fmt.Errorf("read json schema of %s: %w", kind, err)
	}
	return b, nil
}

// SchemaNames lists the published schemas by name and version, such as user.v1, sorted.
func SchemaNames() []string {
	files, err := fs.Glob(schemaFiles, "json/*.json")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".json")
	}
	return files
}
