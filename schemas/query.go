package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Database is the ClickHouse database of the product.
const Database = "m365"

//go:embed sql
var sqlFiles embed.FS

// Migrations holds the numbered ClickHouse migrations in goose's form.
func Migrations() fs.FS {
	sub, err := fs.Sub(sqlFiles, "sql/migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Query is a shipped question: one file under sql/queries, one parametrised view.
type Query struct {
	Name       string // licence-position
	Title      string // one line
	Definition string // what the answer means, and its source
	// Feeds are what the answer rests on: feeds of a run, report functions, and "names" where
	// rows of reports must be matched with people. The first is needed for any answer.
	Feeds []string
	// Optional are report functions that add evidence where a connector reads them.
	Optional []string
	Params   []Param
	SQL      string // the view's SELECT
	Internal bool   // a building block of other queries, not an answer by itself
}

// Param is a parameter of a query.
type Param struct {
	Name, Type, Default, Doc string
}

// View is the name of the query's parametrised view.
func (q *Query) View() string { return strings.ReplaceAll(q.Name, "-", "_") }

// Takes reports whether the query has a parameter of that name.
func (q *Query) Takes(param string) bool {
	return slices.ContainsFunc(q.Params, func(p Param) bool { return p.Name == param })
}

// Inlined is the query's SELECT with every building block written out where it is called.
// ClickHouse analyses a view anew at each level that calls it: a question of five levels
// took 1.0 s of processor time before it read a row, and takes 0.4 s written out.
func (q *Query) Inlined() string { return inline(q.SQL) }

// Now is Inlined for the present: as_of is empty, and what the building blocks have for past
// moments is left out. The server would read nothing of it, and takes time to find that out.
func (q *Query) Now() string { return inline(now(bind(q.SQL, "as_of", "''"))) }

// inline writes out the building blocks that a SELECT calls. One that reads no table is
// written as the value it has: a SELECT within a SELECT costs the server 3 ms, a value nothing.
func inline(sql string) string {
	sql = valueCall.ReplaceAllStringFunc(sql, func(call string) string {
		m := valueCall.FindStringSubmatch(call)
		for line := range strings.Lines(called(m[2], m[3])) {
			if value, name, ok := strings.Cut(strings.TrimRight(line, ",\n"), " AS "); ok && name == m[1] {
				return strings.TrimSpace(value)
			}
		}
		return call
	})
	return viewCall.ReplaceAllStringFunc(sql, func(call string) string {
		m := viewCall.FindStringSubmatch(call)
		if block := called(m[1], m[2]); block != "" {
			return "(\n" + inline(block) + "\n)"
		}
		return call
	})
}

// called is the SELECT of a building block with the arguments of a call; empty where no
// block is called so.
func called(view, arguments string) string {
	for i := range Queries() {
		block := &Queries()[i]
		if block.View() != view {
			continue
		}
		sql := block.SQL
		for _, arg := range callArgument.FindAllStringSubmatch(arguments, -1) {
			sql = bind(sql, arg[1], arg[2])
			if arg[1] == "as_of" && arg[2] == "''" {
				sql = now(sql)
			}
		}
		return sql
	}
	return ""
}

// bind puts a value in the place of a parameter.
func bind(sql, param, value string) string {
	return regexp.MustCompile(`\{`+param+`:[^}]+\}`).ReplaceAllLiteralString(sql, value)
}

// now leaves out what a SELECT has for past moments: the branch behind a line that says so.
func now(sql string) string {
	sql, _, _ = strings.Cut(sql, "\nUNION ALL\n-- at a past moment\n")
	return sql
}

var (
	viewCall     = regexp.MustCompile(Database + `\.(\w+)\(([^()]*)\)`)
	valueCall    = regexp.MustCompile(`\(SELECT (\w+) FROM ` + Database + `\.(moment)\(([^()]*)\)\)`)
	callArgument = regexp.MustCompile(`(\w+) = (\{[^}]+\}|'[^']*'|\d+)`)
)

// Queries returns the shipped queries in the order of their files. A file's number
// places a query behind those it is built on.
var Queries = sync.OnceValue(func() []Query {
	files, err := fs.Glob(sqlFiles, "sql/queries/*.sql")
	if err != nil {
		panic(err)
	}
	var qs []Query
	for _, f := range files {
		b, err := sqlFiles.ReadFile(f)
		if err != nil {
			panic(err)
		}
		q, err := parseQuery(path.Base(f), string(b))
		if err != nil {
			panic(err) // TestQueries reads every file
		}
		qs = append(qs, q)
	}
	return qs
})

// QueryNamed returns a shipped query.
func QueryNamed(name string) (*Query, error) {
	qs := Queries()
	for i := range qs {
		if qs[i].Name == name && !qs[i].Internal {
			return &qs[i], nil
		}
	}
	return nil, fmt.Errorf("unknown query %q: seatstream query list shows all", name)
}

// parseQuery reads the header of a query file: comment lines "-- key: value", where a
// line that begins with "--   " goes on with the value before, and then the SELECT.
func parseQuery(file, text string) (Query, error) {
	q := Query{}
	_, name, _ := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
	q.Name = name
	values := map[string]string{}
	key := ""
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "--")
		if !ok {
			break
		}
		text = text[len(line):]
		if more, ok := strings.CutPrefix(comment, "   "); ok && key != "" {
			values[key] += " " + strings.TrimSpace(more)
			continue
		}
		k, v, ok := strings.Cut(strings.TrimSpace(comment), ":")
		if !ok {
			return q, fmt.Errorf("query %s: comment line %q: want key: value", file, line)
		}
		if key = k; key == "param" {
			p, err := parseParam(v)
			if err != nil {
				return q, fmt.Errorf("query %s: %w", file, err)
			}
			q.Params = append(q.Params, p)
			key = ""
			continue
		}
		values[key] = strings.TrimSpace(v)
	}
	q.Title, q.Definition, q.SQL = values["title"], values["definition"], strings.TrimSpace(text)
	_, q.Internal = values["internal"]
	q.Feeds, q.Optional = names(values["feeds"]), names(values["optional"])
	if q.Title == "" || q.Definition == "" || q.SQL == "" {
		return q, fmt.Errorf("query %s: needs a title, a definition and a SELECT", file)
	}
	return q, nil
}

// names splits a list at its commas.
func names(list string) (out []string) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// parseParam reads "name Type = default, what it is". A comma, blank or equals sign in
// quotes or brackets belongs to the type or the default: DateTime64(3, 'UTC').
func parseParam(s string) (Param, error) {
	head, doc, _ := cutOutside(s, ',')
	decl, def, _ := cutOutside(head, '=')
	name, typ, _ := strings.Cut(strings.TrimSpace(decl), " ")
	typ, def, doc = strings.TrimSpace(typ), strings.TrimSpace(def), strings.TrimSpace(doc)
	_, _, twoTypes := cutOutside(typ, ' ')
	if name == "" || typ == "" || def == "" || doc == "" || twoTypes {
		return Param{}, fmt.Errorf("param %q: want name Type = default, what it is", s)
	}
	return Param{Name: name, Type: typ, Default: def, Doc: doc}, nil
}

// cutOutside is strings.Cut at the first sep that stands in no quotes or brackets.
func cutOutside(s string, sep byte) (before, after string, found bool) {
	quoted, depth := false, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == sep && depth == 0:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
