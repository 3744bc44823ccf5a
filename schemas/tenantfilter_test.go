package schemas

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A question about one tenant must not read another's rows. The check is of the text,
// and so the queries keep to one form: every SELECT that reads a table says
//
//	{tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String})
//
// as a condition of its own, every building block is called with the tenant, and what
// is joined is joined by tenant.
const sharedForm = `\{tenant:String\} = '' OR (?:\w+\.)?tenant_id IN \(toUUIDOrZero\(\{tenant:String\}\), toUUIDOrZero\(''\)\)`

const filterForm = `\{tenant:String\} = '' OR (?:\w+\.)?tenant_id = toUUIDOrZero\(\{tenant:String\}\)`

var (
	read      = regexp.MustCompile(`(?:(\w+)\s+)?\b(FROM|JOIN)\s+(m365\.)?(\w+)(\([^()]*\))?`)
	condition = regexp.MustCompile(`\b(?:WHERE|AND)\s+\(` + filterForm + `\)(?:\s+(?:AND|GROUP|ORDER|WINDOW|SETTINGS|UNION|LIMIT)\b|\s*$)` +
		`|\bWHERE\s+` + filterForm + `(?:\s+(?:GROUP|ORDER|WINDOW|SETTINGS|UNION)\b|\s*$)`)
	// What is the same for all tenants stands under a tenant id of zeros, beside their own.
	sharedCondition = regexp.MustCompile(`\b(?:WHERE|AND)\s+\(?` + sharedForm + `\)?(?:\s+(?:AND|GROUP|ORDER|UNION)\b|\s*$)`)
	argument        = regexp.MustCompile(`\btenant = \{tenant:String\}`)
	// scope is the tenant's id or the zeros under which stands what is the same for all.
	byTenant   = regexp.MustCompile(`\bON (?:\w+)\.tenant_id = (?:\w+)\.(?:tenant_id|scope)\b`)
	nextClause = regexp.MustCompile(`\b(?:JOIN|WHERE|GROUP|ORDER|SETTINGS)\b`)
	named      = regexp.MustCompile(`\b(\w+) AS \(\s*(?:SELECT|WITH)\b`)
)

// reference tables hold data on products, the same for every tenant.
var reference = []string{"service_plan_workloads", "plan_names", "sku_plans", "plan_traits", "plan_supersedes", "downgrades", "moment"}

// shared tables have rows for one tenant and rows for all.
var shared = []string{"sku_names", "sku_traits", "prices", "exclusions"}

// selects splits a query into its SELECTs, each branch of a union by itself and each without those in brackets inside it.
func selects(sql string) []string {
	var out []string
	stack := []string{""}
	for i := range len(sql) {
		top := len(stack) - 1
		switch c := sql[i]; {
		case c == '(':
			stack = append(stack, "")
		case c == ')' && top > 0:
			inner := stack[top]
			stack = stack[:top]
			if strings.Contains(inner, "SELECT") {
				out = append(out, branches(inner)...)
				inner = ""
			}
			stack[top-1] += "(" + inner + ")"
		default:
			stack[top] += sql[i : i+1]
		}
	}
	return append(out, branches(stack[0])...)
}

// branches of a UNION ALL are SELECTs of their own.
func branches(sql string) []string { return strings.Split(sql, "UNION ALL") }

// leaks lists where a query reads rows without asking whose they are.
func leaks(sql string) (faults []string) {
	var names []string
	for _, m := range named.FindAllStringSubmatch(sql, -1) {
		names = append(names, m[1])
	}
	for _, scope := range selects(sql) {
		tables := 0
		for _, at := range read.FindAllStringSubmatchIndex(scope, -1) {
			group := func(n int) string { return scope[max(at[2*n], 0):max(at[2*n+1], 0)] }
			if group(3) != "" {
				tables++
			}
			if fault := leak(scope, scope[at[1]:], names, group); fault != "" {
				faults = append(faults, fmt.Sprintf("%s: %s", scope[at[0]:at[1]], fault))
			}
		}
		if n := strings.Count(scope, Database+"."); n != tables {
			faults = append(faults, fmt.Sprintf("%d tables named, %d behind FROM or JOIN", n, tables))
		}
	}
	return faults
}

// leak judges one read: group gives the parts of the match of read, rest what follows it.
func leak(scope, rest string, names []string, group func(int) string) string {
	before, verb, qualified, name, args := group(1), group(2), group(3) != "", group(4), group(5)
	if end := nextClause.FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	switch {
	case before == "ARRAY":
		return "" // unfolds a column
	case qualified && slices.Contains(reference, name):
		return ""
	case !qualified && !slices.Contains(names, name):
		return "neither a table of " + Database + " nor a part of the query"
	case args != "" && !argument.MatchString(args):
		return "called without the tenant"
	case verb == "JOIN" && before != "LEFT" && before != "INNER":
		return "only left and inner joins keep to the tenants of the left side"
	case verb == "JOIN" && !byTenant.MatchString(rest):
		return "not joined by tenant"
	case verb == "FROM" && slices.Contains(shared, name) && sharedCondition.MatchString(scope):
		return ""
	case verb == "FROM" && qualified && args == "" && !condition.MatchString(scope):
		return "no tenant filter in this SELECT"
	}
	return ""
}

func TestQueriesFilterTenants(t *testing.T) {
	t.Parallel()
	for _, q := range Queries() {
		for _, fault := range leaks(q.SQL) {
			t.Errorf("%s: %s", q.Name, fault)
		}
	}
}

// TestTenantFilterRemoved takes out each filter, argument and join condition of each
// shipped query in turn: every time the check must notice.
func TestTenantFilterRemoved(t *testing.T) {
	t.Parallel()
	removed := 0
	for _, q := range Queries() {
		for part, neutral := range map[string]string{
			filterForm: "1", sharedForm: "1", argument.String(): "tenant = ''",
			`\bON \w+\.tenant_id = \w+\.(?:tenant_id|scope)( AND \w+\.\w+ = \w+\.\w+)*`: "ON 1",
		} {
			for _, at := range regexp.MustCompile(part).FindAllStringIndex(q.SQL, -1) {
				if strings.HasPrefix(q.SQL[at[0]:], "ON ") && joinsBrackets(q.SQL[:at[0]]) {
					continue // a SELECT in brackets has its own filter
				}
				removed++
				if mutant := q.SQL[:at[0]] + neutral + q.SQL[at[1]:]; len(leaks(mutant)) == 0 {
					t.Errorf("%s: unnoticed without %q at byte %d", q.Name, q.SQL[at[0]:at[1]], at[0])
				}
			}
		}
	}
	if removed < 30 {
		t.Errorf("only %d filters were found to remove", removed)
	}
}

// joinsBrackets reports whether a join's condition belongs to a SELECT in brackets.
func joinsBrackets(before string) bool {
	return regexp.MustCompile(`\n *\) AS \w+ $`).MatchString(before)
}

func TestLeaks(t *testing.T) {
	t.Parallel()
	const shared = "{tenant:String} = '' OR tenant_id IN (toUUIDOrZero({tenant:String}), toUUIDOrZero(''))"
	const filter = "({tenant:String} = '' OR tenant_id = toUUIDOrZero({tenant:String}))"
	for sql, want := range map[string]string{
		"SELECT 1 FROM m365.users WHERE " + filter:                                                                  "",
		"SELECT 1 FROM m365.users WHERE a = 1 AND " + filter + " GROUP BY b":                                        "",
		"SELECT 1 FROM (SELECT 1 FROM m365.users WHERE " + filter + ") WHERE 1":                                     "",
		"SELECT 1 FROM m365.service_plan_workloads":                                                                 "",
		"SELECT 1 FROM m365.users WHERE " + filter + " UNION ALL SELECT 1 FROM m365.skus":                           "no tenant filter",
		"SELECT 1 FROM m365.prices WHERE a = 1 AND (" + shared + ")":                                                "",
		"SELECT 1 FROM m365.users WHERE a = 1 AND (" + shared + ")":                                                 "no tenant filter",
		"SELECT 1 FROM m365.prices WHERE tenant_id = toUUIDOrZero('')  OR 1":                                        "no tenant filter",
		"SELECT 1 FROM m365.users":                                                                                  "no tenant filter",
		"SELECT 1 FROM m365.users WHERE 1 OR " + filter:                                                             "no tenant filter",
		"SELECT 1 FROM m365.users WHERE " + filter + " OR 1":                                                        "no tenant filter",
		"SELECT 1 FROM m365.users WHERE " + strings.Trim(filter, "()") + ") AND a = 1":                              "no tenant filter",
		"SELECT 1 FROM m365.users WHERE a IN (SELECT 1 FROM m365.users WHERE " + filter + ")":                       "no tenant filter",
		"SELECT 1 FROM (SELECT 1 FROM m365.users) WHERE " + filter:                                                  "no tenant filter",
		"SELECT 1 FROM m365.v(tenant = {tenant:String})":                                                            "",
		"SELECT 1 FROM m365.v(tenant = '') WHERE " + filter:                                                         "without the tenant",
		"SELECT 1 FROM users WHERE " + filter:                                                                       "neither a table",
		"SELECT 1 FROM m365.users, m365.skus WHERE " + filter:                                                       "2 tables named, 1 behind",
		"SELECT 1 FROM m365.users AS u LEFT JOIN m365.skus AS s ON s.a = u.a WHERE " + filter:                       "not joined by tenant",
		"SELECT 1 FROM m365.users AS u FULL JOIN m365.skus AS s ON s.tenant_id = u.tenant_id WHERE 1 AND " + filter: "left and inner",
	} {
		got := strings.Join(leaks(sql), "; ")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s\n got %q\nwant %q", sql, got, want)
		}
	}
}

// TestViewCalls holds the calls of building blocks against their declarations: each
// parameter is given once, and a view stands behind those it is built on.
func TestViewCalls(t *testing.T) {
	t.Parallel()
	known := map[string]*Query{}
	for i := range Queries() {
		q := &Queries()[i]
		for _, m := range read.FindAllStringSubmatch(q.SQL, -1) {
			if m[3] == "" || m[5] == "" {
				continue
			}
			view := known[m[4]]
			if view == nil {
				t.Errorf("%s: %s is no query with a lower number", q.Name, m[4])
				continue
			}
			given := regexp.MustCompile(`(\w+) = `).FindAllStringSubmatch(m[5], -1)
			for _, p := range view.Params {
				if !slices.ContainsFunc(given, func(g []string) bool { return g[1] == p.Name }) {
					t.Errorf("%s: calls %s without %s", q.Name, m[4], p.Name)
				}
			}
			if len(given) != len(view.Params) {
				t.Errorf("%s: calls %s with %d parameters, it has %d", q.Name, m[4], len(given), len(view.Params))
			}
		}
		known[q.View()] = q
	}
}
