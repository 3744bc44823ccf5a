package schemas

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Root is the first token of every record subject.
const Root = "m365"

// Subject addresses one entity of one tenant: m365.<tenant-id>.<kind>[.<report>].<entity>.
// No part carries personal data: tenants and entities are GUIDs or digests.
type Subject struct {
	Tenant string // directory id, a GUID in lower case
	Kind   Kind
	Report string // report function, for KindReport only
	Entity string // GUID, digest, feed name or two GUIDs joined by an underscore
}

// String renders the subject.
func (s Subject) String() string {
	if s.Kind == KindReport {
		return Root + "." + s.Tenant + "." + string(s.Kind) + "." + s.Report + "." + s.Entity
	}
	return Root + "." + s.Tenant + "." + string(s.Kind) + "." + s.Entity
}

// Check reports the first part that may not stand in a subject.
func (s Subject) Check() error {
	if !IsGUID(s.Tenant) {
		return fmt.Errorf("subject tenant %q: not a directory id (a GUID in lower case)", s.Tenant)
	}
	if _, err := ParseKind(string(s.Kind)); err != nil {
		return fmt.Errorf("subject kind: %w", err)
	}
	if (s.Kind == KindReport) != (s.Report != "") {
		return fmt.Errorf("subject report %q: goes with kind report and with no other", s.Report)
	}
	if s.Report != "" && !IsToken(s.Report) {
		return fmt.Errorf("subject report %q: letters, digits, - and _ only", s.Report)
	}
	if !IsToken(s.Entity) {
		return fmt.Errorf("subject entity %q: letters, digits, - and _ only, 1 to 128 of them", s.Entity)
	}
	return nil
}

func (s Subject) idPrefix() string {
	if s.Kind == KindReport {
		return s.Tenant + "/" + string(s.Kind) + "/" + s.Report + "/" + s.Entity
	}
	return s.Tenant + "/" + string(s.Kind) + "/" + s.Entity
}

// ParseSubject reads a subject of a stored record.
func ParseSubject(subject string) (Subject, error) {
	var parts [5]string
	n := 0
	rest := subject
	for more := true; more; n++ {
		if n == len(parts) {
			return Subject{}, fmt.Errorf("parse subject %q: too many tokens", subject)
		}
		parts[n], rest, more = strings.Cut(rest, ".")
	}
	s := Subject{Tenant: parts[1], Kind: Kind(parts[2]), Entity: parts[3]}
	switch {
	case parts[0] != Root || n < 4 || n == 5 && parts[3] == "":
		return Subject{}, fmt.Errorf("parse subject %q: want %s.<tenant>.<kind>[.<report>].<entity>", subject, Root)
	case n == 5:
		s.Report, s.Entity = parts[3], parts[4]
	}
	if err := s.Check(); err != nil {
		return Subject{}, fmt.Errorf("parse subject %q: %w", subject, err)
	}
	return s, nil
}

// Filter returns the subject filter for a tenant, kind and report; empty parts match all.
func Filter(tenant string, kind Kind, report string) string {
	token := func(s string) string {
		if s == "" {
			return "*"
		}
		return s
	}
	switch {
	case report != "":
		return Root + "." + token(tenant) + "." + string(KindReport) + "." + report + ".*"
	case tenant == "" && kind == "":
		return Root + ".>"
	}
	return Root + "." + token(tenant) + "." + token(string(kind)) + ".>"
}

// IsGUID reports whether s is a GUID in lower case with dashes.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
		default:
			return false
		}
	}
	return true
}

// IsToken reports whether s can be one token of a subject: 1 to 128 letters, digits, - and _.
func IsToken(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// NewRunID returns an id for a run that began at t. Ids sort by time and contain no
// character that message ids use as a separator: 20261123T060000Z-9f3a51c2.
func NewRunID(t time.Time) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return t.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
}

func runOf(id string) string {
	i := strings.LastIndexByte(id, '/')
	if i < 0 {
		return ""
	}
	run, _, _ := strings.Cut(id[i+1:], "+")
	return run
}

// pair splits an entity of two GUIDs.
func (s Subject) pair() (first, second string) {
	first, second, _ = strings.Cut(s.Entity, "_")
	return first, second
}

// Pair returns the two GUIDs of a member or licence entity.
func (s Subject) Pair() (first, second string, err error) {
	first, second = s.pair()
	if !IsGUID(first) || !IsGUID(second) {
		return "", "", fmt.Errorf("subject entity %q: want two GUIDs joined by an underscore", s.Entity)
	}
	return first, second, nil
}
