package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seatstream/seatstream/producer"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	path := write(t, `
dashboard:
  listen: 0.0.0.0:8484
  tokens:
    - {name: finops, token: env:FINOPS_TOKEN, role: viewer, tenants: [contoso, fabrikam.com]}
    - {name: ops, token: file:ops.token, role: admin}
`+contoso)
	cfg, err := Load(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Token{
		{Name: "finops", Token: "env:FINOPS_TOKEN", Role: "viewer", Tenants: []string{"contoso", "fabrikam.com"}},
		{Name: "ops", Token: producer.SecretRef("file:" + filepath.Join(filepath.Dir(path), "ops.token")), Role: "admin"},
	}
	if !reflect.DeepEqual(cfg.Dashboard.Tokens, want) {
		t.Errorf("got %+v", cfg.Dashboard.Tokens)
	}
	again, err := Load(write(t, cfg.Dump()), nil, nil)
	if err != nil || fmt.Sprint(again.Dashboard.Tokens) != fmt.Sprint(want) {
		t.Errorf("dumped and loaded: %v, %+v", err, again)
	}
	for in, says := range map[string]string{
		"{name: a, token: env:A, role: boss}":                                        "one of viewer, manager, admin",
		"{name: a b, token: env:A, role: admin}":                                     "letters, digits",
		"{name: a, token: hushhushhushhush, role: admin}":                            "not a reference",
		"{name: a, role: admin}":                                                     "missing",
		"{name: a, token: env:A, roll: admin}":                                       `did you mean "dashboard.tokens[0].role"`,
		"{name: a, token: env:A, role: admin}, {name: a, token: env:B, role: admin}": "is named before",
	} {
		_, err := Load(write(t, "dashboard: {tokens: ["+in+"]}"), nil, nil)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", in, err, says)
		}
	}
	// A connector behind tokens is still named by its own line.
	_, err = Load(write(t, "dashboard: {tokens: [{name: a, token: env:A, role: admin}]}\nconnectors:\n  - name: x\n    tenant: '?'\n"), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "connectors[0] at line 3") {
		t.Errorf("lines: %v", err)
	}
}
