package graph

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Columns with a place of their own in a record.
const (
	columnRefresh = "report refresh date"
	columnPeriod  = "report period"
	columnUserID  = "user id"
)

// maxName bounds the name of a column.
const maxName = 256

// header matches the report's columns with the catalogue's by name.
func (r *rowReader) header(cells [][]byte) error {
	catalogue := make(map[string]string, len(r.spec.Columns))
	for name := range r.spec.Columns {
		catalogue[fold(name)] = name
	}
	at := make(map[string]int, len(cells))
	for i, cell := range cells {
		given := strings.Join(strings.Fields(strings.ToValidUTF8(string(cell), "\ufffd")), " ")
		plain := given
		if len(given) > maxName {
			return errors.New("the header is malformed")
		}
		key := fold(given)
		_, twice := at[key]
		if name, ok := catalogue[key]; ok && !twice {
			typ := r.spec.Columns[name]
			r.columns = append(r.columns, column{name: name, typ: typ, group: groupOf[typ]})
		} else {
			// Names must be unique: they become members of one JSON object.
			for n := 2; given == "" || twice; n++ {
				given = strings.TrimSpace(plain + " #" + strconv.Itoa(n))
				key = fold(given)
				_, twice = at[key]
			}
			r.columns = append(r.columns, column{name: given, group: groupUnknown})
			r.result.NewColumns = append(r.result.NewColumns, given)
		}
		at[key] = i
	}
	for key, name := range catalogue {
		if _, ok := at[key]; !ok {
			r.result.MissingColumns = append(r.result.MissingColumns, name)
		}
	}
	slices.Sort(r.result.MissingColumns)
	return r.places(at)
}

// places notes where the columns are that mean more than their value.
func (r *rowReader) places(at map[string]int) error {
	find := func(name string) int {
		if i, ok := at[fold(name)]; ok && name != "" {
			return i
		}
		return -1
	}
	r.refresh, r.period, r.userID, r.upn = find(columnRefresh), find(columnPeriod), find(columnUserID), find(r.spec.UPN)
	if r.userID >= 0 && r.columns[r.userID].typ == "" {
		r.userID = -1
	}
	for _, i := range []int{r.refresh, r.period, r.userID, r.upn} {
		if i >= 0 {
			r.columns[i].own = true
		}
	}
	if r.refresh < 0 {
		return errors.New("the header lacks the column Report Refresh Date: this is no usage report")
	}
	present := len(r.spec.Key) == 0
	for _, name := range r.spec.Key {
		r.key = append(r.key, find(name))
		present = present || find(name) >= 0
	}
	for _, name := range r.spec.KeyFallback {
		r.fallback = append(r.fallback, find(name))
		present = present || find(name) >= 0
	}
	if !present {
		return fmt.Errorf("the header lacks the column %s, which tells rows apart", r.spec.Key[0])
	}
	for _, name := range r.spec.Concealed {
		if i := find(name); i >= 0 {
			r.concealed = append(r.concealed, i)
		}
	}
	return nil
}
