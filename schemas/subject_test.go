package schemas

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func genGUID() *rapid.Generator[string] {
	return rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
}

func genToken() *rapid.Generator[string] { return rapid.StringMatching(`[A-Za-z0-9_-]{1,128}`) }

func genSubject() *rapid.Generator[Subject] {
	return rapid.Custom(func(t *rapid.T) Subject {
		s := Subject{
			Tenant: genGUID().Draw(t, "tenant"), Kind: rapid.SampledFrom(Kinds).Draw(t, "kind"), Entity: genToken().Draw(t, "entity"),
		}
		if s.Kind == KindReport {
			s.Report = genToken().Draw(t, "report")
		}
		return s
	})
}

func TestSubjectRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := genSubject().Draw(t, "subject")
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		got, err := ParseSubject(s.String())
		if err != nil || got != s {
			t.Fatalf("%s: got %+v, %v, want %+v", s, got, err, s)
		}
		tenant, kind, report := s.Tenant, s.Kind, s.Report
		for _, filter := range []string{
			Filter("", "", ""), Filter(tenant, "", ""), Filter("", kind, ""), Filter(tenant, kind, ""), Filter(tenant, kind, report), Filter("", kind, report),
		} {
			if !matches(filter, s.String()) {
				t.Fatalf("filter %s misses %s", filter, s)
			}
		}
		other := strings.Map(func(r rune) rune {
			if r == '-' {
				return r
			}
			return map[bool]rune{true: '1', false: '0'}[r == '0']
		}, tenant)
		if matches(Filter(other, "", ""), s.String()) {
			t.Fatalf("filter of tenant %s takes in %s", other, s)
		}
	})
}

// matches is the server's rule: * stands for one token, > for one or more at the end.
func matches(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	for i, token := range f {
		if token == ">" {
			return i < len(s)
		}
		if i >= len(s) || token != "*" && token != s[i] {
			return false
		}
	}
	return len(f) == len(s)
}

// hostile tokens would widen a subscription, break a message id or carry text.
var hostile = []string{
	"", "*", ">", ".", "a.b", "a.*", "a.>", " ", "a b", "a\tb", "a\r\nb", "\x00", "a/b", "a+1", "$SYS", "ü", "名前", "a\u00a0", "\xff",
	"adele@contoso.com", strings.Repeat("a", 129),
}

func TestSubjectRefusesHostileTokens(t *testing.T) {
	t.Parallel()
	good := Subject{Tenant: sampleTenant, Kind: KindReport, Report: "getX", Entity: strings.Repeat("a", 128)}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, token := range hostile {
		for part, bad := range map[string]Subject{
			"tenant": {token, KindReport, "getX", "a"},
			"kind":   {sampleTenant, Kind(token), "", "a"},
			"report": {sampleTenant, KindReport, token, "a"},
			"entity": {sampleTenant, KindReport, "getX", token},
		} {
			err := bad.Check()
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s %q: %v, want an error that names the part", part, token, err)
			}
			if got, err := ParseSubject(bad.String()); err == nil && got == bad {
				t.Errorf("%s %q was parsed", part, token)
			}
		}
	}
	for _, tenant := range []string{
		"contoso.onmicrosoft.com", strings.ToUpper(sampleTenant), "{" + sampleTenant[1:35] + "}", strings.ReplaceAll(sampleTenant, "-", ""),
		sampleTenant + "0", strings.ReplaceAll(sampleTenant, "-", "0"),
	} {
		if (Subject{Tenant: tenant, Kind: KindUser, Entity: "a"}).Check() == nil {
			t.Errorf("tenant %q is accepted", tenant)
		}
	}
}

func TestParseSubjectRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", ".", "m365", "m365.", "m365.." + "user.a", "m365." + sampleTenant, "m365." + sampleTenant + ".user", "m365." + sampleTenant + ".user.",
		"M365." + sampleTenant + ".user.a", "x." + sampleTenant + ".user.a", "m365." + sampleTenant + ".user.a.b",
		"m365." + sampleTenant + ".report.a", "m365." + sampleTenant + ".report.a.b.c", "m365." + sampleTenant + ".report..b", "m365." + sampleTenant + ".run..b",
		"m365." + sampleTenant + ".mailbox.a", "dlq.m365." + sampleTenant + ".user.a",
	} {
		if got, err := ParseSubject(s); err == nil || !strings.Contains(err.Error(), "parse subject") {
			t.Errorf("%q: got %+v, %v", s, got, err)
		}
	}
}

func TestSubjectPair(t *testing.T) {
	t.Parallel()
	m := Member{GroupID: sampleGroup, MemberID: sampleUser}
	first, second, err := Subject{Entity: m.Entity()}.Pair()
	if err != nil || first != sampleGroup || second != sampleUser {
		t.Errorf("got %q, %q, %v", first, second, err)
	}
	for _, entity := range []string{"", "_", sampleGroup, sampleGroup + "_", "_" + sampleUser, m.Entity() + "_" + sampleUser, "a_b"} {
		if _, _, err := (Subject{Entity: entity}).Pair(); err == nil {
			t.Errorf("entity %q is taken for a pair", entity)
		}
	}
}

func TestNewRunID(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 7, 0, 0, 0, time.FixedZone("CET", 3600))
	a, b, later := NewRunID(at), NewRunID(at), NewRunID(at.Add(time.Second))
	if !strings.HasPrefix(a, "20261123T060000Z-") || len(a) != len("20261123T060000Z-9f3a51c2") {
		t.Errorf("got %q", a)
	}
	if a == b || a >= later {
		t.Errorf("%q, %q and %q must differ and sort by time", a, b, later)
	}
	if strings.ContainsAny(a, "/+") || !IsToken(a) {
		t.Errorf("%q holds a separator of message ids", a)
	}
}
