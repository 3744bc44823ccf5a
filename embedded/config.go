package embedded

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"text/template"
)

// User is a ClickHouse user beside the default one.
type User struct {
	Name     string
	Password string // stored as its SHA-256; empty: none, and from this machine only
	ReadOnly bool   // no writes and no change of settings except by a query's own
	// Grants are statements without the user, such as "GRANT SELECT ON m365.*".
	// Without any, a user has all rights that ReadOnly leaves.
	Grants []string
	// Filters limit which rows of a table the user sees. A table without a
	// filter is seen whole.
	Filters []RowFilter
}

// RowFilter is a condition on the rows of one table, in SQL.
type RowFilter struct {
	Database, Table, Condition string
}

//go:embed config.xml.tmpl
var configTemplate string

//go:embed users.xml.tmpl
var usersTemplate string

// identifier is what may become the name of an XML element.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var templates = template.Must(template.New("config.xml").Funcs(template.FuncMap{
	"xml":       escapeXML,
	"sha256":    func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
	"databases": filtersByDatabase,
}).Parse(configTemplate))

func init() {
	template.Must(templates.New("users.xml").Parse(usersTemplate))
}

// writeConfig writes the configuration of both kinds of engine below dir; it
// needs the lock of dir, because a running server reloads these files.
func writeConfig(dir string, data configData) error {
	if err := checkUsers(data.Users); err != nil {
		return err
	}
	for _, sub := range []string{"store", "tmp", "user_files", "format_schemas"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return fmt.Errorf("create directory: %w", err)
		}
	}
	for _, name := range []string{"config.xml", "users.xml"} {
		var text bytes.Buffer
		if err := templates.ExecuteTemplate(&text, name, data); err != nil {
			return fmt.Errorf("render %s: %w", name, err)
		}
		if err := writeFile(filepath.Join(dir, name), text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// writeFile replaces a file whole, so that no reader sees half of one.
func writeFile(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// configData is what the templates are filled with.
type configData struct {
	Dir       string
	Host      string
	TCPPort   int
	HTTPPort  int
	MaxMemory int64
	Instance  string
	Users     []User
}

// checkUsers refuses names that XML cannot carry as elements; the templates
// escape everything else.
func checkUsers(users []User) error {
	for _, user := range users {
		if !identifier.MatchString(user.Name) || user.Name == "default" {
			return fmt.Errorf("check user %q: want a name of letters, digits and underscores, not default", user.Name)
		}
		for _, f := range user.Filters {
			if !identifier.MatchString(f.Database) || !identifier.MatchString(f.Table) {
				return fmt.Errorf("check filter of user %s: %q.%q is not a table name", user.Name, f.Database, f.Table)
			}
		}
	}
	return nil
}

// database groups the filters of one database, whose element may stand in the
// file only once.
type database struct {
	Name    string
	Filters []RowFilter
}

func filtersByDatabase(filters []RowFilter) []database {
	var list []database
	at := map[string]int{}
	for _, f := range filters {
		i, seen := at[f.Database]
		if !seen {
			i = len(list)
			at[f.Database] = i
			list = append(list, database{Name: f.Database})
		}
		list[i].Filters = append(list[i].Filters, f)
	}
	return list
}

func escapeXML(value any) (string, error) {
	var text bytes.Buffer
	err := xml.EscapeText(&text, []byte(fmt.Sprint(value)))
	return text.String(), err
}
