package catalogue

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seatstream/seatstream/schemas"
)

// Products is Microsoft's "Product names and service plan identifiers for licensing",
// as read from its CSV. GUIDs are trimmed and in lower case.
type Products struct {
	SKUs  []Name
	Plans []Name
	Pairs [][2]string // SKU, service plan it contains
	Traps []Trap
}

// Name is a GUID with the code Graph uses and the name people know.
type Name struct {
	ID, Code, Name string
	Line           int // where it was first met
}

// Trap is what the file has that would mislead whoever takes it as it stands.
type Trap struct {
	Line int // first line of it
	Kind string
	What string // what was found, and what was done
}

// The kinds of traps.
const (
	TrapBlanks      = "blanks in a GUID"
	TrapNotGUID     = "not a GUID"
	TrapNames       = "GUID with several names"
	TrapSameName    = "name with several GUIDs"
	TrapSameCode    = "part number with several GUIDs"
	TrapPlanNames   = "plan GUID with several names"
	TrapPlanSame    = "plan name with several GUIDs"
	TrapRepeated    = "repeated line"
	TrapNotUTF8     = "not UTF-8"
	TrapMissing     = "missing product"
	trapShown       = 3 // how many of several GUIDs a trap names
	columnName      = "product_display_name"
	columnCode      = "string_id"
	columnSKU       = "guid"
	columnPlanCode  = "service_plan_name"
	columnPlan      = "service_plan_id"
	columnPlanNames = "service_plans_included_friendly_names"
)

var productColumns = []string{columnName, columnCode, columnSKU, columnPlanCode, columnPlan, columnPlanNames}

// ReadProducts reads the file. Columns are found by their names, in any order. A file
// that is not this file is an error; a line that cannot be used is a trap.
func ReadProducts(r io.Reader) (*Products, error) {
	lines, err := newLines(r, "product file", productColumns, nil)
	if err != nil {
		return nil, err
	}
	p := newProductReader()
	for {
		row, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		p.add(row)
	}
	if len(p.out.SKUs) == 0 {
		return nil, errors.New("product file: it has a header and no product: download it again")
	}
	return p.finish(lines.notUTF8), nil
}

// productReader remembers what was met where.
type productReader struct {
	out            Products
	skus, plans    map[string]int // GUID to its place in out
	names          map[string][]string
	pairs          map[[2]string]int
	bySKU, byPlan  group
	byCode, byPlnC group
	blanks         map[string]int
}

// group collects the GUIDs that share a name.
type group map[string][]Name

func newProductReader() *productReader {
	return &productReader{
		skus: map[string]int{}, plans: map[string]int{}, pairs: map[[2]string]int{},
		bySKU: group{}, byPlan: group{}, byCode: group{}, byPlnC: group{}, blanks: map[string]int{}, names: map[string][]string{},
	}
}

func (p *productReader) trap(line int, kind, format string, args ...any) {
	p.out.Traps = append(p.out.Traps, Trap{line, kind, fmt.Sprintf(format, args...)})
}

func (p *productReader) guid(row line, column string) (string, bool) {
	id, asWritten := strings.ToLower(oneLine(row.raw[column])), row.raw[column]
	if !schemas.IsGUID(id) {
		p.trap(row.number, TrapNotGUID, "%s %q: the line is left out", column, row.raw[column])
		return "", false
	}
	if strings.ToLower(asWritten) != id {
		if p.blanks[id]++; p.blanks[id] == 1 {
			p.trap(row.number, TrapBlanks, "%s %q (%s): read as %s", column, asWritten, row.text(columnCode), id)
		}
	}
	return id, true
}

func (p *productReader) add(row line) {
	sku, ok := p.guid(row, columnSKU)
	if !ok {
		return
	}
	p.note(&p.out.SKUs, p.skus, Name{sku, row.text(columnCode), row.text(columnName), row.number}, TrapNames)
	plan, ok := p.guid(row, columnPlan)
	if !ok {
		return
	}
	p.note(&p.out.Plans, p.plans, Name{plan, row.text(columnPlanCode), row.text(columnPlanNames), row.number}, TrapPlanNames)
	pair := [2]string{sku, plan}
	if first := p.pairs[pair]; first > 0 {
		p.trap(row.number, TrapRepeated, "%s contains %s already by line %d", row.text(columnCode), row.text(columnPlanCode), first)
		return
	}
	p.pairs[pair] = row.number
	p.out.Pairs = append(p.out.Pairs, pair)
}

// note keeps a GUID's first name and tells of others. Plans differ in their friendly
// names all over the file, so only their code counts.
func (p *productReader) note(list *[]Name, at map[string]int, n Name, kind string) {
	i, known := at[n.ID]
	if !known {
		at[n.ID] = len(*list)
		*list = append(*list, n)
		if kind == TrapNames {
			p.bySKU.add(n.Name, n)
			p.byCode.add(n.Code, n)
		} else {
			p.byPlnC.add(n.Code, n)
		}
		return
	}
	first := (*list)[i]
	was, is := first.Name, n.Name
	if kind == TrapPlanNames {
		was, is = first.Code, n.Code
	}
	if was == is || slices.Contains(p.names[n.ID], is) {
		return
	}
	p.names[n.ID] = append(p.names[n.ID], is)
	p.trap(n.Line, kind, "%s is %q here and %q in line %d: the first is kept", n.ID, is, was, first.Line)
}

func (g group) add(key string, n Name) { g[key] = append(g[key], n) }

func (p *productReader) shared(g group, kind string) {
	for name, ids := range g {
		if len(ids) < 2 {
			continue
		}
		var where []string
		for _, n := range ids[:min(len(ids), trapShown)] {
			where = append(where, fmt.Sprintf("%s (line %d)", n.ID, n.Line))
		}
		more := ""
		if len(ids) > trapShown {
			more = fmt.Sprintf(" and %d more", len(ids)-trapShown)
		}
		p.trap(ids[0].Line, kind, "%q is %s%s: kept apart by GUID", name, strings.Join(where, ", "), more)
	}
}

func (p *productReader) finish(notUTF8 int) *Products {
	p.shared(p.bySKU, TrapSameName)
	p.shared(p.byCode, TrapSameCode)
	p.shared(p.byPlnC, TrapPlanSame)
	if notUTF8 > 0 {
		p.trap(notUTF8, TrapNotUTF8, "a character is in another encoding: it is shown as \uFFFD")
	}
	for _, s := range schemas.Shipped().SKUs {
		if _, ok := p.skus[s.ID]; !ok {
			p.trap(0, TrapMissing, "%s (%s, %s) is not in the file: the shipped name is kept", s.Name, s.PartNumber, s.ID)
		}
	}
	slices.SortStableFunc(p.out.Traps, func(a, b Trap) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Kind+a.What, b.Kind+b.What)
	})
	return &p.out
}

// lines reads a CSV file by the names of its columns.
type lines struct {
	r       *csv.Reader
	what    string
	at      map[string]int
	notUTF8 int // first line with bytes that are not UTF-8
}

// line is one record; raw has the cells as written, by column in lower case.
type line struct {
	number int
	raw    map[string]string
}

func (l line) text(column string) string { return oneLine(l.raw[column]) }

// oneLine trims, and makes every run of blanks, no-break spaces among them, one space.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// maxFile is far above any catalogue or price list, and well below memory.
const maxFile = 64 << 20

func newLines(r io.Reader, what string, need, may []string) (*lines, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("read %s: it is over %d MB", what, maxFile>>20)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	l := &lines{r: csv.NewReader(bytes.NewReader(bytes.ToValidUTF8(b, []byte("\uFFFD")))), what: what, at: map[string]int{}}
	if !utf8.Valid(b) {
		for i, part := range bytes.Split(b, []byte("\n")) {
			if !utf8.Valid(part) {
				l.notUTF8 = i + 1
				break
			}
		}
	}
	l.r.FieldsPerRecord = -1
	head, err := l.r.Read()
	if err != nil {
		return nil, fmt.Errorf("read %s: no header line: want the columns %s", what, strings.Join(need, ", "))
	}
	for i, name := range head {
		name = strings.ToLower(oneLine(name))
		if _, twice := l.at[name]; twice {
			return nil, fmt.Errorf("read %s: line 1: column %s stands twice", what, name)
		}
		if !slices.Contains(need, name) && may != nil && !slices.Contains(may, name) {
			return nil, fmt.Errorf("read %s: line 1: unknown column %q: it takes %s", what, name, strings.Join(slices.Concat(need, may), ", "))
		}
		l.at[name] = i
	}
	for _, name := range need {
		if _, ok := l.at[name]; !ok {
			return nil, fmt.Errorf("read %s: line 1: no column %s: want %s", what, name, strings.Join(need, ", "))
		}
	}
	return l, nil
}

func (l *lines) next() (line, error) {
	cells, err := l.r.Read()
	if errors.Is(err, io.EOF) {
		return line{}, io.EOF
	}
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		return line{}, fmt.Errorf("read %s: line %d: %w: mend its quotes", l.what, bad.StartLine, bad.Err)
	}
	if err != nil {
		return line{}, fmt.Errorf("read %s: %w", l.what, err)
	}
	number, _ := l.r.FieldPos(0)
	out := line{number, make(map[string]string, len(l.at))}
	for name, i := range l.at {
		if i < len(cells) {
			out.raw[name] = cells[i]
		}
	}
	return out, nil
}
