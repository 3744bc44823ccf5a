package consumer

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seatstream/seatstream/schemas"
)

// person is how a person is recognised: by id, principal names and mail addresses
// wherever they stand, by display names where nothing better names the row's owner.
type person struct {
	texts      map[string]bool // lower case
	display    map[string]bool
	keys       map[string]bool // keys of report rows
	pattern    *regexp.Regexp  // texts, not as a part of another name
	rowPattern string          // the same over a row as ClickHouse writes it
	rowNames   string
	quoted     [][]byte // display names as JSON strings
}

func newPerson(name string) *person {
	p := &person{texts: map[string]bool{}, display: map[string]bool{}, keys: map[string]bool{}}
	p.add(name)
	return p
}

func (p *person) add(texts ...string) {
	for _, s := range texts {
		if s = strings.ToLower(strings.TrimSpace(s)); s != "" {
			p.texts[s] = true
		}
	}
}

func (p *person) call(name string) {
	if name != "" {
		p.display[name] = true
	}
}

func (p *person) has(text string) bool { return p.texts[strings.ToLower(text)] }

func (p *person) names() []string { return slices.Sorted(maps.Keys(p.texts)) }

func (p *person) rowKeys() []string { return slices.Sorted(maps.Keys(p.keys)) }

// ids are the directory ids among the texts.
func (p *person) ids() (ids []string) {
	for _, s := range p.names() {
		if schemas.IsGUID(s) {
			ids = append(ids, s)
		}
	}
	return ids
}

// digest adds the keys of the report rows that each name makes.
func (p *person) digest(key []byte) {
	specs := schemas.Reports()
	for name := range p.texts {
		for i := range specs {
			if row, ok := specs[i].RowKey(key, name); ok {
				p.keys[row] = true
			}
		}
	}
}

// The text before and behind a name, where it is not part of a longer one: anna@contoso.com
// is neither joanna@contoso.com nor anna@contoso.com.au.
const (
	nameBegins = `(?i)(?:^|[^a-z0-9._%+-])(?:`
	nameEnds   = `)(?:[^a-z0-9._-]|\.[^a-z0-9]|\.?$)`
)

func (p *person) compile() error {
	var plain, written, called []string
	for _, s := range p.names() {
		forms := []string{s}
		if strings.Contains(s, "@") {
			// The address of a personal site: /personal/anna_contoso_com
			forms = append(forms, strings.NewReplacer("@", "_", ".", "_").Replace(s))
		}
		for _, f := range forms {
			plain = append(plain, regexp.QuoteMeta(f))
			written = append(written, regexp.QuoteMeta(sqlText(f)))
		}
	}
	for name := range p.display {
		called = append(called, "'"+regexp.QuoteMeta(sqlText(name))+"'")
		quoted, err := jsontext.AppendQuote(nil, name)
		if err == nil {
			p.quoted = append(p.quoted, quoted)
		}
	}
	p.rowPattern = nameBegins + strings.Join(written, "|") + nameEnds
	p.rowNames = `x\Ay` // matches nothing
	if called != nil {
		p.rowNames = strings.Join(called, "|")
	}
	var err error
	if p.pattern, err = regexp.Compile(nameBegins + strings.Join(plain, "|") + nameEnds); err != nil {
		return fmt.Errorf("read names of the person: %w", err)
	}
	return nil
}

// sqlText is s inside a quoted string of ClickHouse's text form.
func sqlText(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) }

// in tells whether a record is the person's own, or another's that names the person.
func (p *person) in(subject string, body []byte) (own, named bool) {
	tokens := strings.Split(subject, ".")
	entity := tokens[len(tokens)-1]
	if p.keys[entity] {
		return true, false
	}
	for part := range strings.SplitSeq(entity, "_") {
		if p.texts[part] {
			return true, false
		}
	}
	if p.pattern.Match(body) {
		return false, true
	}
	if len(tokens) < 3 || schemas.Kind(tokens[2]) != schemas.KindReport {
		return false, false
	}
	for _, q := range p.quoted {
		if bytes.Contains(body, q) {
			var row schemas.Report
			return false, schemas.Decode(body, &row) != nil || row.UserPrincipalName == ""
		}
	}
	return false, false
}
