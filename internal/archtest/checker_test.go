package archtest

import (
	"slices"
	"strings"
	"testing"
)

// made returns a made-up module: a package by path, its imports in one string. An import
// that begins with ~ is one of the module's own; one behind a ! is a test's.
func made(packages map[string]string) graph {
	g := graph{}
	for path, imports := range packages {
		p := &pkg{Path: path, Name: path[strings.LastIndexByte(path, '/')+1:]}
		for _, i := range strings.Fields(imports) {
			test := strings.HasPrefix(i, "!")
			if i = strings.TrimPrefix(i, "!"); strings.HasPrefix(i, "~") {
				i = module + "/" + i[1:]
			}
			if test {
				p.Tests = append(p.Tests, i)
			} else {
				p.Imports = append(p.Imports, i)
			}
		}
		g[path] = p
	}
	return g
}

// sound is a module that keeps every rule.
func sound() map[string]string {
	const (
		nats = "github.com/nats-io/nats.go"
		ch   = "github.com/ClickHouse/clickhouse-go/v2"
	)
	return map[string]string{
		"schemas":            "embed github.com/go-json-experiment/json !github.com/santhosh-tekuri/jsonschema/v6",
		"producer":           "~schemas ~producer/graph ~internal/lease " + nats,
		"producer/graph":     "~schemas github.com/microsoftgraph/msgraph-sdk-go github.com/Azure/azure-sdk-for-go/sdk/azidentity !~graphsim",
		"consumer":           "~schemas ~internal/lease " + ch + " !~internal/teststack !~producer",
		"dashboard":          "~schemas ~dashboard/page ~producer ~consumer ~internal/output net/http",
		"dashboard/page":     "~schemas",
		"embedded":           "github.com/nats-io/nats-server/v2/server github.com/ebitengine/purego " + nats,
		"graphsim":           "net/http github.com/golang-jwt/jwt/v5",
		"internal/lease":     nats + "/jetstream",
		"internal/output":    "github.com/jedib0t/go-pretty/v6/table",
		"internal/config":    "~producer ~schemas",
		"internal/app":       "~internal/config ~producer ~consumer ~dashboard ~embedded ~graphsim",
		"internal/teststack": "~internal/app",
		"cmd/seatstream":     "~internal/app ~internal/output",
		"e2e":                "~internal/teststack",
	}
}

func TestSoundGraphPasses(t *testing.T) {
	t.Parallel()
	g := made(sound())
	for _, r := range slices.Concat(rules, advice) {
		if faults := r.check(g); len(faults) > 0 {
			t.Errorf("%q", faults)
		}
	}
	if faults := checkNames(g); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
}

// broken adds one import to the sound module and names the rule that it breaks.
var broken = []struct{ rule, at, add, want string }{
	{"schemas is a leaf", "schemas", "~internal/output", "imports internal/output"},
	{"schemas is a leaf", "schemas", "github.com/nats-io/nats.go", "imports github.com/nats-io/nats.go"},
	{"schemas is a leaf", "schemas", "github.com/ClickHouse/ch-go/proto", "imports github.com/ClickHouse/ch-go/proto"},
	{"schemas is a leaf", "schemas", "!github.com/microsoftgraph/msgraph-sdk-go/models", "msgraph-sdk-go/models"},
	{"schemas is a leaf", "schemas/sql", "github.com/Azure/azure-sdk-for-go/sdk/azidentity", "schemas/sql imports"},
	{"only producer/graph knows the Graph SDK", "producer", "github.com/microsoftgraph/msgraph-sdk-go", "producer imports"},
	{"only producer/graph knows the Graph SDK", "internal/app", "github.com/Azure/azure-sdk-for-go/sdk/azidentity", "azidentity"},
	{"only producer/graph knows the Graph SDK", "consumer", "github.com/microsoft/kiota-http-go", "kiota-http-go"},
	{"only producer/graph knows the Graph SDK", "e2e", "!github.com/microsoftgraph/msgraph-sdk-go-core", "e2e imports"},
	{"producer knows no consumer", "producer", "~consumer", "imports consumer"},
	{"producer knows no consumer", "internal/lease", "~consumer", "producer imports internal/lease, which imports consumer"},
	{"consumer knows no producer", "consumer", "~producer/graph", "imports producer/graph"},
	{"consumer knows no producer", "consumer/rows", "~internal/config", "consumer/rows imports internal/config, which imports producer"},
	{"graphsim stands alone", "graphsim", "~schemas", "imports schemas"},
	{"graphsim stands alone", "graphsim", "github.com/nats-io/nats.go", "nats.go"},
	{"graphsim knows no SDK", "graphsim", "github.com/microsoftgraph/msgraph-sdk-go", "msgraph-sdk-go"},
	{"graphsim knows no SDK", "graphsim", "!github.com/Azure/azure-sdk-for-go/sdk/azidentity", "azidentity"},
	{"embedded stands alone", "embedded", "~schemas", "imports schemas"},
	{"only embedded holds servers", "internal/teststack", "github.com/nats-io/nats-server/v2/server", "nats-server"},
	{"only embedded holds servers", "producer", "!github.com/nats-io/nats-server/v2/test", "producer imports"},
	{"only embedded holds servers", "cmd/seatstream", "github.com/ebitengine/purego", "purego"},
	{"dashboard asks and commands", "dashboard", "~graphsim", "imports graphsim"},
	{"dashboard asks and commands", "dashboard/page", "~internal/summary", "dashboard/page imports"},
	{"nobody but wiring imports the dashboard", "producer", "~dashboard", "imports dashboard"},
	{"nobody but wiring imports the dashboard", "internal/summary", "~dashboard/page", "imports dashboard/page"},
	{"catalogue reads schemas", "catalogue", "~internal/output", "imports internal/output"},
	{"parts know no wiring", "graphsim", "~internal/connect", "imports internal/connect"},
	{"parts know no wiring", "producer/graph", "~internal/config", "producer imports producer/graph, which imports internal/config"},
	{"leaves know no part", "internal/lease", "~producer", "imports producer"},
	{"leaves know no part", "internal/output", "~schemas/x ~consumer/batch", "imports consumer/batch"},
	{"nobody imports a command", "internal/app", "~cmd/seatstream", "imports cmd/seatstream"},
	{"test wiring stays in tests", "cmd/seatstream", "~internal/teststack", "imports internal/teststack"},
	{"commands know no driver", "cmd/seatstream", "github.com/nats-io/nats.go", "nats.go"},
}

// TestRulesFail breaks each rule, each in more than one way, and expects it, and the
// import that breaks it, to be named.
func TestRulesFail(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	for _, b := range broken {
		packages := sound()
		packages[b.at] += " " + b.add
		g := made(packages)
		all := slices.Concat(rules, advice)
		i := slices.IndexFunc(all, func(r rule) bool { return r.name == b.rule })
		if i < 0 {
			t.Errorf("no rule %q", b.rule)
			continue
		}
		faults := all[i].check(g)
		named := func(f string) bool {
			return strings.HasPrefix(f, b.rule+": ") && strings.Contains(f, b.want) && strings.Contains(f, all[i].why)
		}
		if !slices.ContainsFunc(faults, named) {
			t.Errorf("%s that imports %s: got %q, want %q of rule %q", b.at, b.add, faults, b.want, b.rule)
		}
		shown[b.rule] = true
	}
	for _, r := range slices.Concat(rules, advice) {
		if !shown[r.name] || r.why == "" {
			t.Errorf("rule %q is not shown to fail, or has no reason", r.name)
		}
	}
}

func TestVagueNames(t *testing.T) {
	t.Parallel()
	for _, name := range vague {
		for _, path := range []string{"internal/" + name, name, "producer/" + name + "/graph"} {
			if faults := checkNames(made(map[string]string{path: ""})); len(faults) != 1 || !strings.Contains(faults[0], path) {
				t.Errorf("%s: %q", path, faults)
			}
		}
		if faults := checkNames(graph{"internal/clean": {Path: "internal/clean", Name: name}}); len(faults) != 1 {
			t.Errorf("package %s: %q", name, faults)
		}
	}
	if faults := checkNames(made(map[string]string{"internal/utilisation": ""})); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"a/b": true, "a/b/c": true, "a": false, "a/bc": false, "": false, "x/a/b": false, "k-": true, "k-x/y": true, "k": false,
	} {
		if under(path, []string{"a/b", "k-"}) != want {
			t.Errorf("under(%q)", path)
		}
	}
}
