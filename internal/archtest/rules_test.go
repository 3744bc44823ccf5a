package archtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rule says what some packages may not import, and why.
type rule struct {
	name string
	why  string
	// of are the packages the rule is about, with those below them. A package that does
	// not exist yet breaks no rule.
	of []string
	// except are packages below of, or anywhere if of is empty, that the rule spares.
	except []string
	// outside are import paths of other modules that may not be imported, tests included.
	outside []string
	// inside are packages of this module that may not be reached, by whatever way. Tests
	// may: they put parts together that the program keeps apart.
	inside []string
	// only, if not nil, are the packages of this module that may be imported at all.
	only []string
}

// Import paths of the parties that the rules name.
var (
	graphSDK = []string{
		"github.com/microsoftgraph", "github.com/microsoft/kiota-", "github.com/Azure/azure-sdk-for-go/sdk/azidentity",
		"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault", // signs in with azidentity
	}
	clients = []string{"github.com/nats-io", "github.com/synadia-io", "github.com/ClickHouse"}
	drivers = slices.Concat(clients, graphSDK, []string{"github.com/Azure", "database/sql", "net/http"})
	engines = []string{"github.com/nats-io/nats-server/v2", "github.com/ebitengine/purego"}
	parts   = []string{"producer", "consumer", "dashboard", "embedded", "graphsim", "catalogue"}
	leaves  = []string{"internal/lease", "internal/output", "internal/telemetry"}
	none    = []string{}
)

var rules = []rule{
	{
		name: "schemas is a leaf", of: []string{"schemas"}, only: none, outside: drivers,
		why: "it is the contract: whoever subscribes or queries can import it without our code or a client library",
	},
	{
		name: "only producer/graph knows the Graph SDK", except: []string{"producer/graph"}, outside: graphSDK,
		why: "the SDK is 36 MB and slow to build and to decode: one folder wraps it, and another way to Graph replaces one folder",
	},
	{
		name: "producer knows no consumer", of: []string{"producer"}, inside: []string{"consumer"},
		why: "they meet in the stream alone, so that either runs, fails and is replaced without the other",
	},
	{
		name: "consumer knows no producer", of: []string{"consumer"}, inside: []string{"producer"},
		why: "they meet in the stream alone, so that either runs, fails and is replaced without the other",
	},
	{
		name: "graphsim stands alone", of: []string{"graphsim"}, only: none, outside: clients,
		why: "a simulator that shares code with what it tests would repeat its mistakes",
	},
	{
		name: "graphsim knows no SDK", of: []string{"graphsim"}, outside: graphSDK,
		why: "it speaks HTTP as Microsoft documents it, not as the SDK reads it",
	},
	{
		name: "embedded stands alone", of: []string{"embedded"}, only: none,
		why: "it starts servers; what is in them is the business of those who connect",
	},
	{
		name: "only embedded holds servers", except: []string{"embedded", "e2e/clock", "e2e/access"}, outside: engines,
		why: "everything else reaches NATS and ClickHouse by address, so the same code runs on a cluster; a clock is injected into a server in process alone, and accounts are tried on one",
	},
	{
		name: "dashboard asks and commands", of: []string{"dashboard"},
		only: []string{"schemas", "dashboard", "producer", "consumer", "catalogue", "internal/answer", "internal/output"},
		why:  "the page asks the shipped questions as the command line does, and commands the parts by what they offer; it knows no server, no simulator and no wiring",
	},
	{
		name: "nobody but wiring imports the dashboard", inside: []string{"dashboard"}, except: []string{"dashboard", "cmd", "internal/app", "internal/teststack", "e2e"},
		why: "everything works without a page, and whatever a page needs from a part is of use to others too",
	},
	{
		name: "catalogue reads schemas", of: []string{"catalogue"}, only: []string{"schemas"},
		why: "what people bring along is stored beside what is collected, and knows nothing of how that comes about",
	},
	{
		name: "parts know no wiring", of: parts, inside: []string{"cmd", "internal/app", "internal/config", "internal/connect", "internal/teststack"},
		why: "wiring points at the parts: a part that reads the configuration cannot be put together in another way",
	},
	{
		name: "leaves know no part", of: leaves, inside: parts,
		why: "both sides import them, so that an import of one side would tie the two together",
	},
	{
		name: "nobody imports a command", inside: []string{"cmd"}, except: []string{"cmd"},
		why: "a command parses and prints; what it does lies in a package that others can use",
	},
	{
		name: "test wiring stays in tests", inside: []string{"internal/teststack", "e2e"}, except: []string{"internal/teststack", "e2e"},
		why: "the program must not carry the test stack",
	},
}

// advice is looked at and not enforced.
var advice = []rule{{
	name: "commands know no driver", of: []string{"cmd"}, outside: clients,
	why: "a command that holds a connection is hard to test and repeats the wiring",
}}

// vague are names that say nothing of what a package is for and so collect everything.
var vague = []string{"common", "util", "utils", "helpers", "models", "constants"}

func (r *rule) concerns(path string) bool {
	return (len(r.of) == 0 || under(path, r.of)) && !under(path, r.except)
}

// check lists the imports that break the rule, each with the reason.
func (r *rule) check(g graph) (faults []string) {
	for _, path := range sorted(g) {
		p := g[path]
		if !r.concerns(path) {
			continue
		}
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Sprintf("%s: %s %s (%s)", r.name, path, fmt.Sprintf(format, args...), r.why))
		}
		for _, imported := range slices.Concat(p.Imports, p.Tests) {
			if under(imported, r.outside) {
				fault("imports %s", imported)
			}
		}
		if r.only != nil {
			for _, imported := range p.Imports {
				if own, ok := local(imported); ok && !under(own, r.only) {
					fault("imports %s", own)
				}
			}
		}
		if way := g.reach(path, func(to string) bool { return under(to, r.inside) }); way != nil {
			fault("imports %s", strings.Join(way[1:], ", which imports "))
		}
	}
	return faults
}

// checkNames lists the packages whose name or folder is vague.
func checkNames(g graph) (faults []string) {
	for _, path := range sorted(g) {
		for _, name := range append(strings.Split(path, "/"), strings.TrimSuffix(g[path].Name, "_test")) {
			if slices.Contains(vague, name) {
				faults = append(faults, fmt.Sprintf("%s: %q does not say what the package is for", path, name))
				break
			}
		}
	}
	return faults
}

func sorted(g graph) []string {
	var paths []string
	for p := range g {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	g := load(t)
	if g["schemas"] == nil || len(g["schemas"].Imports) == 0 || len(g) < 8 {
		t.Fatalf("the import graph is not this module's: %v", sorted(g))
	}
	for i := range rules {
		for _, fault := range rules[i].check(g) {
			t.Error(fault)
		}
	}
	for _, fault := range checkNames(g) {
		t.Error(fault)
	}
	for i := range advice {
		for _, hint := range advice[i].check(g) {
			t.Log("not enforced: " + hint)
		}
	}
}
