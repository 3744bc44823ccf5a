package schemas

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestWalkerFinds changes the schema of SKUs and expects the fault to be named.
func TestWalkerFinds(t *testing.T) {
	t.Parallel()
	properties := func(doc map[string]any) map[string]any { return doc["properties"].(map[string]any) }
	def := func(doc map[string]any, name string) map[string]any {
		return doc["$defs"].(map[string]any)[name].(map[string]any)
	}
	for want, change := range map[string]func(map[string]any){
		"sku.skuPartNumber is in the Go type and not in the schema": func(d map[string]any) { delete(properties(d), "skuPartNumber") },
		"sku.colour is in the schema and not in the Go type":        func(d map[string]any) { properties(d)["colour"] = map[string]any{} },
		"sku.consumedUnits is string in the schema": func(d map[string]any) {
			properties(d)["consumedUnits"].(map[string]any)["type"] = "string"
		},
		"sku.servicePlans[].appliesTo is in the Go type": func(d map[string]any) { delete(properties(def(d, "servicePlan")), "appliesTo") },
		"sku.prepaidUnits: requires":                     func(d map[string]any) { def(d, "prepaidUnits")["required"] = []any{"enabled"} },
		"sku: requires":                                  func(d map[string]any) { def(d, "upsert")["required"] = []any{"skuId"} },
		"sku: unknown members must be allowed":           func(d map[string]any) { d["additionalProperties"] = false },
		"sku.appliesTo: description": func(d map[string]any) {
			delete(properties(d)["appliesTo"].(map[string]any), "description")
		},
		"reference #/$defs/servicePlan leads nowhere": func(d map[string]any) { delete(d["$defs"].(map[string]any), "servicePlan") },
	} {
		doc := document(t, KindSKU)
		change(doc)
		w := walker{defs: doc["$defs"].(map[string]any)}
		w.object("sku", reflect.TypeFor[SKU](), doc)
		if !slices.ContainsFunc(w.faults, func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("want a fault with %q, got %q", want, w.faults)
		}
	}
}

// unset lists the fields that no sample of a kind sets.
func unset(at string, values []reflect.Value) []string {
	typ := values[0].Type()
	var missing []string
	for _, f := range reflect.VisibleFields(typ) {
		name, _, ok := jsonName(f)
		if !ok || name == "concealed" || name == "deleted" {
			continue // false and 0 say something there
		}
		var set, below []reflect.Value
		for _, v := range values {
			v = v.FieldByIndex(f.Index)
			if v.IsZero() {
				continue
			}
			set = append(set, v)
			below = append(below, structsIn(v)...)
		}
		switch {
		case len(set) == 0:
			missing = append(missing, at+"."+name)
		case len(below) > 0:
			missing = append(missing, unset(at+"."+name, below)...)
		}
	}
	return missing
}

// structsIn returns the record types that a field holds.
func structsIn(v reflect.Value) []reflect.Value {
	switch {
	case v.Type() == reflect.TypeFor[Columns]():
		return nil
	case v.Kind() == reflect.Pointer:
		return []reflect.Value{v.Elem()}
	case v.Kind() == reflect.Struct:
		return []reflect.Value{v}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		var all []reflect.Value
		for i := range v.Len() {
			all = append(all, v.Index(i))
		}
		return all
	}
	return nil
}

// TestSamplesComplete: the golden upserts have every field.
func TestSamplesComplete(t *testing.T) {
	t.Parallel()
	byKind := map[Kind][]reflect.Value{}
	for name, s := range samples() {
		byKind[kindOf(name)] = append(byKind[kindOf(name)], reflect.ValueOf(s).Elem())
	}
	for _, kind := range Kinds {
		if missing := unset(string(kind), byKind[kind]); len(missing) > 0 {
			t.Errorf("no sample of %s sets %v", kind, missing)
		}
	}
	if missing := unset("user", []reflect.Value{reflect.ValueOf(User{ID: "a"})}); len(missing) < 10 {
		t.Errorf("an empty user lacks only %v", missing)
	}
}
