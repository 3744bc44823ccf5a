package output

import "slices"

// Without leaves out columns for people: each key of named goes where the column that it
// maps to, which says the same in words, is there too. drop goes in any case.
func Without(w Writer, named map[string]string, drop ...string) Writer {
	return &without{w: w, named: named, drop: drop}
}

type without struct {
	w     Writer
	named map[string]string
	drop  []string
	keep  []int
}

func (x *without) Begin(t *Table) error {
	has := func(name string) bool {
		return name != "" && slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Name == name })
	}
	head := *t
	head.Columns = nil
	for i, c := range t.Columns {
		if has(x.named[c.Name]) || slices.Contains(x.drop, c.Name) {
			continue
		}
		x.keep = append(x.keep, i)
		head.Columns = append(head.Columns, c)
	}
	return x.w.Begin(&head)
}

func (x *without) Row(cells []any) error {
	kept := make([]any, len(x.keep))
	for i, k := range x.keep {
		kept[i] = cells[k]
	}
	return x.w.Row(kept)
}

func (x *without) End(notes ...string) error { return x.w.End(notes...) }
